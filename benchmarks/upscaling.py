"""`raisr.upscale` by two, of 8-bit images, against the resizers that a user could pick instead."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.transform import resize

import raisr
from benchmarks.case import Case, Contender, Goal, mosaic
from raisr.learning_upscaling import reduce_image

__all__ = ["upscale_case"]

_FRAME = 3840 * 2160 / 1e6  # megapixels
_FRAMES = 25  # a second
_TIMES = {"fast": 6, "best": 30}


def upscale_case(image: NDArray[np.float32], model: str, channels: int) -> Case:
    """Whole calls that give an image of as many pixels as `image`, of 1 channel or 3."""
    wanted = mosaic(image.size, sigma=0)
    small = reduce_image(wanted, 2).astype(np.uint8)
    if channels > 1:
        small = np.dstack([small, small[::-1], small[:, ::-1]])
    axis = -1 if channels > 1 else None
    mine = f"raisr {model}"
    contenders = {
        mine: Contender(
            lambda threads: raisr.upscale(
                small, 2, model=model, channel_axis=axis, num_threads=threads
            )
        ),
        "OpenCV INTER_CUBIC": Contender(_opencv(small, cv2.INTER_CUBIC)),
        "OpenCV INTER_LANCZOS4": Contender(_opencv(small, cv2.INTER_LANCZOS4)),
        "Pillow BICUBIC": Contender(_pillow(small), serial=True),
        "scikit-image resize, order 3": Contender(_skimage(small), serial=True),
    }
    goals = {"OpenCV INTER_CUBIC": Goal(_TIMES[model])}
    if model == "fast":
        goals[mine] = Goal(_FRAMES * _FRAME, "speed")
    return Case(
        f"upscale by 2, {model}, uint8, {'RGB' if channels > 1 else 'gray'}",
        4 * small.shape[0] * small.shape[1],
        contenders,
        (mine,),
        goals,
        note=f"upscale: pixels of the result; a frame of 3840 x 2160 has {_FRAME:.2f} Mpixel, "
        f"{_FRAMES} of them a second are {_FRAMES * _FRAME:.0f} Mpixel/s",
    )


def _opencv(small: NDArray[np.uint8], kernel: int) -> Callable[[int], object]:
    return lambda _: cv2.resize(small, None, fx=2, fy=2, interpolation=kernel)


def _pillow(small: NDArray[np.uint8]) -> Callable[[int], object]:
    size = 2 * small.shape[1], 2 * small.shape[0]
    return lambda _: np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def _skimage(small: NDArray[np.uint8]) -> Callable[[int], object]:
    shape = 2 * small.shape[0], 2 * small.shape[1], *small.shape[2:]
    return lambda _: resize(small, shape, order=3, preserve_range=True)
