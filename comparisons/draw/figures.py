"""What the figures share: options, colours, and the files: PNG, SVG and the numbers as CSV."""

import argparse
import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from comparisons import command
from comparisons.measure.protocol import PROTOCOLS, Protocol
from comparisons.measure.published import published
from comparisons.measure.store import COMMITTED
from raisr.command import Parser
from raisr.provenance import write_file

# Okabe and Ito, "Color Universal Design": told apart by colour-blind eyes.
BLUE, GREEN, VERMILION, PURPLE = "#0072B2", "#009E73", "#D55E00", "#CC79A7"
WIDTH = 7.2  # inches: two columns of a printed page
_DOTS = 200  # per inch
_NEAR = 2.5  # points from the middle of a marker that labels keep clear
_FAR = 10.0  # points beyond which a label needs a leader
# Where labels may stand, in points from theirs; the nearest first.
_PLACES = [
    (x * far, y * far)
    for far in range(1, 8)
    for x, y in ((0, 7), (0, -7), (5, 0), (-5, 0), (5, 6), (-5, 6), (5, -6), (-5, -6))
]
_FIXED: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}}

Row = Mapping[str, Any]


def figure_parser(prog: str, description: str, *, sigmas: list[float]) -> argparse.ArgumentParser:
    """Return the parser with the options of every command that draws a figure."""
    parser = Parser(prog=f"python -m {prog}", description=description.split("\n\n")[0])
    command.add_protocol_options(parser, protocols=list(PROTOCOLS), sigmas=sigmas)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output"),
        metavar="DIR",
        help="where pictures and numbers go (default: output)",
    )
    return parser


def add_results_option(parser: argparse.ArgumentParser) -> None:
    """Add --results, the folder of stored results."""
    parser.add_argument(
        "--results",
        type=Path,
        default=COMMITTED,
        metavar="DIR",
        help="where results are read, and written by what measures (default: the committed ones)",
    )


def conditions(options: argparse.Namespace) -> list[tuple[Protocol, float]]:
    """Return the protocols and noise levels asked for, each with each."""
    return [(PROTOCOLS[name], sigma) for name in options.protocol for sigma in options.sigma]


def stem(figure: str, protocol: Protocol, sigma: float) -> str:
    """Return the name of a figure's files without their endings."""
    return f"{figure}_{protocol.name}_{sigma:g}"


def printed_numbers(figure: str, protocol: Protocol, sigma: float) -> dict[str, Any]:
    """Return what the paper prints in "figure3" to "figure6"; nothing under other conditions."""
    numbers = published()[figure]
    return numbers if (protocol.name, sigma) == ("paper", numbers["sigma"]) else {}


def label_points(axes: Axes) -> None:
    """Write the label of each line of `axes`, a single point, beside it where there is room.

    Call it when everything else is drawn; a label that stands away from its point gets a leader.
    """
    lines = axes.get_lines()
    points = [np.array(line.get_xydata())[0] for line in lines]
    spots = [axes.transData.transform(point) for point in points]
    near = _NEAR * axes.figure.dpi / 72
    taken = [Bbox.from_bounds(x - near, y - near, 2 * near, 2 * near) for x, y in spots]
    for line, point in zip(lines, points, strict=True):
        for shift in _PLACES:
            name = _write_label(axes, str(line.get_label()), point, shift)
            box = name.get_window_extent()
            inside = axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max)
            if (inside and box.count_overlaps(taken) == 0) or shift == _PLACES[-1]:
                break
            name.remove()
        taken.append(box)
        if math.hypot(*shift) > _FAR:
            leader = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0}
            axes.annotate("", point, shift, textcoords="offset points", arrowprops=leader)


def save(figure: Figure, rows: Sequence[Row], folder: Path, name: str) -> list[Path]:
    """Write a figure and its numbers, all or nothing each, the same bytes for the same content.

    Parameters
    ----------
    figure : Figure
    rows : sequence of mappings
        The numbers: lines of the CSV, each with the same keys, which head the columns. None is an
        empty cell; floats keep six digits.
    folder : Path
    name : str
        Name of the files, without their endings.

    Returns
    -------
    list of Path
        The files written: `name`.png, .svg and .csv in `folder`.

    Raises
    ------
    ValueError
        There are no rows, or their keys differ.
    """
    content: dict[str, str | bytes] = {}
    for kind, metadata in _FIXED.items():
        buffer = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
            figure.savefig(buffer, format=kind, dpi=_DOTS, metadata=metadata)
        content[kind] = buffer.getvalue()
    content["csv"] = to_csv(rows)
    paths = {kind: folder / f"{name}.{kind}" for kind in content}
    for kind, path in paths.items():
        write_file(path, content[kind])
    return list(paths.values())


def to_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV; see `save`."""
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ValueError(f"wanted rows with the same keys, got {[list(row) for row in rows]}")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _write_label(axes: Axes, text: str, point: Any, shift: tuple[float, float]) -> Annotation:
    return axes.annotate(
        text,
        point,
        shift,
        textcoords="offset points",
        ha="center" if shift[0] == 0 else "left" if shift[0] > 0 else "right",
        va="center",
        fontsize=6.5,
    )


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
