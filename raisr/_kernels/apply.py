"""Apply one linear filter per class to every pixel."""

import numpy as np

from raisr._kernels import kernel
from raisr._kernels.micro import filter_block

__all__ = ["filter_rows"]


@kernel
def filter_rows(size, planes, lanes, padded, classes, filters, out, y0, y1):
    """Filter rows `y0` to `y1`.

    Parameters
    ----------
    size, planes, lanes : tokens
        See `raisr._simd.filter_block`.
    padded : (planes, H + size - 1, >= W + size - 1 + 32) float32
        Planes with a margin of ``size // 2``; the columns beyond are read but do not matter.
    classes : (H, W) uint16
        Every index must be below the number of classes: it is not checked here.
    filters : (num_classes, 1 + planes * size, lanes) float32
    out : (H, W) float32
        Written in place.
    """
    n, width = len(lanes), out.shape[1]
    plane, row = np.int64(padded.strides[0]), np.int64(padded.strides[1])
    image, bank = np.int64(padded.ctypes.data), np.int64(filters.ctypes.data)
    whole = width - width % n
    last_classes = np.zeros(n, np.uint16)
    last_out = np.empty(n, np.float32)
    for y in range(y0, y1):
        taps = image + y * row
        index = np.int64(classes[y].ctypes.data)
        result = np.int64(out[y].ctypes.data)
        for x in range(0, whole, n):
            filter_block(
                size, planes, lanes, taps + 4 * x, row, plane, index + 2 * x, bank, result + 4 * x
            )
        if whole < width:
            rest = width - whole
            last_classes[:rest] = classes[y, whole:]
            filter_block(
                size,
                planes,
                lanes,
                taps + 4 * whole,
                row,
                plane,
                np.int64(last_classes.ctypes.data),
                bank,
                np.int64(last_out.ctypes.data),
            )
            out[y, whole:] = last_out[:rest]
