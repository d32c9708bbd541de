"""Learning filters that sharpen, from images that are softened first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raisr.filtering import Stage
from raisr.flat import learn_flat_stage
from raisr.hashing import HashSpec
from raisr.jpeg import compress
from raisr.noise import add_gaussian_noise
from raisr.validate import check_threads

__all__ = ["BLURS", "KEPT", "QUALITIES", "blurred", "eight_bits", "learn_sharpening"]

BLURS = (0.6, 0.8, 1.0, 1.2)
"""Standard deviations of the Gaussian blurs of the training images, pixels; in turns."""

QUALITIES = (None, 95, 90)
"""Qualities of JPEG that they are compressed with, in turns; None: not at all."""

KEPT = 0.25
"""Share of the noise that the targets keep: filters that took all of it would take texture, too."""

_RIDGE = 1e-4


def blurred(image: NDArray[np.uint8], blur: float) -> NDArray[np.float32]:
    """Return an image, (H, W), blurred by a Gaussian of a standard deviation in pixels.

    Borders are mirrored.
    """
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(image.astype(np.float32), blur, mode="reflect")


def eight_bits(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return gray levels rounded to 8 bits."""
    return np.rint(plane).clip(0, 255).astype(np.uint8)


def learn_sharpening(
    images: Sequence[NDArray[np.uint8]],
    level: float,
    spec: HashSpec,
    size: int,
    num_threads: int | None = None,
) -> Stage:
    """Learn the filters for one level of noise.

    Parameters
    ----------
    images : sequence of (H, W) uint8 arrays
        What the softened ones should become. The place of one is the seed of its noise.
    level : float
        Standard deviation of the noise, gray levels.
    spec : HashSpec
        Classes; its edges are replaced by quantiles.
    size : int
        Side of the filters.
    num_threads : int, optional
        Default: every core. The result does not depend on it.

    Notes
    -----
    Filters minimise the squared error among those whose weights sum to one, over all eight
    rotations and flips.
    """
    pairs = [_pair(image, place, level) for place, image in enumerate(images)]
    inputs, targets = [[soft] for soft, _ in pairs], [target for _, target in pairs]
    threads = check_threads(num_threads)
    return learn_flat_stage(inputs, targets, spec, size, ridge=_RIDGE, num_threads=threads)


def _pair(image, place, level):
    """Return a softened image, and what it should become, float32."""
    noise = add_gaussian_noise(np.zeros(image.shape), level, seed=place)
    soft = eight_bits(blurred(image, BLURS[place % len(BLURS)]) + noise)
    if quality := QUALITIES[place % len(QUALITIES)]:
        soft = compress(soft, quality)
    return soft.astype(np.float32), image + np.float32(KEPT) * noise
