"""`raisr.denoise` against the denoisers that a user could pick instead."""

import numpy as np
from numpy.typing import NDArray

import raisr
from benchmarks.case import SIGMA, Case, Contender, Goal, corner
from benchmarks.denoisers import DENOISERS, UserDenoiser
from raisr.denoising import MODELS

__all__ = ["denoise_case"]


def denoise_case(image: NDArray[np.float32]) -> Case:
    """Whole calls, from a noisy image to a denoised one."""
    levels = np.rint(image).clip(0, 255).astype(np.uint8)
    contenders: dict[str, Contender] = {}
    for model in MODELS:
        contenders[f"raisr {model}, uint8"] = _on_bytes(model, levels)
    absent = {}
    for name, denoiser in DENOISERS.items():
        name += ", float32" if denoiser.family == "raisr" else ""
        if reason := denoiser.absent(SIGMA):
            absent[name] = reason
        else:
            contenders[name] = _contender(denoiser, image)
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


def _on_bytes(model: str, levels: NDArray[np.uint8]) -> Contender:
    return Contender(lambda threads: raisr.denoise(levels, SIGMA, model=model, num_threads=threads))


def _contender(denoiser: UserDenoiser, image: NDArray[np.float32]) -> Contender:
    part = corner(image, min(image.size, denoiser.most_pixels))
    return Contender(
        lambda threads: denoiser.run(part, SIGMA, threads),
        part.size / image.size,
        denoiser.serial,
    )
