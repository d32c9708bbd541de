"""How far an image is from another one."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["psnr"]


def psnr(output: NDArray, clean: NDArray, peak: float = 255.0) -> float:
    """Return the peak signal-to-noise ratio in dB, infinite for equal images.

    Raises
    ------
    ValueError
        For images of different shapes, or empty ones.

    Examples
    --------
    >>> round(psnr(np.full((8, 8), 110.0), np.full((8, 8), 100.0)), 2)
    28.13
    """
    if np.shape(output) != np.shape(clean) or not np.size(clean):
        raise ValueError(
            f"images must have one shape and not be empty, got {np.shape(output)} and "
            f"{np.shape(clean)}"
        )
    error = float(np.mean(np.square(np.subtract(output, clean, dtype=np.float64))))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)
