"""How sharpened images are scored, and what sharpens them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.measure.protocol import PROTOCOLS
from raisr.colour import rgb_to_gray
from raisr.datasets import Dataset
from raisr.learning_sharpening import blurred, eight_bits
from raisr.noise import add_gaussian_noise, noise_seed
from raisr.sharpening import sharpen

__all__ = [
    "BEST_MASK",
    "CONDITIONS",
    "NOISES",
    "PROTOCOL",
    "SHARPENERS",
    "STEP_BLURS",
    "measure",
    "noise_gain",
    "overshoot",
    "scikit_image",
    "soft",
]

PROTOCOL = (
    "gray images blurred by a Gaussian of the given standard deviation in pixels (borders "
    "mirrored), white noise added, rounded to 8 bits; results of 8 bits, peak 255, over all "
    "pixels; SSIM Gaussian 11x11; mean of the images"
)

CONDITIONS = ((0.6, 1.0), (0.8, 1.0), (1.0, 1.0), (1.2, 1.0), (0.8, 5.0))
"""Blur in pixels and noise in gray levels."""

NOISES = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Noise of flat areas, gray levels."""

BEST_MASK = 0.7, 1.5
"""Radius and amount that `python -m comparisons.learn_sharpening --hold-back` found."""

_LOW, _HIGH, _SIDE = 60, 180, 64
STEP_BLURS = (0.5, 0.8, 1.2)
"""Blurs of steps, pixels."""


@dataclass(frozen=True)
class Sharpener:
    """What sharpens (H, W) uint8."""

    label: str
    run: Callable[[NDArray[np.uint8]], NDArray]


def scikit_image(radius: float, amount: float) -> Callable[[NDArray[np.uint8]], NDArray]:
    """Return scikit-image's unsharp mask."""

    def run(image):
        from skimage.filters import unsharp_mask

        return eight_bits(255 * unsharp_mask(image, radius, amount))

    return run


def _pillow(image):
    from PIL import Image, ImageFilter

    return np.asarray(Image.fromarray(image).filter(ImageFilter.UnsharpMask()))


def _ours(amount):
    return lambda image: sharpen(image, amount, num_threads=1)


SHARPENERS = {
    "soft": Sharpener("the soft image", lambda image: image),
    "pillow": Sharpener("Pillow UnsharpMask, defaults (2, 150 %, 3)", _pillow),
    "scikit_image": Sharpener("scikit-image unsharp_mask, defaults (1, 1)", scikit_image(1.0, 1.0)),
    "scikit_image_best": Sharpener(
        f"scikit-image unsharp_mask, best on training images {BEST_MASK}", scikit_image(*BEST_MASK)
    ),
    "half": Sharpener("raisr.sharpen, amount 0.5", _ours(0.5)),
    "ours": Sharpener("raisr.sharpen", _ours(1.0)),
    "twice": Sharpener("raisr.sharpen, amount 2", _ours(2.0)),
}
"""Those of the table, by name."""


def soft(image: NDArray[np.uint8], blur: float, sigma: float, seed: Any) -> NDArray[np.uint8]:
    """Return an image, (H, W), that is blurred and noisy."""
    return eight_bits(add_gaussian_noise(blurred(image, blur), sigma, seed))


def measure(
    dataset: Dataset, blur: float, sigma: float, methods: Sequence[str]
) -> Mapping[str, dict[str, list[float]]]:
    """Return PSNR in dB, SSIM, and CPU seconds of one thread per megapixel, image by image.

    Methods take turns on each image, so that a slow spell of the machine hits all of them alike.
    """
    found: dict[str, dict[str, list[float]]] = {
        name: {"psnr": [], "ssim": [], "seconds_per_megapixel": []} for name in methods
    }
    for image in dataset:
        clean = rgb_to_gray(image.read())
        source = soft(clean, blur, sigma, noise_seed(dataset.name, image.name, sigma))
        for name in methods:
            SHARPENERS[name].run(source[:64, :64])  # what is compiled or loaded once
            start = time.thread_time()
            output = SHARPENERS[name].run(source)
            seconds = time.thread_time() - start
            psnr, ssim = PROTOCOLS["standard"].score(output, clean)
            found[name]["psnr"].append(round(psnr, 4))
            found[name]["ssim"].append(round(ssim, 5))
            found[name]["seconds_per_megapixel"].append(round(1e6 * seconds / clean.size, 6))
    return found


def overshoot(name: str) -> float:
    """Return by how much steps, blurred by `STEP_BLURS`, are left at most, of their height."""
    step = np.full((_SIDE, _SIDE), _LOW, np.uint8)
    step[:, _SIDE // 2 :] = _HIGH
    outs = [SHARPENERS[name].run(eight_bits(blurred(step, blur))) for blur in STEP_BLURS]
    excess = max(int(np.max(outs)) - _HIGH, _LOW - int(np.min(outs)))
    return excess / (_HIGH - _LOW)


def noise_gain(name: str, sigma: float) -> float:
    """Return the standard deviation of a flat area after over that before; white noise."""
    flat = np.full((4 * _SIDE, 4 * _SIDE), 128, np.uint8)
    source = eight_bits(add_gaussian_noise(flat, sigma, seed=0))
    return float(SHARPENERS[name].run(source).std() / source.std())
