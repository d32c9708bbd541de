"""What noise lost where it was clipped at black or white: filters average what is left of it."""

from dataclasses import replace

import numpy as np

from raisr.block_details import float_step
from raisr.blocks import over_blocks
from raisr.validate import GRAY_LEVELS

__all__ = ["BLOCK", "unclipped_means", "undo_clipping"]

BLOCK = 16
"""Side of the blocks in which clipping is looked for, from the first row and column on."""

_ROUNDING = 1e-6  # of a white that was told, and divided by
_FAINT = 1e-3  # gray levels: less noise has moved no mean
_SHARE = 0.1  # of pixels at the bound, of those within a sigma of it


def unclipped_means(values, sigma, white):
    """Return the means that Gaussian noise had before it was clipped to [0, white].

    Parameters
    ----------
    values : array_like
        Means of clipped noise.
    sigma : float
        Standard deviation of the noise, in the unit of the values.
    white : float

    Returns
    -------
    means : array of float64
        Within [0, white]; values that no such mean gives become black or white.

    References
    ----------
    Foi, "Clipped noisy images: Heteroskedastic modeling and practical denoising",
    Signal Processing 2009.

    Examples
    --------
    >>> unclipped_means([10, 100, 251, 255], 10, 255).round().tolist()
    [9.0, 100.0, 255.0, 255.0]
    """
    from scipy.special import ndtr

    steps = sigma * np.linspace(-4, 4, 801)
    means = np.union1d(steps, white + steps)

    def above(bound):
        """Return the mean of what noise has above a bound."""
        z = (means - bound) / sigma
        return sigma * (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) + z * ndtr(z))

    clipped = above(0.0) - above(white)
    return np.interp(values, clipped, means).clip(0, white)


def undo_clipping(image, out, level, num_threads):
    """Move what is near black or white to where it was before its noise was clipped.

    That is done in blocks of `BLOCK` x `BLOCK` pixels where noise was clipped: where enough of what
    is as near as one standard deviation lies at the bound, of clipped noise around black more than
    a half. So it is for floats, in blocks without any value beyond.

    Parameters
    ----------
    image : GrayImage
        Noisy.
    out : (H, W) array
        Denoised, of the type of the image; changed in place.
    level : float
        Standard deviation of the noise, in gray levels of 255.
    num_threads : int
    """
    if level <= _FAINT:
        return
    if out.dtype.kind == "f":
        _undo_in_floats(image, out, level, num_threads)
        return
    from raisr.kernels.clipping import unclip

    top, sigma = np.iinfo(out.dtype).max, level / image.factor
    white = min(int(GRAY_LEVELS / image.factor + _ROUNDING), int(top))
    bounds = np.float32(0), np.float32(white)
    near = np.float32(int(min(sigma, white))), np.float32(int(max(white - sigma, 0)))
    tables = _tables(sigma, white, top, out.dtype)
    before, (height, width) = replace(image, factor=1.0).source, out.shape

    def move(y0, y1):
        rows = BLOCK * y0, min(BLOCK * y1, height)
        unclip(before, out, BLOCK, bounds, near, _SHARE, tables, *rows)

    over_blocks(move, (-(-height // BLOCK), BLOCK * width), num_threads)


def _undo_in_floats(image, out, level, num_threads):
    sigma, white = (np.float64(value / image.factor) for value in (level, GRAY_LEVELS))
    apart, (height, width) = white * float_step(image.array.dtype), out.shape

    def move(y0, y1):
        rows = slice(BLOCK * y0, BLOCK * y1)
        values, part = image.array[rows], out[rows]
        black, full = values <= 0, values >= white - apart
        if not (black.any() or full.any()):
            return
        beyond = _in_blocks((values < 0) | (values > white + apart)) > 0
        near = values <= min(sigma, white), values >= max(white - sigma, 0)
        for at, close, moves in zip((black, full), near, _ends(part, sigma, white), strict=True):
            clipped = (_in_blocks(at) > _SHARE * _in_blocks(close)) & ~beyond
            moves &= np.kron(clipped, np.ones((BLOCK, BLOCK), bool))[: len(part), :width]
            part[moves] = unclipped_means(part[moves], sigma, white)

    over_blocks(move, (-(-height // BLOCK), BLOCK * width), num_threads)


def _in_blocks(found):
    """Return how many there are in each block."""
    starts = (np.arange(0, side, BLOCK) for side in found.shape)
    return np.add.reduceat(np.add.reduceat(found, next(starts), 0, int), next(starts), 1)


def _ends(values, sigma, white):
    """Where values are near enough to black, and to white, to be moved."""
    dark = values <= min(2 * sigma, white / 2)
    return dark, (values >= max(white - 2 * sigma, white / 2)) & ~dark


def _tables(sigma, white, top, dtype):
    """Return what each value up to `top` becomes where noise was clipped at black, and at white."""
    values = np.arange(top + 1)
    moved = np.rint(unclipped_means(values[: white + 1], sigma, white))
    dark, bright = _ends(values, sigma, white)
    bright &= values <= white
    tables = values.astype(dtype), values.astype(dtype)
    for table, part in zip(tables, (dark, bright), strict=True):
        table[part] = moved[part[: white + 1]]
    return tables
