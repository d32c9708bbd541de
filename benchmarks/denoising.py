"""`raisr.denoise` against the denoisers that a user could pick instead."""

import cv2
import numpy as np
from numpy.typing import NDArray

import raisr
from benchmarks.case import SIGMA, Case, Contender, Goal, colour_mosaic
from benchmarks.denoisers import DENOISERS, contender, find
from raisr.denoising import MODELS

__all__ = ["denoise_case", "denoise_colour_case"]

_FAINT = 12.0  # the noise of a photograph
_SLOW = 512  # side of what a slow peer is timed on
_NOTHING = ", nothing told"


def denoise_case(image: NDArray[np.float32]) -> Case:
    """Whole calls, from a noisy image to a denoised one."""
    levels = np.rint(image).clip(0, 255).astype(np.uint8)
    contenders: dict[str, Contender] = {}
    for model in MODELS:
        contenders[f"raisr {model}, uint8"] = _on_bytes(model, levels)
    found, absent = find(DENOISERS)
    for name, denoiser in found.items():
        kind = ", float32" if DENOISERS[name].method.family == "raisr" else ""
        contenders[name + kind] = contender(name, denoiser, image)
    return Case(
        "denoise, sigma 25",
        image.size,
        contenders,
        ("raisr fast, float32", "raisr best, float32"),
        {
            "raisr fast, uint8": Goal(40, "speed"),
            "raisr fast, float32": Goal(40, "speed"),
            "raisr best, uint8": Goal(10, "speed"),
            "raisr best, float32": Goal(10, "speed"),
        },
        absent,
        "denoise: the peers that need more than 0.1 s a megapixel are timed on a part of the "
        "image, and scaled; OpenCV's fastNlMeansDenoising sees the image as uint8",
    )


def denoise_colour_case(image: NDArray[np.float32]) -> Case:
    """Whole calls on photographs of 8 bits in colour, of as many pixels as `image`."""
    noisy = colour_mosaic(image.size, _FAINT)
    part = np.ascontiguousarray(noisy[:_SLOW, :_SLOW])
    contenders = {
        f"raisr {model}{_NOTHING * (sigma is None)}": _on_colours(model, noisy, sigma)
        for model in MODELS
        for sigma in (_FAINT, None)
    }
    contenders["OpenCV fastNlMeansDenoisingColored"] = Contender(
        lambda _: cv2.fastNlMeansDenoisingColored(part, None, _FAINT, _FAINT),
        part.size / noisy.size,
    )
    return Case(
        f"denoise, uint8, RGB, sigma {_FAINT:g}",
        image.size,
        contenders,
        tuple(f"raisr {model}" for model in MODELS),
        {
            "raisr fast": Goal(15, "speed"),
            f"raisr fast{_NOTHING}": Goal(12, "speed"),
            "raisr best": Goal(4, "speed"),
            f"raisr best{_NOTHING}": Goal(3.8, "speed"),
        },
        note="denoise, RGB: 24 Mpixel in 0.8 s (fast) and 3 s (best) of two cores are 15 and 4 "
        "Mpixel/s of one; OpenCV is timed on a part of the image",
    )


def _on_colours(model: str, noisy: NDArray[np.uint8], sigma: float | None) -> Contender:
    return Contender(
        lambda threads: raisr.denoise(
            noisy, sigma, model=model, channel_axis=-1, num_threads=threads
        )
    )


def _on_bytes(model: str, levels: NDArray[np.uint8]) -> Contender:
    return Contender(lambda threads: raisr.denoise(levels, SIGMA, model=model, num_threads=threads))
