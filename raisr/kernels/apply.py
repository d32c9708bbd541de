"""Apply one linear filter per class to every pixel, in tiles that stay in the cache."""

from functools import cache

import numpy as np

from raisr.kernels import kernel
from raisr.kernels.calls import call, special
from raisr.kernels.memory import aligned
from raisr.kernels.micro import filter_block
from raisr.kernels.pixels import read_row, write_row
from raisr.simd import token

__all__ = ["filter_rows", "line_kernel"]

_ROWS, _COLUMNS = 32, 256
_LINE = _COLUMNS + 48


@cache
def line_kernel(size, planes, lanes):
    """Return the address of what filters a line of pixels: see `raisr.simd.filter_block`."""
    k, p, n = token(size), token(planes), token(lanes)

    def line(taps, row, plane, classes, filters, out, columns):  # compiled
        for x in range(0, columns, lanes):
            filter_block(k, p, n, taps + 4 * x, row, plane, classes + 2 * x, filters, out + 4 * x)

    return special(line, size, planes, lanes)


@kernel
def filter_rows(line, size, lanes, sources, classes, filters, sink, y0, y1):
    """Filter rows `y0` to `y1`.

    Parameters
    ----------
    line : int64
        See `line_kernel`.
    size, lanes : int64
        Side of the filters, vector length.
    sources : tuple of tuples
        Planes, as `raisr.kernels.pixels.read_row` takes them.
    classes : (y1 - y0, W) uint16
        Every index must be below the number of classes: it is not checked here.
    filters : (num_classes, 1 + len(sources) * size, lanes) float32
    sink : tuple
        Result, as `raisr.kernels.pixels.write_row` takes it; its row `y0` is written first.
    """
    planes, width, height = len(sources), classes.shape[1], _ROWS + size - 1
    tile = aligned(planes * height * _LINE).reshape(planes, height, _LINE)
    plane, row = np.int64(tile.strides[0]), np.int64(tile.strides[1])
    bank = np.int64(filters.ctypes.data)
    chosen, levels = np.zeros(_COLUMNS, np.uint16), np.empty(_COLUMNS, np.float32)
    for x0 in range(0, width, _COLUMNS):
        columns = min(_COLUMNS, width - x0)
        for top in range(y0, y1, _ROWS):
            # Numba frees an array after its last use, and the use of an address is none.
            image, result = np.int64(tile.ctypes.data), np.int64(levels.ctypes.data)
            rows = min(_ROWS, y1 - top)
            for i in range(rows + size - 1):
                for p in range(planes):
                    place, y = image + p * plane + i * row, top - size // 2 + i
                    read_row(sources[p], y, x0 - size // 2, columns + size - 1, place)
                if i < size - 1:
                    continue
                y, taps = top + i - size + 1, image + (i - size + 1) * row
                index = np.int64(classes[y - y0].ctypes.data) + 2 * x0
                if columns % lanes:
                    for x in range(columns):
                        chosen[x] = classes[y - y0, x0 + x]
                    index = np.int64(chosen.ctypes.data)
                call(line, (taps, row, plane, index, bank, result, columns))
                write_row(result, columns, sink, y, x0)
