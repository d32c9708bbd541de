"""Areas without noise beside noisy ones: they stay."""

import numpy as np

from raisr.blocks import over_blocks

__all__ = ["REACH", "constant_areas", "keep_constant_areas"]

_SIDE = 5
REACH = _SIDE - 1
"""How many pixels away it is told whether a pixel stays."""


def constant_areas(image):
    """Return the union of all constant windows of 5 x 5 pixels, (H, W) bool.

    Noise leaves no such window, unless it was clipped.

    Parameters
    ----------
    image : (H, W) array
        Unsigned integers or floats.

    Examples
    --------
    >>> image = np.arange(70, dtype=np.uint8).reshape(10, 7)
    >>> image[:5, 2:] = 9
    >>> constant_areas(image).any(axis=0).tolist()
    [False, False, True, True, True, True, True]
    """
    from raisr.kernels.constant import mark_constant

    mask = np.zeros(image.shape, bool)
    # Numbers alone, so that a kernel is compiled once for all layouts of a type.
    place = image.ctypes.data, *image.shape, *image.strides
    mark_constant(np.dtype(f"u{image.itemsize}").type(0), place, _SIDE, mask)
    return mask


def keep_constant_areas(channels, outs, num_threads):
    """Put back what is constant: filters that saw a noisy area beside it would draw its ghost.

    Parameters
    ----------
    channels : sequence of GrayImage
    outs : sequence of (H, W) arrays
        Results, of the type of the channels; changed in place.
    num_threads : int
    """

    def block(y0, y1):
        top = max(y0 - REACH, 0)
        for channel, out in zip(channels, outs, strict=True):
            mask = constant_areas(channel.array[top : y1 + REACH])[y0 - top : y1 - top]
            if mask.any():
                np.copyto(out[y0:y1], channel.array[y0:y1], where=mask)

    over_blocks(block, channels[0].shape, num_threads)
