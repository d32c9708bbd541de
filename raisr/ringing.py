"""JPEGs of text and drawings: what rings beside their edges is no noise that filters should see."""

import numpy as np

from raisr.bends import QUANTILE
from raisr.jpeg import has_blocks
from raisr.sampling import strips_of

__all__ = ["rings"]

_EDGES = 1.25  # times what their median tells is the root mean square of details, beside edges
_ROUNDED = 0.1  # gray levels, that 8 bits make of nothing
_STRONG, _OFTEN = 64.0, 0.13  # gray levels, and share of neighbours, more than in photographs


def rings(channels, finest):
    """Return whether details of an image seem to be what JPEG left beside the edges of a drawing.

    Noise is normal, in the flattest places at least; neighbours in text differ oftener by a quarter
    of white than those of photographs; and blocks of JPEG are seen.

    Parameters
    ----------
    channels : list of GrayImage
        Red, green and blue, or one.
    finest : list of (4, blocks) arrays
        Of each plane that noise is looked for in, brightness, level and root mean square of the
        finest details in blocks; a fourth row is not used.
    """
    if not any(_are_edges(*found[1:3]) for found in finest if found.size):
        return False
    strips = list(strips_of(channels))
    planes = [channel.levelled().plane() for channel in strips[len(strips) // 2]]
    return any(map(_often_far, planes)) and has_blocks(planes)


def _are_edges(levels, squares):
    least = max(np.quantile(levels, QUANTILE), _ROUNDED)
    return np.quantile(squares, QUANTILE) > _EDGES * least


def _often_far(plane):
    far = [np.abs(np.diff(plane, axis=axis)) > _STRONG for axis in (0, 1)]
    return sum(map(np.count_nonzero, far)) > _OFTEN * sum(part.size for part in far)
