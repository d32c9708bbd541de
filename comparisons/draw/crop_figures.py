"""The same part of one test image by several denoisers: what figures 3, 4 and 6 share."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from comparisons import command
from comparisons.draw.crops import Window
from comparisons.draw.figures import (
    VERMILION,
    WIDTH,
    Row,
    conditions,
    figure_parser,
    printed_numbers,
    save,
    stem,
)
from comparisons.measure.denoisers import Denoisers
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import Protocol, protocol_of
from raisr.datasets import load_dataset
from raisr.noise import Sample

_SCORES = ("PSNR of the part", "SSIM of the part", "PSNR of the image", "SSIM of the image")
_PRINTED = ("PSNR in the paper", "SSIM in the paper")


@dataclass(frozen=True)
class Scene:
    """An image of a set, and the part of it that is shown."""

    dataset: str
    image: str
    window: Window

    def sample(self, protocol: Protocol, sigma: float, *, download: bool = False) -> Sample:
        """Return the image with the noise that it has in the tables."""
        dataset = load_dataset(self.dataset, download=download)
        image = next(image for image in dataset if image.name == self.image)
        return protocol.sample(dataset, image, sigma)


@dataclass(frozen=True)
class View:
    """An output, and its PSNR in dB and SSIM: of the part that is shown, and of the whole image."""

    label: str
    image: NDArray
    part: tuple[float, float]
    whole: tuple[float, float]


def draw_methods(
    figure: str,
    about: str,
    scene: Scene,
    methods: Sequence[str],
    arguments: list[str] | None,
    *,
    sigma: float,
) -> None:
    """Run the command of a figure that shows rows of `comparisons.measure.methods`."""
    options = parse(figure, about, arguments, sigma)
    for protocol, level in conditions(options):
        denoisers = build(methods, protocol, level)
        publish(figure, scene, denoisers, protocol, level, options)


def parse(figure: str, about: str, arguments: list[str] | None, sigma: float) -> argparse.Namespace:
    """Return the options of the command of a figure that needs images."""
    parser = figure_parser(f"comparisons.{figure}", about, sigmas=[sigma])
    command.add_data_options(parser)
    return parser.parse_args(arguments)


def build(methods: Sequence[str], protocol: Protocol, sigma: float) -> Denoisers:
    """Return the rows that are defined under a protocol at a noise level, by label."""
    return {
        METHODS[name].label: METHODS[name].build(protocol, sigma)
        for name in methods
        if METHODS[name].defined(protocol.name, sigma)
    }


def publish(
    figure: str,
    scene: Scene,
    denoisers: Denoisers,
    protocol: Protocol,
    sigma: float,
    options: argparse.Namespace,
) -> None:
    """Denoise, draw, and write the files of a figure under one protocol, at one noise level."""
    sample = scene.sample(protocol, sigma, download=options.download)
    found = views(scene, sample, denoisers, protocol)
    title = f"{scene.image}, protocol {protocol.name}, sigma {sigma:g}"
    if absent := [label for label, denoiser in denoisers.items() if denoiser is None]:
        print(f"{title}: no weights here: {', '.join(absent)}")
    printed = printed_numbers(figure, protocol, sigma)
    command.announce(
        save(
            draw(scene, sample, found, title),
            rows(scene, sample, found, printed),
            options.output,
            stem(figure, protocol, sigma),
        )
    )


def views(scene: Scene, sample: Sample, denoisers: Denoisers, protocol: Protocol) -> list[View]:
    """Denoise a sample by every denoiser, by label; those without weights (None) are left out."""
    found = []
    for label, denoiser in denoisers.items():
        if denoiser is None:
            continue
        output = denoiser.run(sample)
        cut = scene.window.cut
        part = protocol.score(cut(output), cut(sample.clean), as_is=denoiser.as_is)
        whole = protocol.score(output, sample.clean, as_is=denoiser.as_is)
        found.append(View(label, output, part, whole))
    return found


def rows(
    scene: Scene, sample: Sample, found: Sequence[View], printed: Mapping[str, Sequence[float]]
) -> list[Row]:
    """Return the numbers of the views, beside those the paper prints, by label."""
    return [
        {
            "protocol": protocol_of(sample.noise).name,
            "sigma": sample.sigma,
            "image": scene.image,
            "method": view.label,
            **numbers(view),
            **paper_numbers(printed.get(view.label)),
        }
        for view in found
    ]


def numbers(view: View | None) -> dict[str, float | None]:
    """Return the scores of a view, named for a CSV; empty cells for None."""
    scores: Sequence[float | None] = (*view.part, *view.whole) if view else (None,) * 4
    return dict(zip(_SCORES, scores, strict=True))


def paper_numbers(printed: Sequence[float] | None) -> dict[str, float | None]:
    """Return what the paper prints under a picture, named for a CSV; empty cells for None."""
    empty: Sequence[float | None] = (None,) * 2
    return dict(zip(_PRINTED, printed or empty, strict=True))


def draw(scene: Scene, sample: Sample, found: Sequence[View], title: str) -> Figure:
    """Return the figure: the panels of `fill`, seven or fewer in a row."""
    count = len(found) + 2
    lines = 1 if count < 6 else max(2, -(-count // 7))
    columns = -(-count // lines)
    height = lines * (WIDTH / columns + 0.36) + 0.2
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    fill(list(figure.subplots(lines, columns, squeeze=False).ravel()), scene, sample, found)
    figure.suptitle(title, fontsize=9)
    return figure


def fill(axes: Sequence[Axes], scene: Scene, sample: Sample, found: Sequence[View]) -> None:
    """Show the whole clean image, its part, and that of each view; axes left over are emptied."""
    locate(axes[0], sample.clean, scene.window)
    show(axes[1], scene.window.cut(sample.clean), "clean\nPSNR (whole image)")
    for axis, view in zip(axes[2:], found, strict=False):
        caption = f"{view.label}\n{view.part[0]:.2f} ({view.whole[0]:.2f}) dB"
        show(axis, scene.window.cut(view.image), caption)
    for axis in axes[len(found) + 2 :]:
        axis.axis("off")


def locate(axis: Axes, image: NDArray, window: Window) -> None:
    """Show an image with the outline of a part."""
    show(axis, image, "")
    corner = (window.column - 0.5, window.row - 0.5)
    for colour, width in (("white", 2.5), (VERMILION, 1.5)):
        axis.add_patch(
            Rectangle(corner, window.side, window.side, fill=False, ec=colour, linewidth=width)
        )


def show(axis: Axes, image: NDArray, caption: str) -> None:
    """Show gray levels from 0 (black) to 255 (white), and a caption below."""
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="none")
    axis.set(xticks=[], yticks=[])
    axis.set_xlabel(caption, fontsize=7)
