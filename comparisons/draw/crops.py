"""Pictures of crops: the same part of an image by several methods, as in the paper's figure 4."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from comparisons.measure.denoisers import Denoisers
from comparisons.measure.protocol import Protocol
from comparisons.measure.scenes import Window
from raisr.datasets import Dataset
from raisr.provenance import write_file


@dataclass(frozen=True)
class Panel:
    """One version of the image and its caption."""

    caption: str
    image: NDArray


def middle_windows(shape: tuple[int, ...]) -> tuple[Window, Window]:
    """Return a window in the middle of an image and one in the middle of that."""
    side = min(192, *shape)
    inner = max(side // 3, 1)
    outer = Window((shape[0] - side) // 2, (shape[1] - side) // 2, side)
    return outer, Window((side - inner) // 2, (side - inner) // 2, inner)


# Set -> image and windows; of another set, the middle of the first image.
_PICTURED: dict[str, tuple[str, tuple[Window, Window]]] = {
    "sample": ("chelsea.png", (Window(54, 129, 192), Window(12, 10, 72))),
    "urban100": ("img_079.png", (Window(170, 828, 192), Window(10, 120, 64))),  # as in figure 4
}


def draw_example(
    sets: Sequence[Dataset], denoisers: Denoisers, protocol: Protocol, sigma: float
) -> Figure:
    """Return crops of one image of the sets: clean, then every denoiser (by label), scored."""
    dataset = next((dataset for dataset in sets if dataset.name in _PICTURED), sets[0])
    name, windows = _PICTURED.get(dataset.name, (dataset.images[0].name, None))
    image = next(image for image in dataset if image.name == name)
    sample = protocol.sample(dataset, image, sigma)
    panels = [Panel("clean\nPSNR / SSIM", sample.clean)]
    for label, denoiser in denoisers.items():
        if denoiser:
            output = denoiser.run(sample)
            psnr, ssim = protocol.score(output, sample.clean, as_is=denoiser.as_is)
            panels.append(Panel(f"{label}\n{psnr:.2f} / {ssim:.3f}", output))
    title = f"{dataset.label} {image.name}, protocol {protocol.name}, sigma {sigma:g}"
    return draw_crops(panels, *(windows or middle_windows(sample.clean.shape)), title)


def draw_crops(panels: Sequence[Panel], outer: Window, inner: Window, title: str) -> Figure:
    """Return a figure with the outer window of each panel above the inner one, enlarged.

    Parameters
    ----------
    panels : sequence of Panel
        (H, W) or (H, W, 3) images in gray levels, shown from 0 (black) to 255 (white).
    outer : Window
        Part of the image shown in the upper row.
    inner : Window
        Part of the outer window, counted from its corner, shown in the lower row.
    """
    figure = Figure(figsize=(2.1 * len(panels), 5.0), layout="constrained")
    axes = figure.subplots(2, len(panels), squeeze=False)
    gray = {"cmap": "gray", "vmin": 0, "vmax": 255}
    for (above, below), panel in zip(axes.T, panels, strict=True):
        part = outer.cut(panel.image)
        part = part.clip(0, 255) / 255 if part.ndim == 3 else part
        above.imshow(part, interpolation="lanczos", **gray)
        above.add_patch(
            Rectangle(
                (inner.column - 0.5, inner.row - 0.5),
                inner.side,
                inner.side,
                fill=False,
                edgecolor="tab:red",
                linewidth=1.5,
            )
        )
        below.imshow(inner.cut(part), interpolation="nearest", **gray)
        below.set_xlabel(panel.caption, fontsize=9)
        for axis in (above, below):
            axis.set(xticks=[], yticks=[])
    figure.suptitle(title, fontsize=10)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, all or nothing."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    write_file(path, buffer.getvalue())
