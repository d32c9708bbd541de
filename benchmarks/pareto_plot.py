"""The picture of quality against time: readable in print, and told apart without colour."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from comparisons.draw.figures import BLUE, GREEN, VERMILION, WIDTH, to_bytes
from comparisons.draw.labels import Label, label_points
from raisr.provenance import write_file

__all__ = ["Point", "front", "save_plot"]

_STYLES = {
    "raisr": ("o", VERMILION),
    "classical": ("s", BLUE),
    "network": ("^", GREEN),
}
_NAMES = {"raisr": "learned filters", "classical": "classical", "network": "networks (torch)"}


@dataclass(frozen=True)
class Point:
    """A denoiser's mean PSNR and SSIM, and its median seconds per megapixel."""

    name: str
    family: str
    psnr: float
    ssim: float
    seconds: float
    quartiles: tuple[float, float]


def front(points: list[Point]) -> list[Point]:
    """Return the points that no other beats in both time and PSNR, fastest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.seconds, -point.psnr)):
        if not best or point.psnr > best[-1].psnr:
            best.append(point)
    return best


def save_plot(points: list[Point], dataset: str, path: Path) -> None:
    """Draw the points and write a PNG or SVG, the same bytes for the same points."""
    with matplotlib.rc_context({"font.size": 10, "svg.fonttype": "none"}):
        figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
        axes = figure.subplots()
        legend = _draw(axes, points, dataset)
        figure.draw_without_rendering()
        label_points(axes, [_label(point) for point in points], [legend.get_window_extent()])
        content = to_bytes(figure, path.suffix[1:], "pareto")
    write_file(path, content)


def _draw(axes: Axes, points: list[Point], dataset: str) -> Legend:
    edge = front(points)
    axes.step(
        [p.seconds for p in edge],
        [p.psnr for p in edge],
        where="post",
        color="0.6",
        linewidth=1,
        linestyle="--",
        zorder=1,
        label="best for the time",
    )
    for family, (marker, colour) in _STYLES.items():
        found = [p for p in points if p.family == family]
        axes.scatter(
            [p.seconds for p in found],
            [p.psnr for p in found],
            marker=marker,
            color=colour,
            s=50,
            zorder=2,
            label=_NAMES[family],
        )
    axes.set_xscale("log")
    axes.margins(x=0.18, y=0.12)
    axes.grid(which="major", color="0.9")
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds per megapixel, one thread (log scale)")
    axes.set_ylabel(f"PSNR on {dataset}, sigma 25, dB")
    return axes.legend(loc="lower right")


def _label(point: Point) -> Label:
    style = {
        "fontweight": "bold" if point.family == "raisr" else "normal",
        "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
    }
    return Label(point.name, (point.seconds, point.psnr), 9, style)
