"""What bends in blocks of an image, and how rough they are: slopes are no part of either."""

import numpy as np

__all__ = [
    "BLOCK",
    "QUANTILE",
    "bends",
    "halved",
    "mean_products",
    "roughness",
    "tiles",
    "whole_blocks",
]

BLOCK = 8
"""Side of a block."""

QUANTILE = 0.2
"""Which of the blocks, from the least, tells what is noise."""

_CLIPPED = 0.05
_FEW = 16  # blocks


def bends(plane):
    """Return second differences along rows of those along columns; white noise keeps its level."""
    rows = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    return (rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) / 6


def halved(plane):
    """Return the means of 2 x 2 pixels."""
    height, width = (side // 2 * 2 for side in plane.shape)
    even = plane[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def tiles(plane, size):
    """Return the whole blocks of a plane, (blocks, size**2)."""
    rows, columns = (side // size for side in plane.shape)
    cut = plane[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return cut.swapaxes(1, 2).reshape(rows * columns, size * size)


def mean_products(one, other):
    """Return the mean product of the pixels of two blocks each, in float64."""
    return np.einsum("ij,ij->i", one, other, dtype=np.float64) / one.shape[1]


def roughness(blocks, size):
    """Return the standard deviation of blocks about their slopes, in float64; size 2 or more.

    Examples
    --------
    >>> slope = np.add.outer(3 * np.arange(4), np.arange(4.0))
    >>> bool(roughness(slope.reshape(1, 16), 4)[0] < 1e-6)
    True
    """
    place = np.arange(size) - (size - 1) / 2
    place /= np.sqrt(size * np.sum(place**2))
    down, right = np.repeat(place, size), np.tile(place, size)
    centred = blocks - blocks.mean(axis=1, keepdims=True)
    slopes = centred @ np.stack([down, right], axis=1)
    left = np.sum(np.square(centred, dtype=np.float64), axis=1) - np.sum(slopes**2, axis=1)
    return np.sqrt(np.maximum(left, 0) / (size * size - 3))


def whole_blocks(parts):
    """Return what was found in the blocks of all strips, in clipped ones only in need.

    Parameters
    ----------
    parts : sequence of (rows, blocks) arrays
        The last row is the share of a block that is clipped.
    """
    *found, clipped = np.concatenate(parts, axis=1)
    whole = clipped <= _CLIPPED
    kept = whole if whole.sum() >= min(_FEW, whole.size) and whole.any() else slice(None)
    return np.stack(found)[:, kept]
