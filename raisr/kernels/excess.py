"""Blocks in which more was changed than noise explains."""

import numpy as np

from raisr.kernels import kernel

__all__ = ["limit_change"]


@kernel
def limit_change(before, after, side, bounds, most, powers, whole):
    """Take back part of the change of each block whose mean square is too large.

    Parameters
    ----------
    before, after : (H, W) array of one type
        Noisy and denoised; `after` is changed in place.
    side : int
        Of the blocks, from the first row and column on.
    bounds : (2,) tuple of the same type
        Black and white, where noise was clipped and is less.
    most : float
        Mean square of a change that stays.
    powers : (2,) tuple of float
        Of the share of pixels between bounds, by which `most` shrinks; and of the share of the
        largest mean square in that of the change, by which the change shrinks.
    whole : bool
        Whether pixels are rounded.
    """
    height, width = before.shape
    squares, clipped = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(0, height, side):
        rows = slice(y, y + side)
        _sum(before[rows], after[rows], bounds, squares, clipped)
        for x in range(0, width, side):
            columns = slice(x, x + side)
            pixels = before[rows, columns].size
            share = (pixels - clipped[columns].sum()) / pixels
            limit = most * share ** powers[0]
            found = squares[columns].sum() / pixels
            if found > limit:
                kept = (limit / found) ** powers[1]
                _blend(before[rows, columns], after[rows, columns], kept, whole)


@kernel
def _sum(before, after, bounds, squares, clipped):
    """Sum over each column the squares of what changed, and count the pixels at a bound."""
    squares[:] = clipped[:] = 0
    one = np.float32(1)
    for y in range(len(before)):
        old, new = before[y], after[y]
        for x in range(squares.size):
            change = one * new[x] - one * old[x]
            squares[x] += np.float32(change * change)
        for x in range(squares.size):
            clipped[x] += np.float32((old[x] == bounds[0]) | (old[x] == bounds[1]))


@kernel
def _blend(before, after, share, whole):
    """Keep a share of what changed."""
    for y in range(before.shape[0]):
        for x in range(before.shape[1]):
            value = np.float64(before[y, x])
            value += share * (np.float64(after[y, x]) - value)
            after[y, x] = np.rint(value) if whole else value
