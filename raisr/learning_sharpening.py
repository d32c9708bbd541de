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

__all__ = ["BLURS", "QUALITIES", "learn_sharpening", "soften"]

BLURS = (0.6, 0.8, 1.0, 1.2)
"""Standard deviations of the Gaussian blurs of the training images, pixels; in turns."""

QUALITIES = (None, 95, 90)
"""Qualities of JPEG that they are compressed with, in turns; None: not at all."""

_RIDGE = 1e-4


def soften(
    image: NDArray[np.uint8], blur: float, sigma: float = 0.0, seed: int | Sequence[int] = 0
) -> NDArray[np.uint8]:
    """Blur an image by a Gaussian, then add white noise; rounded to 8 bits.

    Parameters
    ----------
    image : (H, W) uint8 array
    blur : float
        Standard deviation of the Gaussian, pixels. Borders are mirrored.
    sigma : float
        That of the noise, gray levels.
    seed : int or sequence of int
    """
    from scipy.ndimage import gaussian_filter

    plane = gaussian_filter(image.astype(np.float32), blur, mode="reflect")
    noisy = add_gaussian_noise(plane, sigma, seed=seed)
    return np.rint(noisy).clip(0, 255).astype(np.uint8)


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
    inputs = [[_softened(image, place, level)] for place, image in enumerate(images)]
    targets = [image.astype(np.float32) for image in images]
    threads = check_threads(num_threads)
    return learn_flat_stage(inputs, targets, spec, size, ridge=_RIDGE, num_threads=threads)


def _softened(image, place, level):
    soft = soften(image, BLURS[place % len(BLURS)], level, place)
    quality = QUALITIES[place % len(QUALITIES)]
    return (compress(soft, quality) if quality else soft).astype(np.float32)
