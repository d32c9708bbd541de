"""In how many directions of chroma an image bends: noise in all, edges between two colours in one.

A sensor has noise of its own for each colour, which nothing that a camera does makes one. Text and
drawings that are not sharp have edges that seem noise of a camera, but all that changes at an edge
between two colours is how much there is of each.
"""

import numpy as np

from raisr.bends import BLOCK, QUANTILE, mean_products, whole_blocks

__all__ = ["across", "directions", "share_across"]

_EXPECTED = 0.741  # what the quantile reads across the strongest direction, of white noise


def directions(one, other):
    """Return what bends in chroma at a scale.

    Parameters
    ----------
    one, other : tuple
        What `raisr.block_details.details` returns of each of both planes.

    Returns
    -------
    (3, blocks) array
        Of the blocks that bend, the level in the strongest direction, that at right angles to it,
        and the share that is clipped. Blocks of a small image tell nothing.
    """
    (_, a, _, clipped, _), (_, b, *_) = one, other
    if a.shape[1] < BLOCK**2:
        return np.empty((3, 0))
    aa, bb, ab = (mean_products(*pair) for pair in ((a, a), (b, b), (a, b)))
    mean, half = (aa + bb) / 2, np.hypot((aa - bb) / 2, ab)
    found = np.stack([*np.sqrt(np.maximum([mean + half, mean - half], 0)), clipped])
    return found[:, found[0] > 0]


def across(parts):
    """Return the level of white noise that what bends across the strongest direction would be.

    Parameters
    ----------
    parts : sequence of (3, blocks) arrays
        Of one scale, as `directions` returns them.
    """
    found = whole_blocks(parts)
    return float(np.quantile(found[1], QUANTILE)) / _EXPECTED if found.size else np.inf


def share_across(parts):
    """Return how strong what bends across the strongest direction is, of that; 1 if nothing tells.

    Parameters as in `across`.
    """
    found = whole_blocks(parts)
    strongest, weakest = np.quantile(found, QUANTILE, axis=1) if found.size else (1.0, 1.0)
    return float(weakest / strongest)
