"""TIFF files that need not fit in memory: those that are read, and new ones like them."""

import json
import mmap
import os
from contextlib import ExitStack
from math import prod
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from raisr.io import tiff
from raisr.io.tiff_skeleton import PageKind, write_skeleton
from raisr.io.tiff_stack import TiffTarget, is_plain
from raisr.io.tiff_tags import describe, tag_options
from raisr.layout import layout_of

__all__ = ["check_axes", "open_tiff", "tiff_targets"]

_SIDE = 512  # of the tiles of a TIFF that was none


def open_tiff(path: Path, opened: ExitStack) -> tuple[tifffile.TiffFile, list[Any]]:
    """Open a TIFF file and return it with its series, all of them plain.

    Raises
    ------
    ValueError
        If it is none, is cut, or holds pixels of another kind.
    """
    with path.open("rb") as head:
        if head.read(4) not in tiff.MAGIC:
            raise ValueError(f"{path}: neither a TIFF file nor a zarr")
    try:
        file = opened.enter_context(tifffile.TiffFile(path))
        series = list(file.series)
        tiff.refuse_missing_pages(file, _mapped(file))
        plain = bool(series) and all(map(is_plain, series))
    except OSError:
        raise
    except Exception as error:  # the decoder raises a dozen kinds for damaged data
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if not plain:
        raise ValueError(
            f"{path}: only gray and RGB pixels of 8 or 16 bits, or floats, without alpha and "
            "upright, are read part by part"
        )
    return file, series


def check_axes(told: str, stored: str) -> None:
    """Refuse names by which a page of a TIFF would be something else."""
    inner = 3 if "S" in stored else 2
    pairs = zip(told[-inner:], stored[-inner:], strict=True)
    if not all((a in "YX") == (b in "YX") and (a == "S") == (b == "S") for a, b in pairs):
        raise ValueError(
            f"axes {told} do not fit this TIFF, whose pages are {stored[-inner:]}: their axes come "
            "last, and S are the samples of a pixel"
        )


def tiff_targets(part, found, goes_on, sparse, opened):
    """Return the arrays of a new TIFF file, or of one that is begun, for what becomes of others.

    Parameters
    ----------
    part : Path
    found : object
        `arrays` that are read, with the names of their `axes`, and the `file` and its `series` if
        they are of one.
    goes_on : bool
        Whether the file is begun.
    sparse : bool
        For zarrs; unused.
    opened : ExitStack
        What closes the file.
    """
    if not goes_on:
        order = "<" if found.file is None else found.file.byteorder
        write_skeleton(part, _pages_like(found), order)
    file = opened.enter_context(tifffile.TiffFile(part))
    descriptor = os.open(part, os.O_RDWR)
    opened.callback(os.close, descriptor)
    return [
        TiffTarget(
            source.shape, _tiff_axes(source, axes), [file.pages[p] for p in places], descriptor
        )
        for source, axes, places in zip(found.arrays, found.axes, _order(found), strict=True)
    ]


def _order(found):
    """Return, for each array, the places of its planes among all pages: as in its file."""
    keys = []
    for index, (source, axes) in enumerate(zip(found.arrays, found.axes, strict=True)):
        for plane in range(_plane_count(source, axes)):
            known = found.series[index].pages if found.series else []
            keys.append((known[min(plane, len(known) - 1)].index if known else 0, index, plane))
    places: list[list[int]] = [[] for _ in found.arrays]
    rank = {key: place for place, key in enumerate(sorted(keys))}
    for key in keys:
        places[key[1]].append(rank[key])
    return places


def _tiff_axes(source, axes):
    """Return the axes by which pages are stored: those of the file, whatever the caller's names."""
    return getattr(source, "axes", None) or layout_of(source.shape, axes, "source").axes


def _plane_count(source, axes):
    letters = _tiff_axes(source, axes)
    return prod(source.shape) // prod(source.shape[-(3 if "S" in letters else 2) :])


def _pages_like(found):
    """Return the pages of a TIFF for what becomes of the arrays that were found."""
    pages = []
    for index, (source, axes) in enumerate(zip(found.arrays, found.axes, strict=True)):
        letters = _tiff_axes(source, axes)
        inner = letters[-3:] if "S" in letters else letters[-2:]
        if inner not in ("YX", "YXS", "SYX"):
            raise ValueError(f"axes {letters} do not end in YX, YXS or SYX, as pages of a TIFF do")
        if "S" in inner and source.shape[letters.index("S")] != 3:
            raise ValueError("a TIFF is written of gray or of three samples a pixel; write a zarr")
        for plane in range(_plane_count(source, axes)):
            if found.file is not None:
                options, tile = _options_like(found.file, found.series[index], plane)
            else:
                known = json.dumps({"shape": list(source.shape), "axes": letters})  # to tifffile
                told = {"description": known} if plane == 0 else {}
                options, tile = tag_options({}, False) | told, (_SIDE, _SIDE)
            shape = tuple(source.shape[-len(inner) :])
            pages.append(PageKind(shape, inner, np.dtype(source.dtype), tile, options))
    places = [place for each in _order(found) for place in each]
    return [page for _, page in sorted(zip(places, pages, strict=True), key=itemgetter(0))]


def _options_like(file, series, plane):
    """Return the tags of a page, and its tile."""
    key = series.keyframe
    tile = key.tile if key.is_tiled and key.tilelength % 16 == key.tilewidth % 16 == 0 else None
    if plane >= len(series.pages):  # planes of ImageJ behind one page
        return tag_options({}, False), tile
    page = series.pages[plane].aspage()
    return tag_options(describe(page, _mapped(file), file.byteorder), False), tile


def _mapped(file):
    return mmap.mmap(file.filehandle.fileno(), 0, access=mmap.ACCESS_READ)
