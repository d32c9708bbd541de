"""The denoisers a user can pick on a CPU, all told the noise level: rows of the registry."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.case import SIGMA, Contender, corner
from comparisons.measure.denoisers import Denoiser, Method
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS
from raisr.noise import Sample

__all__ = ["DENOISERS", "PROTOCOL", "Pick", "contender", "find"]

PROTOCOL = PROTOCOLS["standard"]
_ANY = 2**40


@dataclass(frozen=True)
class Pick:
    """A row, and the size of image beyond which the benchmark times it on a part."""

    row: str
    most_pixels: int = 2**18

    @property
    def method(self) -> Method:
        """What it is."""
        return METHODS[self.row]


DENOISERS: dict[str, Pick] = {
    "raisr fast": Pick("raisr_fast", _ANY),
    "raisr best": Pick("raisr_best", _ANY),
    "EDSR16": Pick("edsr16"),
    "CS-EDSR": Pick("cs_edsr"),
    "hybrid.denoise": Pick("unet_base_bfloat16"),
    "hybrid.denoise, small": Pick("unet_small_bfloat16"),
    "scikit-image nl_means (fast)": Pick("nl_means"),
    "scikit-image wavelet": Pick("wavelet"),
    "scikit-image tv_chambolle": Pick("total_variation"),
    "OpenCV fastNlMeansDenoising": Pick("opencv_nl_means"),
    "OpenCV bilateralFilter": Pick("bilateral", 2**20),
    "BM3D": Pick("bm3d", 2**16),
    "DnCNN": Pick("dncnn"),
    "FFDNet": Pick("ffdnet"),
}
"""Name on the command line and in the tables -> denoiser, for Gaussian noise of a known level.

`hybrid.denoise` as it runs where a processor multiplies bfloat16."""


def find(names: Iterable[str], sigma: float = SIGMA) -> tuple[dict[str, Denoiser], dict[str, str]]:
    """Return the denoisers that can run, and of the others why they cannot, by name."""
    found, absent = {}, {}
    for name in names:
        denoiser = DENOISERS[name].method.find(PROTOCOL, sigma)
        if isinstance(denoiser, str):
            absent[name] = denoiser
        else:
            found[name] = denoiser
    return found, absent


def contender(
    name: str, denoiser: Denoiser, image: NDArray[np.float32], most_pixels: int | None = None
) -> Contender:
    """Return a denoiser of `DENOISERS` at work on an image, or on a part of it."""
    pick = DENOISERS[name]
    part = corner(image, min(image.size, most_pixels or pick.most_pixels))
    sample = Sample(part, part, PROTOCOL.data_range, SIGMA, PROTOCOL.noise.name)
    return Contender(
        lambda threads: denoiser.run(sample, threads), part.size / image.size, pick.method.serial
    )
