"""`raisr.denoise` against the denoisers that a user could pick instead."""

import numpy as np
from numpy.typing import NDArray

import raisr
from benchmarks.case import SIGMA, Case, Contender, Goal, corner
from benchmarks.denoisers import DENOISERS, PROTOCOL, find
from comparisons.measure.denoisers import Denoiser
from raisr.denoising import MODELS
from raisr.noise import Sample

__all__ = ["denoise_case"]


def denoise_case(image: NDArray[np.float32]) -> Case:
    """Whole calls, from a noisy image to a denoised one."""
    levels = np.rint(image).clip(0, 255).astype(np.uint8)
    contenders: dict[str, Contender] = {}
    for model in MODELS:
        contenders[f"raisr {model}, uint8"] = _on_bytes(model, levels)
    found, absent = find(DENOISERS)
    for name, denoiser in found.items():
        kind = ", float32" if DENOISERS[name].method.family == "raisr" else ""
        contenders[name + kind] = _contender(name, denoiser, image)
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


def _contender(name: str, denoiser: Denoiser, image: NDArray[np.float32]) -> Contender:
    pick = DENOISERS[name]
    part = corner(image, min(image.size, pick.most_pixels))
    sample = Sample(part, part, PROTOCOL.data_range, SIGMA, PROTOCOL.noise.name)
    return Contender(
        lambda threads: denoiser.run(sample, threads),
        part.size / image.size,
        pick.method.serial,
    )
