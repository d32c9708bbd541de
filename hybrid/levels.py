"""One network for many noise levels: images are scaled such that their noise has one level."""

from collections.abc import Callable

from torch import Tensor

from raisr.validate import GRAY_LEVELS

REFERENCE = 25 / GRAY_LEVELS
"""Standard deviation of the noise after scaling; white is 1."""

_LOWEST = 5 / GRAY_LEVELS  # images with less noise are scaled no further
_GRAY = 0.5  # stays where it is


def gain(levels: Tensor) -> Tensor:
    """Return the factor that turns noise of these levels, from 5/255 up, into `REFERENCE`."""
    return REFERENCE / levels.clamp(min=_LOWEST)


def at_reference(
    network: Callable[..., Tensor], noisy: Tensor, levels: Tensor | None, *maps: Tensor
) -> Tensor:
    """Return what a network makes of scaled images, scaled back.

    Parameters
    ----------
    network : callable
        Images and maps -> images.
    noisy : (B, 1, H, W) float tensor, gray levels / 255
    levels : (B, 1, 1, 1) or scalar tensor, or None
        Standard deviation of the noise, gray levels / 255; None: nothing is scaled.
    *maps : tensors
        Class maps, passed on as they are.
    """
    if levels is None:
        return network(noisy, *maps)
    factor = gain(levels)
    return (network((noisy - _GRAY) * factor + _GRAY, *maps) - _GRAY) / factor + _GRAY
