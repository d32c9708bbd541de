"""Where the values of an image lie: whether they fit white, stand on a pedestal, or are huge."""

import math
from dataclasses import replace

import numpy as np

__all__ = ["GRAY_LEVELS", "fitting", "look_at", "may_lie_far", "sampled_places", "within_sums"]

GRAY_LEVELS = 255.0
"""White in the internal unit: every plane is float32, 0 black, 255 white."""

_SAMPLED_ROWS = 16
_SAMPLED_COLUMNS = 1 << 16
_MARGIN = 0.25 * GRAY_LEVELS  # noise, and what is a little over white, need no pedestal
_FAR = 4 * GRAY_LEVELS
_SUMMED = 1e30  # gray levels: float32 holds the sum of a million
_FAR_SHARE = 0.05  # high lights of a scene in linear light are fewer


def sampled_places(shape):
    """Return the rows and the columns that are looked at, as slices."""
    height, width = shape
    across = max(1, width // _SAMPLED_COLUMNS)
    return slice(None, None, -(-height // _SAMPLED_ROWS)), slice(None, None, across)


def may_lie_far(dtype, factor):
    """Return whether a type holds values far from [0, white], one being `factor` gray levels."""
    return dtype.kind == "f" or np.iinfo(dtype).max * factor > GRAY_LEVELS + _MARGIN


def look_at(sampled, factor, told=False):
    """Return the pedestal of an image, in its unit, and whether its values do not fit white.

    A pedestal is needed where the median lies a quarter of white or more outside of [0, white].
    Values do not fit if more than one in twenty lies farther than four times white from black or,
    where white was told and there is a pedestal, from the median.

    Parameters
    ----------
    sampled : array
        Pixels at the `sampled_places`.
    factor : float
        Gray levels of one unit.
    told : bool
        Whether white was told.
    """
    if not may_lie_far(sampled.dtype, factor):
        return 0.0, False
    levels = sampled.astype(np.float32)
    levels *= np.float32(factor)
    if levels.min() >= -_MARGIN and levels.max() <= GRAY_LEVELS + _MARGIN:
        return 0.0, False
    below = np.count_nonzero(levels < -_MARGIN)
    above = np.count_nonzero(levels > GRAY_LEVELS + _MARGIN)
    pedestal, centre = 0.0, 0.0
    if 2 * max(below, above) > levels.size:
        middle = np.median(sampled.astype(np.float64))
        pedestal = float(middle - GRAY_LEVELS / factor / 2)
        centre = middle * factor if told else 0.0
    far = np.count_nonzero(np.abs(levels - centre) > _FAR)
    return pedestal, far > _FAR_SHARE * levels.size


def fitting(values, dtype):
    """Return values, which are overwritten, as a type can hold them.

    For integers they are rounded and clipped; none is beyond the largest of a narrower float.
    """
    if dtype.kind == "u":
        np.rint(values, out=values)
        np.clip(values, 0, np.iinfo(dtype).max, out=values)
    elif dtype.itemsize < values.dtype.itemsize:
        largest = float(np.finfo(dtype).max)
        np.clip(values, -largest, largest, out=values)
    return values


def within_sums(channels):
    """Return channels, a list of GrayImage, of which float32 holds sums, and by what they are less.

    Nearly always they are those given, and 1; floats far beyond all pictures are less by a power
    of 2.
    """
    largest = max(channel.factor * _largest(channel.array) for channel in channels)
    if largest <= _SUMMED:
        return channels, 1.0
    scale = 2.0 ** math.ceil(math.log2(largest / _SUMMED))
    return [replace(channel, factor=channel.factor / scale) for channel in channels], scale


def _largest(array):
    """Return the largest magnitude of an array of floats, or that of its integers' type."""
    if array.dtype.kind == "u":
        return float(np.iinfo(array.dtype).max)
    return max(abs(float(array.min())), abs(float(array.max())))
