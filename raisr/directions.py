"""In how many directions of chroma an image bends: noise in all, edges between two colours in one.

A sensor has noise of its own for each colour, which nothing that a camera does makes one. Text and
drawings that are not sharp have edges that seem noise of a camera, but all that changes at an edge
between two colours is how much there is of each.
"""

import numpy as np

from raisr.bends import BLOCK, QUANTILE, bends, halved, mean_products, tiles, whole_blocks

__all__ = ["across", "directions", "share_across"]

_EXPECTED = 0.741  # what the quantile reads across the strongest direction, of white noise


def directions(chroma, at_limit, scales):
    """Return what bends in chroma at each of some scales.

    Parameters
    ----------
    chroma : list of two (H, W) arrays
    at_limit : (H, W) array
        Where the image is clipped.
    scales : int

    Returns
    -------
    list of (3, blocks) arrays
        Of the blocks that bend, the level in the strongest direction, that at right angles to it,
        and the share that is clipped.
    """
    planes, found = [*chroma, at_limit], []
    for _ in range(scales):
        found.append(_of_blocks(*planes))
        planes = [halved(plane) for plane in planes]
    return found


def _of_blocks(wide, narrow, at_limit):
    if min(wide.shape) < BLOCK + 2:
        return np.empty((3, 0))
    a, b = (tiles(bends(plane), BLOCK) for plane in (wide, narrow))
    aa, bb, ab = (mean_products(*pair) for pair in ((a, a), (b, b), (a, b)))
    mean, half = (aa + bb) / 2, np.hypot((aa - bb) / 2, ab)
    clipped = tiles(at_limit[1:-1, 1:-1], BLOCK).mean(axis=1)
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
