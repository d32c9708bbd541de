"""The level of white noise from the finest wavelet scale of an image."""

import numpy as np

from raisr.differences import are_exact
from raisr.estimation import NORMAL_QUARTILE, noise_of
from raisr.peaks import peak_of

__all__ = ["level_of", "mean_level"]

_NONE = 0.1  # of the level that the finest details tell: in less, these are no noise
_ROUNDING = 1e-6  # of a wavelet coefficient, relative to the image


def level_of(channel, *, mixed=False):
    """Return the level of white noise in a channel; a drawing, whose edges seem noise, has none.

    Peaks of the histogram bound it, unless channels are `mixed`, as in a plane of an opponent
    space: clipping makes peaks of its own in these.
    """
    level = _detail_level(channel) if mixed else mean_level([channel])
    return level if noise_of([channel], mixed=mixed).levels[0, 0] > _NONE * level else 0.0


def mean_level(channels):
    """Return the mean level of channels, a list of GrayImage, in gray levels; 0 of drawings."""
    if are_exact(channels):
        return 0.0
    found = [min(_detail_level(channel), peak_of(channel).deviation) for channel in channels]
    return float(np.mean(found))


def _detail_level(channel):
    """Return the level that the finest wavelet scale tells; 0 where nothing is there."""
    import pywt

    plane = channel.levelled().plane()
    if min(plane.shape) < 2:
        return 0.0
    detail = np.abs(pywt.dwtn(plane, "db2")["dd"])
    # Saturated and padded areas are without noise: nothing is there, up to rounding. Of
    # drawings, only edges are left, with nothing around them.
    noisy = detail > _ROUNDING * np.abs(plane).max()
    living = noisy & (_share_nearby(noisy) > 0.5)
    return float(np.median(detail[living])) / NORMAL_QUARTILE if living.any() else 0.0


def _share_nearby(mask):
    """Share of a mask in the 5x5 neighbourhood of every pixel."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(mask.astype(np.float32), 5, mode="reflect")
