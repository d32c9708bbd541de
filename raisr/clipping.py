"""What noise lost where it was clipped at black or white: filters average what is left of it."""

import numpy as np

from raisr.blocks import over_blocks
from raisr.validate import GRAY_LEVELS

__all__ = ["clipped_ends", "unclipped_means", "undo_clipping"]

_ROUNDING = 1e-6  # of a white that was told, and divided by
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


def clipped_ends(image, level):
    """Return whether noise was clipped at black, and at white.

    It was where enough of what is as near as one standard deviation lies there: of clipped noise
    around black it is more than a half. Floats are clipped nowhere.

    Parameters
    ----------
    image : GrayImage
        Noisy.
    level : float
        Standard deviation of the noise, in gray levels of 255.

    Returns
    -------
    (bool, bool)
    """
    array = image.array
    if array.dtype.kind != "u" or level <= 0:
        return False, False
    whole, sigma, white = array.dtype.type, level / image.factor, _white_of(image)
    near = whole(min(sigma, white)), whole(max(white - sigma, 0))
    ends = (array <= near[0], array == whole(0)), (array >= near[1], array == whole(white))
    dark, bright = (np.count_nonzero(at) > _SHARE * np.count_nonzero(part) for part, at in ends)
    return bool(dark), bool(bright)


def undo_clipping(image, out, level, ends, num_threads):
    """Move what is near black or white to where it was before its noise was clipped.

    Parameters
    ----------
    image : GrayImage
        Noisy, of integers.
    out : (H, W) array
        Denoised, of the type of the image; changed in place.
    level : float
        Standard deviation of the noise, in gray levels of 255.
    ends : (bool, bool)
        Whether it was clipped at black, and at white: see `clipped_ends`.
    num_threads : int
    """
    whole, sigma, white = out.dtype.type, level / image.factor, _white_of(image)
    dark, bright = ends
    table = np.rint(unclipped_means(np.arange(white + 1), sigma, white)).astype(out.dtype)
    low = whole(min(2 * sigma, white / 2)) if dark else whole(0)
    high = whole(max(white - 2 * sigma, white / 2)) if bright else whole(white)

    def move(y0, y1):
        part = out[y0:y1]
        chosen = part <= low
        chosen |= (part >= high) & (part <= whole(white))
        part[chosen] = table[part[chosen]]

    over_blocks(move, out.shape, num_threads)


def _white_of(image):
    """Return the value of white in an image of integers, or the largest that its type holds."""
    return min(int(GRAY_LEVELS / image.factor + _ROUNDING), int(np.iinfo(image.array.dtype).max))
