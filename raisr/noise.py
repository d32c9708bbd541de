"""Noise models: how learning, training and measuring make a noisy image from a clean one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol as Interface

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.camera import add_camera_noise
from raisr.colour import check_image, opponent_planes, rgb_to_gray
from raisr.validate import real_array, real_number

__all__ = [
    "NOISE_MODELS",
    "VIDEO_RANGE",
    "ColourNoise",
    "GaussianNoise",
    "NoiseModel",
    "Sample",
    "VideoRangeNoise",
    "add_camera_noise",
    "add_gaussian_noise",
    "add_poisson_gaussian_noise",
    "noise_seed",
]

VIDEO_RANGE = (16.0, 235.0)
"""Black and white of an 8-bit luma (BT.601), in gray levels."""

_BLACK, _WHITE = VIDEO_RANGE
_PEAK = 255.0


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

    Raises
    ------
    TypeError
        For an image that is not of real numbers.
    ValueError
        If `sigma` is negative or not finite.

    Examples
    --------
    >>> add_gaussian_noise([[10, 20]], 0, seed=1).tolist()
    [[10.0, 20.0]]
    """
    image = real_array(image, np.float32)
    level = _level(sigma)
    noise = np.asarray(np.random.default_rng(seed).standard_normal(image.shape, np.float32))
    noise *= np.float32(level)
    noise += image
    return noise


def add_poisson_gaussian_noise(
    image: ArrayLike,
    peak: float,
    seed: int | Sequence[int] | np.random.Generator,
    *,
    sigma: float = 0.0,
    data_range: float = _PEAK,
) -> NDArray[np.float32]:
    """Count photons: noise that grows with the brightness, neither clipped nor rounded.

    Parameters
    ----------
    image : array_like
        Any real dtype and shape; nothing is below 0.
    peak : float
        Number of photons that make white.
    seed : int, sequence of int or numpy.random.Generator
        What `numpy.random.default_rng` takes.
    sigma : float
        Standard deviation of the Gaussian noise on top, in the unit of the image.
    data_range : float
        Value of white.

    Returns
    -------
    noisy : float32 array of the same shape
        Its variance is ``image * data_range / peak + sigma ** 2``.

    Raises
    ------
    TypeError
        For an image that is not of real numbers.
    ValueError
        If `peak` or `data_range` is not positive and finite, `sigma` negative or not finite, or
        the image has negative values.
    """
    image = real_array(image, np.float64)
    level = _level(sigma)
    if not (0 < real_number(peak) < np.inf and 0 < real_number(data_range) < np.inf):
        raise ValueError(f"peak and data_range must be positive, got {peak!r} and {data_range!r}")
    if image.size and image.min() < 0:
        raise ValueError(f"image must not be negative, got {image.min()}")
    rng = np.random.default_rng(seed)
    unit = data_range / peak
    noisy = np.asarray(rng.poisson(image / unit) * unit, np.float32)
    if level:
        noisy += np.float32(level) * rng.standard_normal(image.shape, np.float32)
    return noisy


def _level(sigma):
    if not 0 <= (value := real_number(sigma)) < np.inf:
        raise ValueError(f"sigma must be finite and not negative, got {sigma!r}")
    return value


@dataclass(frozen=True)
class Sample:
    """One noisy plane and what is needed to denoise and to score it.

    Attributes
    ----------
    noisy, clean : (H, W) float32 arrays, gray levels
        Or (H, W, 3) under `ColourNoise`; or (3, H, W), as `raisr.colour.opponent_planes` gives.
    data_range : float
        White minus black in gray levels: 255, or 219 for the video range.
    sigma : float
        Standard deviation of the noise in gray levels.
    noise : str
        Name of the noise model that made the sample.
    """

    noisy: NDArray[np.float32]
    clean: NDArray[np.float32]
    data_range: float
    sigma: float
    noise: str

    @property
    def channel_axis(self) -> int | None:
        """Axis of the colours, as `raisr.denoise` takes it."""
        return -1 if self.noise == "colour" else None

    def crop(self, size: int) -> "Sample":
        """Return the upper left corner of at most `size` x `size` pixels."""
        corner = np.s_[:size, :size]
        noisy, clean = (np.ascontiguousarray(plane[corner]) for plane in (self.noisy, self.clean))
        return replace(self, noisy=noisy, clean=clean)


