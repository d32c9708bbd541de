"""What a network, or a gray filter, sees of an image: planes, in colour three gray images."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from raisr.validate import GRAY_LEVELS, GrayImage

Planes = NDArray[np.float32]
"""(channels, H, W), gray levels."""

_MEAN = np.float32(3**-0.5)  # turns the first opponent plane into the mean of red, green and blue
_MIDDLE = np.float32(GRAY_LEVELS / 2)
_LIFT = np.float32((3**0.5 - 1) * GRAY_LEVELS / 2)  # of mid gray, in the first opponent plane


def as_gray(
    opponent: NDArray[np.float32], *, one_level: bool = False
) -> list[tuple[NDArray[np.float32], float]]:
    """Return gray images of opponent planes, and by what factor the noise in each is less.

    Parameters
    ----------
    opponent : (3, H, W) float32 array, gray levels
        See `raisr.colour.opponent_planes`.
    one_level : bool
        False: the first image is the mean of red, green and blue, with the contrast of gray
        images and less noise. True: it is the opponent plane with mid gray where it belongs, and
        noise is the same in all three, for what knows one level only.

    Returns
    -------
    list of (image, factor)
        The differences of colours, which have no black, lie around mid gray.
    """
    brightness, *differences = opponent
    first = (brightness - _LIFT, 1.0) if one_level else (brightness * _MEAN, float(_MEAN))
    return [first, *((plane + _MIDDLE, 1.0) for plane in differences)]


def from_gray(images: Sequence[NDArray], *, one_level: bool = False) -> NDArray[np.float32]:
    """Return the opponent planes of gray images; the inverse of `as_gray`."""
    first, *differences = images
    brightness = first + _LIFT if one_level else first / _MEAN
    return np.stack([brightness, *(plane - _MIDDLE for plane in differences)])


def levelled_planes(channels: Sequence[GrayImage]) -> NDArray[np.float32]:
    """Return the channels of an image in gray levels, without their pedestals."""
    return np.stack([channel.levelled().plane() for channel in channels])


def as_tensor(plane: NDArray[np.float32]) -> torch.Tensor:
    """Return a plane of gray levels as a (1, 1, H, W) tensor of gray levels / 255."""
    return torch.from_numpy(plane / np.float32(GRAY_LEVELS))[None, None]
