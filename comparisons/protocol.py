"""The two measuring protocols, `standard` and `paper`; numbers of the two are never mixed.

A protocol turns a clean 8-bit image into a `Sample` (the noisy plane that a method sees and the
clean plane that it is scored against) and scores an output. Both work on one luma plane.

Denoisers read the protocols, too, and need no scikit-image: it is imported where it is used.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from raisr.denoising import LUMA
from raisr.noise import add_gaussian_noise

VIDEO_RANGE = (16.0, 235.0)
"""Black and white of an 8-bit luma (BT.601), in gray levels."""

_BLACK, _WHITE = VIDEO_RANGE
_PEAK = 255.0


@dataclass(frozen=True)
class Sample:
    """One noisy plane and what is needed to denoise and to score it.

    Attributes
    ----------
    noisy, clean : (H, W) float32 arrays, gray levels
    data_range : float
        White minus black in gray levels: 255, or 219 for the video range.
    sigma : float
        Standard deviation of the noise in gray levels.
    protocol : str
        Name of the protocol that made the sample.
    """

    noisy: NDArray[np.float32]
    clean: NDArray[np.float32]
    data_range: float
    sigma: float
    protocol: str

    def crop(self, size: int) -> "Sample":
        """Return the upper left corner of at most `size` x `size` pixels."""
        corner = np.s_[:size, :size]
        return Sample(
            np.ascontiguousarray(self.noisy[corner]),
            np.ascontiguousarray(self.clean[corner]),
            self.data_range,
            self.sigma,
            self.protocol,
        )


class Protocol(Interface):
    """What both protocols offer."""

    @property
    def name(self) -> str:
        """Name on the command line and in every table."""

    @property
    def summary(self) -> str:
        """The protocol in one line, for the notes under a table."""

    @property
    def data_range(self) -> float:
        """White minus black of its planes, in gray levels."""

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return the sample of a clean 8-bit image, gray (H, W) or RGB (H, W, 3)."""

    def score(self, output: NDArray, clean: NDArray, *, as_is: bool = False) -> tuple[float, float]:
        """Return PSNR in dB and SSIM of an output plane against the clean plane.

        `as_is` leaves out the protocol's clipping and rounding: it is for the noisy input, whose
        PSNR is that of the noise (20.17 dB at sigma 25 under `standard`).
        """


@dataclass(frozen=True)
class StandardProtocol:
    """The literature's protocol: full-range gray, unclipped float Gaussian noise.

    PSNR is that of the output clipped to [0, 255] and not rounded, over the whole image. SSIM has
    the Gaussian 11x11 window with standard deviation 1.5 of Wang et al., TIP 2004.
    """

    name: str = "standard"
    summary: str = "gray 0..255, unclipped noise, output clipped; SSIM Gaussian 11x11"
    data_range: float = _PEAK

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return gray (see `rgb_to_gray`) and gray + N(0, sigma^2)."""
        clean = rgb_to_gray(image).astype(np.float32)
        return Sample(
            add_gaussian_noise(clean, sigma, seed), clean, self.data_range, sigma, self.name
        )

    def score(self, output: NDArray, clean: NDArray, *, as_is: bool = False) -> tuple[float, float]:
        """Return PSNR in dB (peak 255) and SSIM of the clipped output."""
        output = _checked(output, clean)
        if not as_is:
            output = np.clip(output, 0, _PEAK)
        return _psnr(output, clean), _ssim(
            output, clean, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )


@dataclass(frozen=True)
class PaperProtocol:
    """The protocol recovered from the paper's code: BT.601 video-range luma, 8-bit noisy files.

    RGB becomes Y in 16..235; noise is added to Y; the image goes back to RGB, is clipped and
    rounded to 8 bits, and becomes Y again. PSNR is that of the output clipped to [0, 255] and
    rounded, with peak 255. SSIM has a uniform 7x7 window.

    A gray image L takes the form Y = 16 + 219/255 L, + noise, clipped to [16, 235], which is
    within about 0.03 dB of the way through RGB.
    """

    name: str = "paper"
    summary: str = (
        "BT.601 luma 16..235, noise clipped to 8-bit RGB, peak 255; SSIM uniform 7x7; gray "
        "images: Y = 16 + 219/255 L, noise clipped to [16, 235], within about 0.03 dB of that"
    )
    data_range: float = _WHITE - _BLACK

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return the video-range luma of the image and of its noisy 8-bit version."""
        from skimage.color import rgb2ycbcr, ycbcr2rgb

        _check_image(image)
        if image.ndim == 2:
            clean = _BLACK + self.data_range / _PEAK * image
            noisy = np.clip(add_gaussian_noise(clean, sigma, seed), _BLACK, _WHITE)
        else:
            ycbcr = rgb2ycbcr(image)
            clean = ycbcr[..., 0].copy()
            ycbcr[..., 0] = add_gaussian_noise(clean, sigma, seed)
            rgb = np.clip(ycbcr2rgb(ycbcr), 0, 1) * _PEAK
            noisy = rgb2ycbcr(np.rint(rgb).astype(np.uint8))[..., 0]
        planes = noisy.astype(np.float32), clean.astype(np.float32)
        return Sample(*planes, self.data_range, sigma, self.name)

    def score(self, output: NDArray, clean: NDArray, *, as_is: bool = False) -> tuple[float, float]:
        """Return PSNR in dB (peak 255) and SSIM of the clipped and rounded output."""
        output = _checked(output, clean)
        if not as_is:
            output = np.rint(np.clip(output, 0, _PEAK))
        return _psnr(output, clean), _ssim(output, clean, win_size=7)


PROTOCOLS: dict[str, Protocol] = {p.name: p for p in (StandardProtocol(), PaperProtocol())}


def rgb_to_gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the full-range BT.601 luma of an RGB image, rounded half up; gray comes back as it is.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8 array

    Returns
    -------
    (H, W) uint8 array
        Equal to the gray images of BSD68 in every pixel when made from their colour originals.
    """
    _check_image(image)
    if image.ndim == 2:
        return image
    return np.floor(image @ LUMA + 0.5).astype(np.uint8)


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


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8:
        raise TypeError(f"image must be uint8, got {image.dtype}")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"image must have shape (H, W) or (H, W, 3), got {image.shape}")


def _checked(output: NDArray, clean: NDArray) -> NDArray[np.float64]:
    if output.shape != clean.shape:
        raise ValueError(f"output must have the shape {clean.shape} of clean, got {output.shape}")
    if not np.isfinite(output).all():
        raise ValueError("output must be finite, got NaN or inf")
    return output.astype(np.float64)


def _psnr(output: NDArray[np.float64], clean: NDArray) -> float:
    error = float(np.mean(np.square(output - clean)))
    return math.inf if error == 0 else 10 * math.log10(_PEAK**2 / error)


def _ssim(output: NDArray[np.float64], clean: NDArray, **window: object) -> float:
    from skimage.metrics import structural_similarity

    clean = clean.astype(np.float64)
    return float(structural_similarity(clean, output, data_range=_PEAK, **window))
