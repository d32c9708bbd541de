"""The picture of quality against time: readable in print, and told apart without colour."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.transforms import Bbox

from raisr.provenance import write_file

__all__ = ["Point", "front", "save_plot"]

# Okabe and Ito's colours, and a marker for each family.
_STYLES = {
    "raisr": ("o", "#D55E00"),
    "classical": ("s", "#0072B2"),
    "network": ("^", "#009E73"),
}
_NAMES = {"raisr": "learned filters", "classical": "classical", "network": "networks (torch)"}
_NEAR = 4  # pixels from the middle of a marker that a name keeps clear
_PLACES = (
    ((0, 7), "center", "bottom"),
    ((0, -7), "center", "top"),
    ((7, 0), "left", "center"),
    ((-7, 0), "right", "center"),
)
_FIXED = {".png": {"Software": None}, ".svg": {"Date": None}}


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
    style: dict[Any, Any] = {"font.size": 10, "svg.hashsalt": "pareto", "svg.fonttype": "none"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(7.2, 4.8), layout="constrained")
        axes = figure.subplots()
        legend = _draw(axes, points, dataset)
        figure.draw_without_rendering()
        _label_all(axes, points, legend.get_window_extent())
        buffer = io.BytesIO()
        figure.savefig(buffer, format=path.suffix[1:], dpi=200, metadata=_FIXED[path.suffix])
    write_file(path, buffer.getvalue())


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


def _label_all(axes: Axes, points: list[Point], legend: Bbox) -> None:
    """Write each name beside its point, at the first place that hides no point or name."""
    spots = axes.transData.transform([(p.seconds, p.psnr) for p in points])
    taken = [legend]
    taken += [Bbox.from_extents(x - _NEAR, y - _NEAR, x + _NEAR, y + _NEAR) for x, y in spots]
    for point in points:
        for place in _PLACES:
            shift, horizontal, vertical = place
            name = axes.annotate(
                point.name,
                (point.seconds, point.psnr),
                xytext=shift,
                textcoords="offset points",
                ha=horizontal,
                va=vertical,
                fontsize=9,
                fontweight="bold" if point.family == "raisr" else "normal",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
            )
            box = name.get_window_extent()
            if box.count_overlaps(taken) == 0 or place == _PLACES[-1]:
                taken.append(box)
                break
            name.remove()
