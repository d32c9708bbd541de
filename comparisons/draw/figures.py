"""What the figures share: colours, and the files: PNG, SVG and the numbers as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from comparisons.measure.protocol import Protocol
from comparisons.measure.published import published
from raisr.provenance import write_file

# Okabe and Ito, "Color Universal Design": told apart by colour-blind eyes.
BLUE, GREEN, VERMILION, PURPLE = "#0072B2", "#009E73", "#D55E00", "#CC79A7"
GREY = "0.5"
WIDTH = 7.2  # inches: two columns of a printed page
_DOTS = 200  # per inch
_FIXED: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}}

Line = Mapping[str, Any]  # of the numbers


def stem(figure: str, protocol: Protocol, sigma: float) -> str:
    """Return the name of a figure's files without their endings."""
    return f"{figure}_{protocol.name}_{sigma:g}"


def printed_numbers(figure: str, protocol: Protocol, sigma: float) -> dict[str, Any]:
    """Return what the paper prints in "figure3" to "figure6"; nothing under other conditions."""
    numbers = published()[figure]
    return numbers if (protocol.name, sigma) == ("paper", numbers["sigma"]) else {}


def save(figure: Figure, rows: Sequence[Line], folder: Path, name: str) -> list[Path]:
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
    for kind in _FIXED:
        content[kind] = to_bytes(figure, kind, name)
    content["csv"] = to_csv(rows)
    paths = {kind: folder / f"{name}.{kind}" for kind in content}
    for kind, path in paths.items():
        write_file(path, content[kind])
    return list(paths.values())


def to_bytes(figure: Figure, kind: str, name: str) -> bytes:
    """Return a figure as "png" or "svg", the same bytes for the same content and name."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format=kind, dpi=_DOTS, metadata=_FIXED[kind])
    return buffer.getvalue()


def to_csv(rows: Sequence[Line]) -> str:
    """Return rows as CSV; see `save`."""
    if not rows or any(list(row) != list(rows[0]) for row in rows):
        raise ValueError(f"wanted rows with the same keys, got {[list(row) for row in rows]}")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
