"""Apply one linear filter per class to every pixel, in tiles that stay in the cache."""

import numpy as np

from raisr.kernels import kernel
from raisr.kernels.memory import aligned
from raisr.kernels.micro import filter_block
from raisr.kernels.pixels import read_row, write_row

__all__ = ["filter_rows"]

_ROWS, _COLUMNS = 32, 256
_LINE = _COLUMNS + 48


@kernel
def filter_rows(size, planes, lanes, sources, classes, filters, sink, y0, y1):
    """Filter rows `y0` to `y1`.

    Parameters
    ----------
    size, planes, lanes : tokens
        See `raisr.simd.filter_block`.
    sources : tuple of tuples
        Planes, as `raisr.kernels.pixels.read_row` takes them.
    classes : (y1 - y0, W) uint16
        Every index must be below the number of classes: it is not checked here.
    filters : (num_classes, 1 + planes * size, lanes) float32
    sink : tuple
        Result, as `raisr.kernels.pixels.write_row` takes it; its row `y0` is written first.
    """
    k, n, width = len(size), len(lanes), classes.shape[1]
    height = _ROWS + k - 1
    tile = aligned(len(planes) * height * _LINE).reshape(len(planes), height, _LINE)
    plane, row = np.int64(tile.strides[0]), np.int64(tile.strides[1])
    bank = np.int64(filters.ctypes.data)
    chosen, levels = np.zeros(_COLUMNS, np.uint16), np.empty(_COLUMNS, np.float32)
    for x0 in range(0, width, _COLUMNS):
        columns = min(_COLUMNS, width - x0)
        for top in range(y0, y1, _ROWS):
            # Numba frees an array after its last use, and the use of an address is none.
            image, result = np.int64(tile.ctypes.data), np.int64(levels.ctypes.data)
            rows = min(_ROWS, y1 - top)
            for i in range(rows + k - 1):
                for p in range(len(planes)):
                    place = image + p * plane + i * row
                    read_row(sources[p], top - k // 2 + i, x0 - k // 2, columns + k - 1, place)
                if i < k - 1:
                    continue
                y, taps = top + i - k + 1, image + (i - k + 1) * row
                index = np.int64(classes[y - y0].ctypes.data) + 2 * x0
                if columns % n:
                    for x in range(columns):
                        chosen[x] = classes[y - y0, x0 + x]
                    index = np.int64(chosen.ctypes.data)
                for x in range(0, columns, n):
                    at = taps + 4 * x
                    filter_block(
                        size, planes, lanes, at, row, plane, index + 2 * x, bank, result + 4 * x
                    )
                write_row(result, columns, sink, y, x0)
