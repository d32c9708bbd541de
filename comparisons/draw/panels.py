"""Panels: the same part of one test image by several denoisers, as in figures 3 to 6."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from comparisons.draw.figures import VERMILION, WIDTH, Line
from comparisons.measure.protocol import protocol_of
from comparisons.measure.scenes import Scene, View, Window
from raisr.noise import Sample

_SCORES = ("PSNR of the part", "SSIM of the part", "PSNR of the image", "SSIM of the image")
_PRINTED = ("PSNR in the paper", "SSIM in the paper")


def rows(
    scene: Scene, sample: Sample, found: Sequence[View], printed: Mapping[str, Sequence[float]]
) -> list[Line]:
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
