"""A filter bank as a C99 header: its tables, and the loop that applies them."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raisr.files import write_atomically
from raisr.filtering import FilterBank, Stage

__all__ = ["export_c"]

_LOOP = Path(__file__).with_name("c_loop.h")
_PER_LINE = 8

_HEADER = """\
/* {bank}, of the Python library raisr, as a C99 header.

   int {name}_apply(const float *image, long height, long width, float *out);

   filters a gray image, row by row without gaps: 0 is black, 255 white. out has its size, and is
   another array. Returns 0, or 1 without memory for two more images. For another white multiply
   by 255 / white before and divide after; for integers round (lrintf) and clip after that. Borders
   are mirrored. The results have the bits of FilterBank.apply, but for images far from 0 to 255,
   which that moves there and back.

   Licence: that of the loop is below; banks that come with raisr have the same. */

#ifndef RAISR_LOOP
#define RAISR_LOOP
{loop}#endif

#ifndef {guard}
#define {guard}

{tables}
static int {name}_apply(const float *image, long height, long width, float *out)
{{
    return raisr_run({name}_stages, {stages}, image, height, width, out);
}}
#endif
"""


def export_c(bank: FilterBank, path: str | os.PathLike[str]) -> None:
    """Write a filter bank as a C99 header that needs nothing else: tables, loop, licence.

    The function in it is called ``NAME_apply``, where NAME is that of the file; the top of the
    file tells how to call it. Several such headers may be included in one program.

    Parameters
    ----------
    bank : FilterBank
        As `learn_filters` gives it or `FilterBank.load` reads it, with any number of stages.
    path : path_like
        Ends in ``.h``; the rest of the name must be one that C knows. Written under a temporary
        name, then renamed.

    Raises
    ------
    TypeError
        It is no `FilterBank`: a bank for colours has no such loop.
    ValueError
        For another name.
    OSError
        If the folder is missing or read-only, or the disk is full.

    Notes
    -----
    Compiled as the file says, its results have the bits of `FilterBank.apply` on a processor with
    fused multiply-add. Filters that are turned or mirrored copies of others are written once. The
    loop is made to be read and to be carried elsewhere: it computes all of a pixel anew.

    Examples
    --------
    >>> import tempfile
    >>> from raisr.denoising import bank_for
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_c(bank_for("fast", 25), Path(folder) / "denoise_25.h")
    ...     "int denoise_25_apply(" in (Path(folder) / "denoise_25.h").read_text()
    True
    """
    if not isinstance(bank, FilterBank):
        raise TypeError(f"bank must be a FilterBank, got {type(bank).__name__}")
    path = Path(path)
    if path.suffix != ".h" or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", path.stem):
        raise ValueError(
            f"the name must be one of C's and end in .h, such as denoise_25.h, got {path.name!r}"
        )
    text = _HEADER.format(
        bank=repr(bank),
        name=path.stem,
        guard=f"RAISR_BANK_{path.stem}",
        loop=_LOOP.read_text(encoding="utf-8"),
        tables="\n".join(_tables(bank.stages, path.stem)),
        stages=len(bank.stages),
    )
    write_atomically(path, text.encode())


def _tables(stages: Iterable[Stage], bank: str) -> Iterator[str]:
    entries = []
    for index, stage in enumerate(stages):
        name = f"{bank}_{index}"
        directions, strengths, coherences, steps = stage.spec.kernel_edges
        filters, filter_of, order_of, orders = _distinct(stage)
        floats = {
            "taps": stage.spec.taps,
            "directions": directions,
            "strength_edges": strengths,
            "coherence_edges": coherences,
            "filters": filters,
            "bias": stage.bias,
        }
        for part, numbers in floats.items():
            yield _array(f"float {name}_{part}[]", (f"{value}f" for value in numbers.ravel()))
        for part, places in {"filter": filter_of, "order": order_of}.items():
            yield _array(f"unsigned short {name}_{part}[]", map(str, places))
        rows = ("{" + ", ".join(map(str, order)) + "}" for order in orders)
        yield _array(f"unsigned short {name}_orders[][225]", rows, per_line=1)
        spec = stage.spec
        sizes = [stage.planes, stage.size, spec.window, spec.period, int(np.prod(spec.shape))]
        counts = [*sizes, len(directions), len(strengths), len(coherences)]
        entries.append(
            f"{{{', '.join(map(str, counts))}, {{{', '.join(map(str, steps))}}},\n"
            f"     {np.float32(spec.presmooth)}f, "
            + ", ".join(f"{name}_{part}" for part in [*floats, "filter", "order", "orders"])
            + "}"
        )
    yield _array(f"raisr_stage {bank}_stages[]", entries, per_line=1)


def _distinct(stage: Stage) -> tuple[NDArray, list[int], list[int], list[list[int]]]:
    """Return filters none of which is another one turned, and how those of the classes follow.

    Returns
    -------
    filters : (n, planes, size**2) float32 array
    filter_of, order_of : list of int
        Of each class, which filter is its own, and in which order of taps.
    orders : list of list of int
        Tap t of a class is tap ``orders[order_of[c]][t]`` of its filter.
    """
    places = np.arange(stage.size**2).reshape(stage.size, stage.size)
    turned = [np.rot90(each, turns) for each in (places, places.T) for turns in range(4)]
    views = np.array([view.ravel() for view in turned])
    found: dict[bytes, int] = {}
    filters: list[NDArray] = []
    filter_of, order_of = [], []
    for taps in stage.filters.reshape(len(stage.filters), stage.planes, -1):
        keys = [taps[:, view].tobytes() for view in views]
        first = keys.index(min(keys))
        if keys[first] not in found:
            found[keys[first]] = len(filters)
            filters.append(taps[:, views[first]])
        filter_of.append(found[keys[first]])
        order_of.append(first)
    return np.array(filters), filter_of, order_of, np.argsort(views, axis=1).tolist()


def _array(declaration: str, items: Iterable[str], per_line: int = _PER_LINE) -> str:
    items = list(items) or ["0"]  # C has no empty arrays
    lines = (", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line))
    return f"static const {declaration} = {{\n    " + ",\n    ".join(lines) + "\n};"
