"""What noise lost where it was clipped at black or white: filters average what is left of it."""

import numpy as np

from raisr.blocks import over_blocks
from raisr.validate import GRAY_LEVELS

__all__ = ["unclipped_means", "undo_clipping"]

_SHARE = 0.1  # of pixels at the bound, where a half is expected, and 16 % one sigma away


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


def undo_clipping(channels, outs, levels, white, num_threads):
    """Move what is near black or white to where it was before its noise was clipped.

    A bound where fewer pixels of the image lie than clipped noise would leave stays as it is;
    and so do results of floats, which are clipped nowhere.

    Parameters
    ----------
    channels : sequence of GrayImage
        Noisy.
    outs : sequence of (H, W) arrays
        Denoised, of the type of the channels; changed in place.
    levels : sequence of float
        Standard deviation of the noise of each, in gray levels of 255.
    white : float
        In the unit of the channels.
    num_threads : int
    """
    for channel, out, level in zip(channels, outs, levels, strict=True):
        if out.dtype.kind == "u" and level > 0:
            bound = min(int(white), int(np.iinfo(out.dtype).max))
            _undo(channel.array, out, level * white / GRAY_LEVELS, bound, num_threads)


def _undo(noisy, out, sigma, white, num_threads):
    whole = out.dtype.type  # of comparisons that need no floats
    near = whole(min(sigma, white)), whole(max(white - sigma, 0))
    counts = []

    def count(y0, y1):
        part, before = out[y0:y1], noisy[y0:y1]
        ends = (part <= near[0], before == whole(0)), (part >= near[1], before == whole(white))
        counts.append([[np.count_nonzero(c), np.count_nonzero(c & at)] for c, at in ends])

    over_blocks(count, out.shape, num_threads)
    found = np.sum(counts, axis=0)
    dark, bright = found[:, 1] > _SHARE * found[:, 0]
    if not (dark or bright):
        return
    table = np.rint(unclipped_means(np.arange(white + 1), sigma, white)).astype(out.dtype)
    low = whole(min(2 * sigma, white / 2)) if dark else whole(0)
    high = whole(max(white - 2 * sigma, white / 2)) if bright else whole(white)

    def move(y0, y1):
        part = out[y0:y1]
        chosen = part <= low
        chosen |= (part >= high) & (part <= whole(white))
        part[chosen] = table[part[chosen]]

    over_blocks(move, out.shape, num_threads)
