"""How enlarged images are scored, and what enlarges them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raisr.bicubic import resize_bicubic
from raisr.datasets import Dataset
from raisr.jpeg import compress
from raisr.learning_upscaling import crop_to_multiple, reduce_image
from raisr.metrics import psnr
from raisr.upscaling import upscale
from raisr.validate import GrayImage

__all__ = [
    "COMPRESSED",
    "COMPRESSED_PROTOCOL",
    "METHODS",
    "PROTOCOL",
    "Enlarger",
    "enlarged_psnr",
    "measure",
    "video_luma",
]

PROTOCOL = (
    "luma of MATLAB's rgb2ycbcr (16 to 235, rounded; gray images as they are), cropped to a "
    "multiple of the factor, reduced by MATLAB's antialiased bicubic and rounded to 8 bits; "
    "results are rounded to 8 bits, a border of as many pixels as the factor is left out, "
    "peak 255, mean of the images"
)
COMPRESSED_PROTOCOL = f"{PROTOCOL}; low resolution compressed by Pillow's libjpeg as gray images"
_LUMA = np.array([65.481, 128.553, 24.966]) / 255


@dataclass(frozen=True)
class Enlarger:
    """What enlarges (H, W) uint8 by a whole factor."""

    label: str
    run: Callable[[NDArray[np.uint8], int], NDArray]


def _opencv(image, factor):
    import cv2

    cv2.setNumThreads(1)
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def _pillow(name):
    def run(image, factor):
        from PIL import Image

        height, width = image.shape
        size, kernel = (width * factor, height * factor), Image.Resampling[name]
        return np.asarray(Image.fromarray(image).resize(size, kernel))

    return run


def _ours(model, *, compressed=False):
    return partial(upscale, model=model, compressed=compressed, num_threads=1)


METHODS = {
    "bicubic": Enlarger("bicubic (MATLAB's kernel)", resize_bicubic),
    "opencv_cubic": Enlarger("OpenCV INTER_CUBIC", _opencv),
    "pillow_bicubic": Enlarger("Pillow BICUBIC", _pillow("BICUBIC")),
    "pillow_lanczos": Enlarger("Pillow LANCZOS", _pillow("LANCZOS")),
    "fast": Enlarger("raisr.upscale fast", _ours("fast")),
    "best": Enlarger("raisr.upscale best", _ours("best")),
}
"""Those of the table, by name."""

COMPRESSED = {
    "bicubic": METHODS["bicubic"],
    "fast": METHODS["fast"],
    "fast_compressed": Enlarger("fast, compressed=True", _ours("fast", compressed=True)),
    "best": METHODS["best"],
    "best_compressed": Enlarger("best, compressed=True", _ours("best", compressed=True)),
}
"""Those of the table of JPEGs, by name."""


def video_luma(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return MATLAB's rgb2ycbcr luma, 16 to 235, rounded half up; gray comes back as it is."""
    if image.ndim == 2:
        return image.astype(np.float64)
    return np.floor(16 + image @ _LUMA + 0.5)


def score(output: NDArray, clean: NDArray, border: int) -> float:
    """Return the PSNR in dB of an enlarged luma, rounded and clipped, within a border."""
    inside = slice(border, -border), slice(border, -border)
    return psnr(np.rint(output).clip(0, 255)[inside], clean[inside])


def enlarged_psnr(image: NDArray[np.uint8], factor: int, bank: Any) -> float:
    """Return the PSNR in dB of an image that a bank enlarges after it was reduced."""
    clean = crop_to_multiple(video_luma(image), factor)
    out = np.empty(clean.shape, np.float32)
    bank.run(GrayImage(reduce_image(clean, factor)), out, 255, 1)
    return score(out, clean, factor)


def measure(
    dataset: Dataset, factor: int, methods: Mapping[str, Enlarger], quality: int | None = None
) -> Mapping[str, dict[str, list[float]]]:
    """Return PSNR in dB and CPU seconds of one thread per output megapixel, image by image.

    Methods take turns on each image, so that a slow spell of the machine hits all of them alike.
    With a quality, low resolution is compressed.
    """
    found: dict[str, dict[str, list[float]]] = {
        name: {"psnr": [], "seconds_per_megapixel": []} for name in methods
    }
    for image in dataset:
        clean = crop_to_multiple(video_luma(image.read()), factor)
        small = reduce_image(clean, factor).astype(np.uint8)
        small = small if quality is None else compress(small, quality)
        for name, method in methods.items():
            method.run(small[:32, :32], factor)  # what is compiled or loaded once
            start = time.thread_time()
            output = method.run(small, factor)
            seconds = time.thread_time() - start
            found[name]["psnr"].append(score(output, clean, factor))
            found[name]["seconds_per_megapixel"].append(seconds / (clean.size / 1e6))
    return found
