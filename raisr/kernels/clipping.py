"""Blocks in which noise was clipped, and what their pixels become."""

import numpy as np

from raisr.kernels import kernel, subkernel
from raisr.kernels.memory import aligned
from raisr.kernels.pixels import read_row

__all__ = ["unclip"]


@kernel
def unclip(before, after, side, bounds, near, share, tables, y0, y1):
    """Replace pixels of rows `y0` to `y1` where enough of the noise lies at black or white.

    Parameters
    ----------
    before : tuple
        Noisy, as `raisr.kernels.pixels.read_row` takes it, in its own unit.
    after : (H, W) array of unsigned integers
        Denoised; changed in place.
    side : int
        Of the blocks, from the first row and column on; at most 255. `y0` is a multiple of it.
    bounds, near : (2,) tuple of float32
        Black and white; the last value before that is near each of them.
    share : float
        Of the pixels at a bound, of those near it; where there are more, noise was clipped.
    tables : (2,) tuple of arrays of the type of `after`
        What each value after becomes where noise was clipped at black, and at white.
    """
    width = after.shape[1]
    line = aligned(width)
    counts = np.empty((4, width), np.uint8)
    black, white, dark, bright = counts[0], counts[1], counts[2], counts[3]
    for top in range(y0, y1, side):
        bottom = min(top + side, y1)
        counts[:] = 0
        for y in range(top, bottom):
            read_row(before, y, np.int64(0), width, np.int64(line.ctypes.data))
            _count(line, bounds[0], near[0], bounds[1], near[1], black, dark, white, bright)
        for x in range(0, width, side):
            columns = slice(x, x + side)
            if black[columns].sum() > share * dark[columns].sum():
                _replace(after[top:bottom, columns], tables[0])
            if white[columns].sum() > share * bright[columns].sum():
                _replace(after[top:bottom, columns], tables[1])


@subkernel
def _count(values, least, low, most, high, black, dark, white, bright):
    """Count the pixels of each column that are black, white, or near them."""
    for x in range(values.size):
        value = values[x]
        black[x] += np.uint8(value == least)
        dark[x] += np.uint8(value <= low)
        white[x] += np.uint8(value == most)
        bright[x] += np.uint8(value >= high)


@subkernel
def _replace(block, table):
    for row in block:
        for x in range(row.size):
            row[x] = table[row[x]]
