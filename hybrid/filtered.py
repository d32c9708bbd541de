"""What learned filters make of an image: an input of the hybrid networks."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hybrid.planes import as_gray
from raisr import ColourBank, FilterBank, denoise
from raisr.colour import LUMA_NOISE, opponent_planes, rgb_planes
from raisr.denoising import LADDER, bank_for
from raisr.models import colour_bank_for
from raisr.validate import GRAY_LEVELS

MODEL = "best"
"""Whose filters are applied."""


@lru_cache(maxsize=64)  # as many as training has levels, and more
def _bank(level: float, channels: int) -> FilterBank | ColourBank:
    if channels == 1:
        return bank_for(MODEL, level)
    return colour_bank_for(MODEL, LUMA_NOISE * level, level, level)


def filtered(
    planes: NDArray[np.float32], sigma: float, num_threads: int | None = 1
) -> NDArray[np.float32]:
    """Return the planes of an image as the filters of `raisr.denoise` leave them.

    Parameters
    ----------
    planes : (1, H, W) or (3, H, W) float32 array, gray levels
        A gray image, or the planes of `raisr.colour.opponent_planes`.
    sigma : float
        Standard deviation of the noise, gray levels; above that of the last shipped filters, it
        is taken for theirs. 0 gives back the planes.
    num_threads : int, optional
        None: every core.

    Returns
    -------
    float32 array of the same shape
    """
    if sigma <= 0:
        return planes.copy()
    bank = _bank(min(float(sigma), LADDER[-1]), len(planes))

    def run(image, axis):
        return denoise(
            image, model=bank, channel_axis=axis, data_range=GRAY_LEVELS, num_threads=num_threads
        )

    if len(planes) == 1:
        return run(planes[0], None)[None]
    return opponent_planes(run(rgb_planes(planes), 0))


def filtered_as_found(
    planes: NDArray[np.float32], num_threads: int | None = 1
) -> tuple[NDArray[np.float32], float]:
    """Return the planes as `raisr.denoise` leaves them when nothing is told, and how much it took.

    Parameters
    ----------
    planes, num_threads
        See `filtered`.

    Returns
    -------
    done : float32 array of the same shape
    level : float
        Standard deviation of what was removed from the first plane, gray levels.
    """
    options = {"model": MODEL, "data_range": GRAY_LEVELS, "num_threads": num_threads}
    if len(planes) == 1:
        done = denoise(planes[0], **options)[None]
    else:
        done = opponent_planes(denoise(rgb_planes(planes), channel_axis=0, **options))
    return done, float(np.std(planes[0] - done[0]))


def guide_of(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane that is hashed: gray, or the mean of red, green and blue."""
    return planes[0] if len(planes) == 1 else as_gray(planes)[0][0]
