"""One network for every noise level: images are scaled such that their noise is always the same."""

from collections.abc import Callable

import torch
from torch import Tensor

from raisr import estimate_sigma
from raisr._validate import GRAY_LEVELS

REFERENCE = 25 / GRAY_LEVELS
"""Standard deviation of the noise that a network sees, whatever the image has; white is 1."""

_LOWEST = 5 / GRAY_LEVELS  # below it images are scaled no further
_GRAY = 0.5  # stays where it is


def estimated_levels(images: Tensor) -> Tensor:
    """Return `raisr.estimate_sigma` of every image of (B, 1, H, W), as (B, 1, 1, 1)."""
    levels = [estimate_sigma(image.numpy(force=True)) for image in images[:, 0]]
    return torch.tensor(levels, dtype=images.dtype, device=images.device)[:, None, None, None]


def gain(levels: Tensor) -> Tensor:
    """Return the factor that turns noise of these levels into that of `REFERENCE`."""
    return REFERENCE / levels.clamp(min=_LOWEST)


def at_reference(
    network: Callable[..., Tensor], noisy: Tensor, levels: Tensor, *maps: Tensor
) -> Tensor:
    """Return what a network makes of scaled images, scaled back.

    Parameters
    ----------
    network : callable
        Images and maps -> images.
    noisy : (B, 1, H, W) float tensor, gray levels / 255
    levels : (B, 1, 1, 1) or scalar tensor
        Standard deviation of the noise, gray levels / 255.
    *maps : tensors
        Class maps, passed on as they are.
    """
    factor = gain(levels)
    return (network((noisy - _GRAY) * factor + _GRAY, *maps) - _GRAY) / factor + _GRAY
