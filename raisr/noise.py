"""Noise models used by learning, tests and comparisons."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["add_gaussian_noise"]


def add_gaussian_noise(
    image: ArrayLike, sigma: float, seed: int | Sequence[int] | np.random.Generator
) -> NDArray[np.float32]:
    """Add white Gaussian noise, neither clipped nor rounded.

    Parameters
    ----------
    image : array_like
        Any real dtype and shape.
    sigma : float
        Standard deviation, in the unit of the image.
    seed : int, sequence of int or numpy.random.Generator
        What `numpy.random.default_rng` takes.

    Returns
    -------
    noisy : float32 array of the same shape

    Examples
    --------
    >>> add_gaussian_noise([[10, 20]], 0, seed=1).tolist()
    [[10.0, 20.0]]
    """
    image = np.asarray(image, np.float32)
    noise = np.random.default_rng(seed).standard_normal(image.shape, np.float32)
    noise *= np.float32(sigma)
    noise += image
    return noise
