"""A series of a TIFF file as an array that stays in the file: read and written slice by slice."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import tifffile

__all__ = ["TiffSource", "TiffTarget", "is_plain"]

_KEPT_BYTES = 1 << 26  # of decoded strips or tiles
_DTYPES = tuple(map(np.dtype, ("u1", "u2", "f2", "f4", "f8")))
_RGB = tifffile.PHOTOMETRIC.RGB
_JPEG = (tifffile.COMPRESSION.JPEG, tifffile.PHOTOMETRIC.YCBCR)


def is_plain(series: Any) -> bool:
    """Return whether the planes of a series are gray or RGB in a type that filters take."""
    key, samples = series.keyframe, series.keyframe.samplesperpixel
    gray = key.photometric == tifffile.PHOTOMETRIC.MINISBLACK and samples == 1
    coloured = (
        key.photometric == tifffile.PHOTOMETRIC.RGB or (key.compression, key.photometric) == _JPEG
    )
    return (
        (gray or (coloured and samples == 3))
        and key.axes in ("YX", "YXS", "SYX")
        and series.axes.endswith(key.axes)
        and key.dtype in _DTYPES
        and key.bitspersample == 8 * key.dtype.itemsize
        and key.tags.valueof("Orientation", default=1) == 1
        and all(page is not None and page.parent is key.parent for page in series.pages)
    )


class _Stack:
    """Where the pixels of planes are in a TIFF file.

    Parameters
    ----------
    shape, axes
        Of the whole; the last two or three axes are those of a page.
    dtype : dtype
        As stored.
    pages : sequence
        Of each plane, what has `dataoffsets` and `databytecounts`.
    tile : (length, width) or None
        None where the pixels of a page follow each other without a gap.
    """

    def __init__(self, shape, axes, dtype, pages, tile):
        self.shape, self.axes, self.dtype = tuple(shape), axes, dtype.newbyteorder("=")
        self._stored, self._pages, self._tile = dtype, pages, tile
        self._inner = 3 if "S" in axes else 2
        planar = axes.endswith("SYX")
        page = self.shape[-self._inner :]
        self._planes = page[0] if planar else 1
        self._height, self._width = page[-2:] if planar else page[:2]
        self._samples = page[2] if axes.endswith("YXS") else 1

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Sides of tiles along each axis; None where there are none."""
        if self._tile is None:
            return None
        sides = {"Y": self._tile[0], "X": self._tile[1], "S": self._samples}
        return tuple(sides.get(axis, 1) for axis in self.axes)

    def _places(self, index: Sequence[Any]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield, for each plane of an index, its number and its index in the result."""
        stack = self.shape[: -self._inner]
        chosen = list(zip(index[: len(stack)], stack, strict=True))
        spans = [range(*i.indices(n)) if isinstance(i, slice) else [i] for i, n in chosen]
        for places in np.ndindex(*map(len, spans)):
            plane = [span[place] for span, place in zip(spans, places, strict=True)]
            number = int(np.ravel_multi_index(plane, stack)) if stack else 0
            pairs = zip(places, chosen, strict=True)
            yield number, tuple(place for place, (i, _) in pairs if isinstance(i, slice))

    def _window(self, index: Sequence[Any]) -> tuple[int, int, int, int]:
        """Return first and last row and column of an index."""
        page = dict(zip(self.axes[-self._inner :], index[-self._inner :], strict=True))
        y0, y1, _ = page["Y"].indices(self._height)
        x0, x1, _ = page["X"].indices(self._width)
        return y0, y1, x0, x1

    def _segments(self, y0, y1, x0, x1):
        """Yield number, window and first row and column of the tiles that a window meets."""
        length, width = self._tile
        down, across = -(-self._height // length), -(-self._width // width)
        for plane in range(self._planes):
            for row in range(y0 // length, -(-y1 // length)):
                for column in range(x0 // width, -(-x1 // width)):
                    number = (plane * down + row) * across + column
                    yield plane, number, row * length, column * width

    def _lines(self, page, y0, y1, x0, x1):
        """Yield plane, first row, rows and place in the file of what follows without a gap."""
        pixel = self._samples * self._stored.itemsize
        whole = x1 - x0 == self._width
        for plane in range(self._planes):
            for y in (y0,) if whole else range(y0, y1):
                place = ((plane * self._height + y) * self._width + x0) * pixel
                yield plane, y - y0, y1 - y0 if whole else 1, page.dataoffsets[0] + place

    def _in_order(self, pixels: np.ndarray) -> np.ndarray:
        """Return (planes, h, w, samples) pixels with the axes of a page."""
        if self._planes > 1 or self.axes.endswith("SYX"):
            return pixels[..., 0]
        return pixels[0] if "S" in self.axes else pixels[0, ..., 0]


class TiffSource(_Stack):
    """A series as an array: `array[index]` reads from the file.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        A plain one, see `is_plain`.
    name : str
        What errors call the file.
    """

    def __init__(self, series: Any, name: str) -> None:
        key = series.keyframe
        order = key.parent.byteorder
        offset = series.dataoffset
        if offset is None:
            pages = list(series.pages)
        else:
            count = prod(series.shape) // key.size
            pages = [_Place(offset + i * key.nbytes) for i in range(count)]
        tile = None if offset is not None or all(p.is_final for p in pages) else key.chunks
        if tile is not None:
            tile = tile[:2]
        super().__init__(series.shape, series.axes, key.dtype.newbyteorder(order), pages, tile)
        self._key, self._name = key, name
        self._file = key.parent.filehandle
        if tile is not None:
            size = prod(tile) * self._samples * self.dtype.itemsize
            self._segment = lru_cache(max(1, _KEPT_BYTES // size))(self._decoded)

    def __getitem__(self, index: tuple[Any, ...]) -> np.ndarray:
        window = self._window(index)
        y0, y1, x0, x1 = window
        planes = list(self._places(index))
        counts = [last + 1 for last in planes[-1][1]]
        found = []
        for number, _ in planes:
            pixels = np.empty((self._planes, y1 - y0, x1 - x0, self._samples), self.dtype)
            try:
                self._read(number, window, pixels)
            except (ValueError, RuntimeError, tifffile.TiffFileError) as error:
                raise ValueError(f"{self._name}, page {number + 1}: {error}") from error
            found.append(self._in_order(pixels))
        return np.reshape(found, (*counts, *found[0].shape)) if counts else found[0]

    def _read(self, number, window, out):
        y0, y1, x0, x1 = window
        if self._tile is None:
            for plane, row, count, place in self._lines(self._pages[number], *window):
                part = out[plane, row : row + count]
                data = self._bytes(place, part.nbytes)
                part[...] = np.frombuffer(data, self._stored).reshape(part.shape)
            return
        for plane, segment, top, left in self._segments(*window):
            pixels = self._segment(number, segment)
            rows = slice(max(y0, top), min(y1, top + pixels.shape[0]))
            columns = slice(max(x0, left), min(x1, left + pixels.shape[1]))
            part = out[plane, _moved(rows, y0), _moved(columns, x0)]
            part[...] = pixels[_moved(rows, top), _moved(columns, left)]

    def _decoded(self, number: int, segment: int) -> np.ndarray:
        """Return a strip or a tile, (h, w, samples)."""
        page = self._pages[number]
        if segment >= len(page.dataoffsets) or page.databytecounts[segment] == 0:
            raise ValueError(f"strip or tile {segment} is missing")
        data = self._bytes(page.dataoffsets[segment], page.databytecounts[segment])
        decoded, _, shape = self._key.decode(data, segment, jpegtables=page.jpegtables)
        return decoded[0, : shape[1], : shape[2]]

    def _bytes(self, place: int, count: int) -> bytes:
        data = os.pread(self._file.fileno(), count, place)
        if len(data) < count:
            raise ValueError("the file is damaged or ends too early")
        return data


def _moved(span: slice, start: int) -> slice:
    return slice(span.start - start, span.stop - start)


class _Place:
    """A page whose pixels follow each other from one place on."""

    def __init__(self, offset: int) -> None:
        self.dataoffsets = (offset,)


class TiffTarget(_Stack):
    """Planes as an array: `array[index] = pixels` writes to the file, whole tiles at a time.

    Parameters
    ----------
    shape, axes
        As of a `TiffSource`.
    pages : sequence of tifffile.TiffPage
        Without compression, with room for all pixels.
    descriptor : int
        Of the open file.
    """

    def __init__(self, shape, axes, pages: Sequence[Any], descriptor: int) -> None:
        first = pages[0]
        dtype = first.dtype.newbyteorder(first.parent.byteorder)
        super().__init__(shape, axes, dtype, pages, first.tile if first.is_tiled else None)
        self._descriptor = descriptor

    def __setitem__(self, index: tuple[Any, ...], values: np.ndarray) -> None:
        window = self._window(index)
        y0, y1, x0, x1 = window
        for number, place in self._places(index):
            pixels = values[place].reshape(self._planes, y1 - y0, x1 - x0, self._samples)
            self._write(self._pages[number], window, pixels.astype(self._stored, copy=False))

    def _write(self, page, window, pixels):
        if self._tile is None:
            for plane, row, count, place in self._lines(page, *window):
                _write_all(self._descriptor, pixels[plane, row : row + count].tobytes(), place)
            return
        length, width = self._tile
        for plane, segment, top, left in self._segments(*window):
            tile = np.zeros((length, width, self._samples), self._stored)
            y, x = top - window[0], left - window[2]
            part = pixels[plane, y : y + length, x : x + width]
            tile[: part.shape[0], : part.shape[1]] = part
            _write_all(self._descriptor, tile.tobytes(), page.dataoffsets[segment])


def _write_all(descriptor: int, data: bytes, place: int) -> None:
    rest = memoryview(data)
    while rest:
        count = os.pwrite(descriptor, rest, place)
        rest, place = rest[count:], place + count
