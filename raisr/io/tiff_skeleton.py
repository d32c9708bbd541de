"""TIFF files with room for pixels that come later, tile by tile."""

import os
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile

__all__ = ["PageKind", "write_skeleton"]

_CLASSIC_BYTES = 2**32 - 2**25  # of pixels, in a file whose offsets have 32 bits


class PageKind(NamedTuple):
    """A page without its pixels.

    `axes` are YX, YXS or SYX; `tile` is None for pixels that follow each other without a gap;
    `options` are those of `tifffile.TiffWriter.write` for its tags.
    """

    shape: tuple[int, ...]
    axes: str
    dtype: np.dtype
    tile: tuple[int, int] | None
    options: dict[str, Any]

    @property
    def segments(self) -> int:
        """Number of tiles; 0 without."""
        if self.tile is None:
            return 0
        height, width = (self.shape[self.axes.index(axis)] for axis in "YX")
        planes = self.shape[0] if self.axes == "SYX" else 1
        return planes * -(-height // self.tile[0]) * -(-width // self.tile[1])

    @property
    def size(self) -> int:
        """Bytes of its pixels in the file."""
        if self.tile is None:
            return prod(self.shape) * self.dtype.itemsize
        return self.segments * self.tile_bytes

    @property
    def tile_bytes(self) -> int:
        """Size of a tile in the file."""
        samples = self.shape[2] if self.axes == "YXS" else 1
        return prod(self.tile or ()) * samples * self.dtype.itemsize


def write_skeleton(path: Path, pages: Iterable[PageKind], order: Any) -> None:
    """Write a TIFF file whose pixels are zeros, on a disk that has room for them.

    Raises
    ------
    OSError
        If there is no room; then no file is left.
    """
    pages = list(pages)
    big = sum(page.size for page in pages) > _CLASSIC_BYTES
    try:
        with tifffile.TiffWriter(path, byteorder=order, bigtiff=big) as writer:
            for page in pages:
                layout: dict[str, Any] = {}
                if "S" in page.axes:
                    layout["planarconfig"] = "separate" if page.axes == "SYX" else "contig"
                writer.write(
                    iter([b""] * page.segments) if page.tile else None,
                    shape=page.shape,
                    dtype=page.dtype,
                    tile=page.tile,
                    photometric="rgb" if "S" in page.axes else "minisblack",
                    **layout,
                    **page.options,
                )
        _give_room(path, pages)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _give_room(path: Path, pages: list[PageKind]) -> None:
    """Give each tile its place behind all else, and reserve the disk."""
    end = path.stat().st_size
    with tifffile.TiffFile(path, mode="r+") as file:
        for place, kind in enumerate(pages):
            page: Any = file.pages[place]
            if kind.tile is None:
                continue
            start = -(-end // 16) * 16
            end = start + kind.segments * kind.tile_bytes
            page.tags["TileOffsets"].overwrite(list(range(start, end, kind.tile_bytes)))
            page.tags["TileByteCounts"].overwrite([kind.tile_bytes] * kind.segments)
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(descriptor, 0, end)
    finally:
        os.close(descriptor)
