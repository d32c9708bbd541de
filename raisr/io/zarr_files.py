"""Zarr arrays on disk, plain ones and the full size of OME's, and new ones like them."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from raisr.layout import Layout, axes_of

__all__ = ["ZarrSource", "create_zarr", "is_zarr", "open_zarr", "reopen_zarr"]

_SIDE = 1024
_MARKS = ("zarr.json", ".zarray", ".zgroup")


class ZarrSource(NamedTuple):
    """An array, the names of its axes, and, in a group, its path and what the group says of it."""

    array: Any
    axes: Sequence[str] | None
    path: str
    group: dict[str, Any] | None
    notes: list[str]


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a zarr."""
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


def open_zarr(path: Path, sparse: bool) -> ZarrSource:
    """Open the array of a folder, or the full size of an OME image.

    Raises
    ------
    ValueError
        If it cannot be read, holds no image or several, or, unless it may be `sparse`, lacks
        chunks.
    """
    zarr = _zarr()
    try:
        node = zarr.open(path, mode="r")
        found = _array_of(node, path)
        stored, count = found.array.nchunks_initialized, found.array.nchunks
    except (KeyError, TypeError, AttributeError, FileNotFoundError) as error:
        raise ValueError(f"{path}: not a readable zarr: {error}") from error
    if stored == 0:
        raise ValueError(f"{path}: {count} of its {count} chunks are missing: it holds no pixels")
    if stored < count and not sparse:
        raise ValueError(
            f"{path}: {count - stored} of its {count} chunks are missing; if it is sparse on "
            "purpose, say so: they hold its fill value then (sparse=True, --sparse)"
        )
    return found


def _array_of(node: Any, path: Path) -> ZarrSource:
    if hasattr(node, "shape"):
        return ZarrSource(node, axes_of(node), "", None, [])
    attributes = dict(node.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if not scales:
        raise ValueError(
            f"{path}: a group of {', '.join(sorted(node.keys())) or 'nothing'}, not an OME image; "
            "name one of its arrays"
        )
    place = scales[0]["datasets"][0]["path"]
    axes = [a["name"] if isinstance(a, dict) else a for a in scales[0].get("axes", "tczyx")]
    smaller = len(scales[0]["datasets"]) - 1
    notes = [f"{smaller} smaller versions of the picture were left out"] if smaller else []
    return ZarrSource(node[place], axes, place, attributes, notes)


def create_zarr(
    path: Path, layout: Layout, source: Any, like: ZarrSource | None, sparse: bool
) -> Any:
    """Create an array for what becomes of `source`, whose planes have `layout`.

    It is `like` another zarr, attributes and compression included; a chunk holds one plane, or
    samples of one, only.
    """
    zarr = _zarr()
    options: dict[str, Any] = {"dimension_names": list(layout.axes.lower())}
    given = getattr(source, "chunks", None) if like is None else like.array.chunks
    if like is not None:
        form = like.array.metadata.zarr_format
        options = {
            "zarr_format": form,
            "compressors": like.array.compressors,
            "filters": like.array.filters,
            "fill_value": like.array.fill_value,
            "attributes": dict(like.array.attrs),
            "chunk_key_encoding": {"name": "default" if form == 3 else "v2", "separator": "/"},
        }
        if form == 3:
            options["dimension_names"] = like.array.metadata.dimension_names
        if like.group is not None:
            group = zarr.create_group(path, zarr_format=form, attributes=_full_size(like.group))
            assert group is not None
            options["name"] = like.path
    return zarr.create_array(
        path,
        shape=layout.shape,
        dtype=np.dtype(source.dtype).newbyteorder("="),
        chunks=_chunks(layout, given),
        config={"write_empty_chunks": not sparse},
        **options,
    )


def reopen_zarr(path: Path, place: str, sparse: bool) -> Any:
    """Open an array that `create_zarr` made, to go on with it."""
    zarr = _zarr()
    with zarr.config.set({"array.write_empty_chunks": not sparse}):  # an array keeps it
        return zarr.open_array(path, path=place, mode="r+")


def _chunks(layout: Layout, given: Any) -> tuple[int, ...]:
    known = isinstance(given, tuple) and len(given) == len(layout.axes) and None not in given
    sides = [
        (min(given[i] if known else _SIDE, layout.shape[i]) if axis in "YX" else 1)
        for i, axis in enumerate(layout.axes)
    ]
    return tuple(
        n if a == "S" else s for n, a, s in zip(layout.shape, layout.axes, sides, strict=True)
    )


def _full_size(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return what a group says of an OME image that has no smaller versions."""
    kept = copy.deepcopy(attributes)
    scales = kept.get("ome", kept)["multiscales"]
    del scales[1:]
    del scales[0]["datasets"][1:]
    return kept


def _zarr() -> Any:
    try:
        import zarr
    except ModuleNotFoundError as error:
        raise ValueError("zarr files need zarr: pip install '.[large]'") from error
    return zarr
