"""Noise that grows with the brightness: its model, and the transform that makes it white."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from raisr.validate import real_number

__all__ = ["PhotonNoise", "anscombe", "inverse_anscombe"]

_THREE_EIGHTHS = 3 / 8
_ROOT = np.sqrt(1.5)
_LARGEST = 1e70  # squares of ratios stay finite


@dataclass(frozen=True)
class PhotonNoise:
    """Poisson-Gaussian noise: photons are counted, and the sensor adds white noise.

    The variance of a pixel whose expected value is x is ``gain * (x - offset) + sigma ** 2``.

    Parameters
    ----------
    gain : float
        By how much one photon raises a pixel, in the unit of the image; positive.
    sigma : float
        Standard deviation in the dark, in the unit of the image; not negative.
    offset : float
        Value in the dark, in the unit of the image.

    Raises
    ------
    ValueError
        For a number outside of its range, or none.

    Examples
    --------
    >>> PhotonNoise(gain=2.0, sigma=3.0).deviation(8.0)
    5.0
    """

    gain: float
    sigma: float = 0.0
    offset: float = 0.0

    def __post_init__(self):
        for name in ("gain", "sigma", "offset"):
            value = real_number(getattr(self, name))
            if not np.isfinite(value):
                raise ValueError(f"{name} must be a finite number, got {getattr(self, name)!r}")
            object.__setattr__(self, name, value)
            if abs(value) > _LARGEST:
                raise ValueError(f"{name} must be at most {_LARGEST:g}, got {value!r}")
        if not self.gain > 0:
            raise ValueError(f"gain must be positive, got {self.gain!r}")
        if self.gain < 1 / _LARGEST:
            raise ValueError(f"gain must be at least {1 / _LARGEST:g}, got {self.gain!r}")
        if not self.sigma >= 0:
            raise ValueError(f"sigma must not be negative, got {self.sigma!r}")

    def deviation(self, brightness):
        """Return the standard deviation at a brightness, a number or an array."""
        photons = np.maximum(np.asarray(brightness) - self.offset, 0)
        found = np.sqrt(self.gain * photons + self.sigma**2)
        return found if found.ndim else float(found)

    def moved(self, shift: float) -> "PhotonNoise":
        """Return the noise of the image plus `shift`."""
        return replace(self, offset=self.offset + shift)

    def times(self, factor: float) -> "PhotonNoise":
        """Return the noise of the image times `factor`."""
        return PhotonNoise(factor * self.gain, factor * self.sigma, factor * self.offset)


def anscombe(image: NDArray, noise: PhotonNoise) -> NDArray[np.float64]:
    """Transform an image such that its noise is white and of level 1.

    Parameters
    ----------
    image : array
    noise : PhotonNoise
        In the unit of the image.

    Returns
    -------
    float64 array of the same shape
        0 where the image is so dark that no light explains it.

    References
    ----------
    Starck, Murtagh, Bijaoui, "Image Processing and Data Analysis", 1998 (generalised Anscombe
    transform).

    Examples
    --------
    >>> anscombe(np.float32([0.625, 3.625]), PhotonNoise(gain=1.0)).tolist()
    [2.0, 4.0]
    """
    photons = (np.asarray(image, np.float64) - noise.offset) / noise.gain
    dark = _THREE_EIGHTHS + (noise.sigma / noise.gain) ** 2
    return 2 * np.sqrt(np.maximum(photons + dark, 0))


def inverse_anscombe(stable: NDArray, noise: PhotonNoise) -> NDArray[np.float64]:
    """Return the expected value of pixels whose transform has this expected value.

    The algebraic inverse of `anscombe` would be too dark where photons are few.

    Parameters
    ----------
    stable : array
        Denoised result of `anscombe`.
    noise : PhotonNoise

    Returns
    -------
    float64 array of the same shape
        Not below the offset.

    References
    ----------
    Makitalo, Foi, "A closed-form approximation of the exact unbiased inverse of the Anscombe
    variance-stabilizing transformation", IEEE TIP 2011; "Optimal inversion of the generalized
    Anscombe transformation for Poisson-Gaussian noise", IEEE TIP 2013.

    Examples
    --------
    >>> float(inverse_anscombe(np.float32([20.0]), PhotonNoise(gain=1.0))[0].round(2))
    99.89
    """
    floor = 2 * np.sqrt(_THREE_EIGHTHS)  # no photon
    root = np.maximum(np.asarray(stable, np.float64), floor)
    photons = root**2 / 4 + _ROOT / (4 * root) - 11 / (8 * root**2) + 5 * _ROOT / (8 * root**3)
    photons -= 1 / 8 + (noise.sigma / noise.gain) ** 2
    return noise.gain * np.maximum(photons, 0) + noise.offset
