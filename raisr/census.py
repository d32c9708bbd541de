"""The census transform, which keeps an enlarged image from changing the order of its pixels."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from raisr.blocks import over_blocks

__all__ = ["blend"]

_ALIKE = 1e-3  # gray levels: what differs by less does so by rounding
_AROUND = [place for place in product((0, 1, 2), repeat=2) if place != (1, 1)]


def blend(
    plain: NDArray[np.float32], filtered: NDArray[np.float32], num_threads: int
) -> NDArray[np.float32]:
    """Mix a filtered image with the plain one where filters changed how neighbours compare.

    Parameters
    ----------
    plain, filtered : (H, W) float32 arrays
        An image enlarged by interpolation, and what filters made of it.
    num_threads : int

    Returns
    -------
    (H, W) float32 array
        The filtered image, less the more of the eight neighbours are on another side of the pixel
        than in the plain one: where all are, the plain image. Neighbours that differ by rounding,
        and those beyond the border, are like the pixel itself.

    References
    ----------
    Romano, Isidoro, Milanfar, "RAISR: Rapid and accurate image super resolution", IEEE TCI 2016,
    section V.
    """
    out = np.empty_like(plain)

    def block(y0, y1):
        changed = np.zeros((y1 - y0, plain.shape[1]), np.uint8)
        darker = [_darker(image, y0, y1) for image in (plain, filtered)]
        for before, after in zip(*darker, strict=True):
            changed += before != after
        share = changed * np.float32(1 / len(_AROUND))
        out[y0:y1] = filtered[y0:y1] + share * (plain[y0:y1] - filtered[y0:y1])

    over_blocks(block, plain.shape, num_threads)
    return out


def _darker(image, y0, y1):
    """Yield, for each of eight neighbours, which pixels of some rows it is clearly darker than."""
    top, bottom = max(0, y0 - 1), min(len(image), y1 + 1)
    missing = top - (y0 - 1), y1 + 1 - bottom
    rows = np.pad(image[top:bottom], (missing, (1, 1)), "edge")
    middle, width = image[y0:y1] - np.float32(_ALIKE), image.shape[1]
    for down, right in _AROUND:
        yield rows[down : down + y1 - y0, right : right + width] < middle
