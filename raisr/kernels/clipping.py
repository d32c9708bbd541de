"""Blocks in which noise was clipped, and what their pixels become."""

import numpy as np

from raisr.kernels import kernel

__all__ = ["unclip"]


@kernel
def unclip(before, after, side, bounds, near, share, tables):
    """Replace pixels where enough of the noise lies at black or white.

    Parameters
    ----------
    before, after : (H, W) array of unsigned integers
        Noisy and denoised; `after` is changed in place.
    side : int
        Of the blocks, from the first row and column on; at most 255.
    bounds, near : (2,) tuple of the same type
        Black and white; the last value before that is near each of them.
    share : float
        Of the pixels at a bound, of those near it; where there are more, noise was clipped.
    tables : (2,) tuple of arrays of the same type
        What each value after becomes where noise was clipped at black, and at white.
    """
    height, width = before.shape
    black, white, dark, bright = [np.empty(width, np.uint8) for _ in range(4)]
    for y in range(0, height, side):
        _count(before[y : y + side], bounds, near, black, white, dark, bright)
        for x in range(0, width, side):
            columns = slice(x, x + side)
            if black[columns].sum() > share * dark[columns].sum():
                _replace(after[y : y + side, columns], tables[0])
            if white[columns].sum() > share * bright[columns].sum():
                _replace(after[y : y + side, columns], tables[1])


@kernel
def _count(rows, bounds, near, black, white, dark, bright):
    """Count the pixels of each column that are black, white, or near them."""
    black[:] = white[:] = dark[:] = bright[:] = 0
    for row in rows:
        for x in range(row.size):
            value = row[x]
            black[x] += np.uint8(value == bounds[0])
            white[x] += np.uint8(value == bounds[1])
            dark[x] += np.uint8(value <= near[0])
            bright[x] += np.uint8(value >= near[1])


@kernel
def _replace(block, table):
    for row in block:
        for x in range(row.size):
            row[x] = table[row[x]]