class NoiseModel(Interface):
    """What every noise model offers."""

    @property
    def name(self) -> str:
        """Name in configs and in headers."""

    @property
    def data_range(self) -> float:
        """White minus black of its planes, in gray levels."""

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return the sample of a clean 8-bit image, gray (H, W) or RGB (H, W, 3)."""

    def redraw(
        self, sample: Sample, sigma: float, seed: int | np.random.Generator
    ) -> NDArray[np.float32]:
        """Return the clean plane of a sample with independent noise of this level."""


@dataclass(frozen=True)
class GaussianNoise:
    """White Gaussian noise on full-range gray, neither clipped nor rounded."""

    name: str = "gaussian"
    data_range: float = _PEAK

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return gray (see `raisr.colour.rgb_to_gray`) and gray + N(0, sigma^2)."""
        return self._sample(rgb_to_gray(image).astype(np.float32), sigma, seed)

    def prepare_colour(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return opponent planes of an RGB image and these + N(0, sigma^2), as RGB would have."""
        check_image(image)
        if image.ndim != 3:
            raise ValueError(f"a colour image has shape (H, W, 3), got {image.shape}")
        return self._sample(opponent_planes(np.moveaxis(image, -1, 0)), sigma, seed)

    def _sample(self, clean: NDArray[np.float32], sigma: float, seed: int) -> Sample:
        noisy = add_gaussian_noise(clean, sigma, seed)
        return Sample(noisy, clean, self.data_range, sigma, self.name)

    def redraw(
        self, sample: Sample, sigma: float, seed: int | np.random.Generator
    ) -> NDArray[np.float32]:
        """Return the clean plane of a sample with independent noise of this level."""
        return add_gaussian_noise(sample.clean, sigma, seed)


@dataclass(frozen=True)
class ColourNoise:
    """White Gaussian noise on red, green and blue alike, neither clipped nor rounded."""

    name: str = "colour"
    data_range: float = _PEAK

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return an RGB image, (H, W, 3) float32, and the image + N(0, sigma^2)."""
        check_image(image)
        if image.ndim != 3:
            raise ValueError(f"a colour image has shape (H, W, 3), got {image.shape}")
        clean = image.astype(np.float32)
        noisy = add_gaussian_noise(clean, sigma, seed)
        return Sample(noisy, clean, self.data_range, sigma, self.name)

    def redraw(
        self, sample: Sample, sigma: float, seed: int | np.random.Generator
    ) -> NDArray[np.float32]:
        """Return the clean image of a sample with independent noise of this level."""
        return add_gaussian_noise(sample.clean, sigma, seed)


@dataclass(frozen=True)
class VideoRangeNoise:
    """The noise of Xu et al., AAAI 2021: on the luma of ITU-R BT.601 in 16..235, kept in 8 bits.

    RGB becomes Y, Cb, Cr; noise is added to Y; the image goes back to RGB, is clipped and
    rounded to 8 bits, and becomes Y again. A gray image L takes the form Y = 16 + 219/255 L,
    + noise, clipped to [16, 235], which is within about 0.03 dB of the way through RGB.
    Colour images need scikit-image.
    """

    name: str = "video_range"
    data_range: float = _WHITE - _BLACK

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return the video-range luma of the image and of its noisy 8-bit version."""
        check_image(image)
        if image.ndim == 2:
            clean = _BLACK + self.data_range / _PEAK * image
            noisy = np.clip(add_gaussian_noise(clean, sigma, seed), _BLACK, _WHITE)
        else:
            from skimage.color import rgb2ycbcr, ycbcr2rgb

            ycbcr = rgb2ycbcr(image)
            clean = ycbcr[..., 0].copy()
            ycbcr[..., 0] = add_gaussian_noise(clean, sigma, seed)
            rgb = np.clip(ycbcr2rgb(ycbcr), 0, 1) * _PEAK
            noisy = rgb2ycbcr(np.rint(rgb).astype(np.uint8))[..., 0]
        planes = noisy.astype(np.float32), clean.astype(np.float32)
        return Sample(*planes, self.data_range, sigma, self.name)

    def redraw(
        self, sample: Sample, sigma: float, seed: int | np.random.Generator
    ) -> NDArray[np.float32]:
        """Return the clean plane of a sample with independent noise of this level."""
        return add_gaussian_noise(sample.clean, sigma, seed).clip(*VIDEO_RANGE)


NOISE_MODELS: dict[str, NoiseModel] = {
    model.name: model for model in (GaussianNoise(), VideoRangeNoise())
}
"""Name -> noise model, for configs of training and for protocols."""


def noise_seed(folder: str, image: str, sigma: float, run: int = 0) -> int:
    """Return the seed of the noise of one image, the same on every machine and for every method.

    Parameters
    ----------
    folder, image : str
        Where the image lives; a subset of a set so gets the noise of the whole set.
    sigma : float
        Standard deviation in gray levels.
    run : int
        Evaluation seed: another number is another draw for every image.
    """
    label = f"{folder}/{image}/{sigma:g}/{run}"
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "little")
