"""What filters took from the picture beyond the noise: it is given back."""

from dataclasses import replace

import numpy as np

from raisr.blocks import over_blocks
from raisr.clipping import BLOCK
from raisr.validate import GRAY_LEVELS

__all__ = ["give_back_excess"]

_MOST = 1.25  # times the variance of the noise
_POWERS = 1.5, 2.0  # of the share of unclipped pixels; of what is kept


def give_back_excess(image, out, level, num_threads):
    """Weaken what was changed where its variance is more than that of the noise.

    Filters take dense text and dithers for noise, in part, told its level or not. In blocks of
    `BLOCK` x `BLOCK` pixels whose mean squared change m is above the limit l = 1.25 level**2,
    (l / m)**2 of the change is kept. Of clipped noise less is left: where a share c of the pixels
    of integers is black or white, the limit is (1 - c)**1.5 of that.

    Parameters
    ----------
    image : GrayImage
        Noisy.
    out : (H, W) array
        Denoised, of the type of the image; changed in place.
    level : float
        Standard deviation of the noise, in gray levels of 255; if infinite, nothing is given back.
    num_threads : int
    """
    if not 0 < level < np.inf:
        return
    from raisr.kernels.excess import limit_change

    if out.dtype == np.float16:  # no kernel knows it
        wide = out.astype(np.float32)
        image = replace(image, array=image.array.astype(np.float32))
        give_back_excess(image, wide, level, num_threads)
        out[...] = wide
        return
    whole, bounds = out.dtype.kind == "u", (np.inf, np.inf)
    if whole:
        bounds = 0, min(round(GRAY_LEVELS / image.factor), np.iinfo(out.dtype).max)
    bounds = tuple(map(out.dtype.type, bounds))
    most = _MOST * (level / image.factor) ** 2

    def limit(y0, y1):
        rows = slice(BLOCK * y0, BLOCK * y1)
        limit_change(image.array[rows], out[rows], BLOCK, bounds, most, _POWERS, whole)

    height, width = out.shape
    over_blocks(limit, (-(-height // BLOCK), BLOCK * width), num_threads)
