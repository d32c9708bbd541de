"""Where the values of an image lie: networks know those between black and white alone."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from raisr.validate import GRAY_LEVELS, GrayImage
from raisr.value_range import may_lie_far

_SIDE = 8  # of the areas whose means are looked at: noise hardly moves these
_MARGIN = GRAY_LEVELS / 64
_SHARE = 0.02  # of areas beyond the ends: high lights are fewer


def between_black_and_white(image: GrayImage) -> tuple[GrayImage, bool]:
    """Return an image with the pedestal that brings it between black and white.

    Returns
    -------
    image : GrayImage
        The one that was given where it lies there, or where nothing brings it there.
    fits : bool
        Whether it lies there now.
    """
    if not may_lie_far(image.array.dtype, image.factor):
        return image, True
    plane = image.levelled().plane()
    low, high = _ends(plane)
    area = np.minimum(plane.shape, _SIDE).prod()
    margin = _MARGIN * _SIDE / area**0.5
    if low >= -margin and high <= GRAY_LEVELS + margin:
        return image, True
    if high - low > GRAY_LEVELS + 4 * margin:
        return image, False
    moved = (low + high - GRAY_LEVELS) / 2 / image.factor
    return replace(image, pedestal=image.pedestal + float(moved)), True


def _ends(plane: NDArray[np.float32]) -> NDArray:
    """Return the levels that few areas are darker or brighter than."""
    starts = [np.arange(0, length, _SIDE) for length in plane.shape]
    lengths = [np.diff(s, append=n) for s, n in zip(starts, plane.shape, strict=True)]
    sums = np.add.reduceat(np.add.reduceat(plane, starts[0], axis=0), starts[1], axis=1)
    return np.quantile(sums / np.multiply.outer(*lengths), [_SHARE, 1 - _SHARE])
