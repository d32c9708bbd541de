"""How cleaned JPEGs are scored, and what cleans them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raisr.cascade import run_stages
from raisr.colour import rgb_to_gray
from raisr.datasets import Dataset
from raisr.deblocking import deblock
from raisr.filtering import Stage
from raisr.jpeg import compress
from raisr.metrics import psnr
from raisr.validate import GrayImage

__all__ = ["CLEANERS", "PROTOCOL", "deblocked_psnr", "measure"]

PROTOCOL = (
    "gray images, and colour ones with Pillow's default subsampling, compressed by Pillow's "
    "libjpeg; the quality is told, as a file's tables tell it; results of 8 bits, peak 255, over "
    "all pixels and, of colour, over RGB, mean of the images"
)


@dataclass(frozen=True)
class Cleaner:
    """What cleans (H, W) or (H, W, 3) uint8, a JPEG of a known quality."""

    label: str
    run: Callable[[NDArray[np.uint8], int], NDArray]


def _ours(model):
    def run(image, quality):
        axis = None if image.ndim == 2 else -1
        return deblock(image, quality, model=model, channel_axis=axis, num_threads=1)

    return run


def _opencv(image, quality):
    import cv2

    cv2.setNumThreads(1)
    return cv2.bilateralFilter(image, 5, 20, 2)


CLEANERS = {
    "jpeg": Cleaner("the JPEG", lambda image, quality: image),
    "bilateral": Cleaner("OpenCV bilateralFilter d=5, 20, 2", _opencv),
    "fast": Cleaner("raisr.deblock fast", _ours("fast")),
    "best": Cleaner("raisr.deblock best", _ours("best")),
}
"""Those of the table, by name."""


def deblocked_psnr(image: NDArray[np.uint8], quality: int, stages: Sequence[Stage]) -> list[float]:
    """Return the PSNR in dB of an image's gray JPEG, and after each stage."""
    clean = np.ascontiguousarray(rgb_to_gray(image))
    source = compress(clean, quality)
    found = [psnr(source, clean)]
    for count in range(1, len(stages) + 1):
        out = np.empty_like(clean)
        run_stages(stages[:count], [GrayImage(source)], [out], 255, 1)
        found.append(psnr(out, clean))
    return found


def measure(
    dataset: Dataset, quality: int, methods: Sequence[str]
) -> Mapping[str, dict[str, list[float]]]:
    """Return PSNR in dB and CPU seconds of one thread per megapixel, image by image.

    Methods take turns on each image, so that a slow spell of the machine hits all of them alike.
    """
    found: dict[str, dict[str, list[float]]] = {
        name: {"psnr": [], "seconds_per_megapixel": []} for name in methods
    }
    for image in dataset:
        clean = image.read()
        source = compress(clean, quality)
        for name in methods:
            CLEANERS[name].run(source[:64, :64], quality)  # what is compiled or loaded once
            start = time.thread_time()
            output = CLEANERS[name].run(source, quality)
            seconds = time.thread_time() - start
            found[name]["psnr"].append(psnr(output, clean))
            pixels = clean.shape[0] * clean.shape[1]
            found[name]["seconds_per_megapixel"].append(seconds / (pixels / 1e6))
    return found
