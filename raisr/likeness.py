"""Whether places in which one plane of an image changes much are those in which others do.

Texture and edges are in luma and chroma at once. How strong noise is at a place depends on the
brightness alone, and that it is by chance stronger in a block of the luma tells nothing of chroma.
"""

import numpy as np

from raisr.bends import BLOCK, bends, mean_products, tiles, whole_blocks

__all__ = ["likeness", "strengths"]

_LEAST = 0.3  # gray levels
_FEW = 8  # blocks
_SAME = 1e-6


def strengths(planes, at_limit):
    """Return the logarithm of how much each plane bends, and the share that is clipped, by block.

    Parameters
    ----------
    planes : list of (H, W) arrays, gray levels
    at_limit : (H, W) array
        Where the image is clipped.

    Returns
    -------
    (planes + 1, blocks) array
        Of the blocks in which any plane bends.
    """
    if min(at_limit.shape) < BLOCK + 2:
        return np.empty((len(planes) + 1, 0))
    bent = [tiles(bends(plane), BLOCK) for plane in planes]
    squares = np.array([mean_products(blocks, blocks) for blocks in bent])
    clipped = tiles(at_limit[1:-1, 1:-1], BLOCK).mean(axis=1)
    found = np.stack([*np.log(np.sqrt(squares) + _LEAST), clipped])
    return found[:, squares.any(axis=0)]


def likeness(parts):
    """Return the correlations of the first and second, first and third, and second and third plane.

    Parameters
    ----------
    parts : sequence of (4, blocks) arrays
        Those of all strips, as `strengths` returns them.

    Returns
    -------
    (3,) float64 array
        -1 to 1; 0 where a plane is the same everywhere, or blocks are few.
    """
    found = whole_blocks(parts)
    if found.shape[1] < _FEW:
        return np.zeros(3)
    centred = found - found.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    centred = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > _SAME)
    return (centred @ centred.T)[[0, 0, 1], [1, 2, 2]]
