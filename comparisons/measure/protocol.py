"""The measuring protocols: `standard` and `paper` for gray, `colour`; their numbers never mix.

A protocol is a noise model, which turns a clean 8-bit image into a `raisr.noise.Sample` (the
noisy plane that a method sees and the clean plane that it is scored against), and a score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raisr.datasets import Dataset, ImageFile
from raisr.metrics import psnr
from raisr.noise import ColourNoise, GaussianNoise, NoiseModel, Sample, VideoRangeNoise, noise_seed

_PEAK = 255.0


@dataclass(frozen=True)
class Protocol:
    """A noise model and a score.

    Attributes
    ----------
    name : str
        On the command line and in every table.
    summary : str
        The protocol in one line, for the notes under a table.
    noise : NoiseModel
    rounded : bool
        Whether outputs are rounded before they are scored.
    ssim : mapping
        The window of SSIM, as `skimage.metrics.structural_similarity` takes it.
    """

    name: str
    summary: str
    noise: NoiseModel
    rounded: bool
    ssim: Mapping[str, Any]

    @property
    def data_range(self) -> float:
        """White minus black of its planes, in gray levels."""
        return self.noise.data_range

    def prepare(self, image: NDArray[np.uint8], sigma: float, seed: int) -> Sample:
        """Return the sample of a clean 8-bit image, gray (H, W) or RGB (H, W, 3)."""
        return self.noise.prepare(image, sigma, seed)

    def sample(self, dataset: Dataset, image: ImageFile, sigma: float) -> Sample:
        """Return an image of a set with the noise that it has in the tables."""
        return self.prepare(image.read(), sigma, noise_seed(dataset.folder, image.name, sigma))

    def score(self, output: NDArray, clean: NDArray, *, as_is: bool = False) -> tuple[float, float]:
        """Return PSNR in dB (peak 255) and SSIM of an output plane against the clean plane.

        The output is clipped to [0, 255], and rounded where the protocol says so. `as_is` leaves
        both out: it is for the noisy input, whose PSNR is that of the noise (20.17 dB at sigma 25
        under `standard`).
        """
        output = _checked(output, clean)
        if not as_is:
            output = np.clip(output, 0, _PEAK)
            output = np.rint(output) if self.rounded else output
        return psnr(output, clean), _ssim(output, clean, **self.ssim)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "standard",
            "gray 0..255, unclipped noise, output clipped; SSIM Gaussian 11x11",
            GaussianNoise(),
            rounded=False,
            # of Wang et al., TIP 2004
            ssim={"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False},
        ),
        Protocol(
            "paper",
            "BT.601 luma 16..235, noise clipped to 8-bit RGB, peak 255; SSIM uniform 7x7; gray "
            "images: Y = 16 + 219/255 L, noise clipped to [16, 235], within about 0.03 dB of that",
            VideoRangeNoise(),
            rounded=True,
            ssim={"win_size": 7},
        ),
    )
}
"""`standard` is the literature's protocol, `paper` that of Xu et al., AAAI 2021."""


COLOUR = Protocol(
    "colour",
    "RGB 0..255, unclipped noise of one level in each channel, output clipped; PSNR over all "
    "channels; SSIM Gaussian 11x11, mean of the channels",
    ColourNoise(),
    rounded=False,
    ssim={**PROTOCOLS["standard"].ssim, "channel_axis": -1},
)
"""The literature's protocol for colour images."""


def protocol_named(name: str) -> Protocol:
    """Return a protocol by its name: one for gray images, or `COLOUR`."""
    return (PROTOCOLS | {COLOUR.name: COLOUR})[name]


def protocol_of(noise: str) -> Protocol:
    """Return the protocol of a noise model, by the model's name."""
    return next(protocol for protocol in PROTOCOLS.values() if protocol.noise.name == noise)


def _checked(output: NDArray, clean: NDArray) -> NDArray[np.float64]:
    if output.shape != clean.shape:
        raise ValueError(f"output must have the shape {clean.shape} of clean, got {output.shape}")
    if not np.isfinite(output).all():
        raise ValueError("output must be finite, got NaN or inf")
    return output.astype(np.float64)


def _ssim(output: NDArray[np.float64], clean: NDArray, **window: object) -> float:
    from skimage.metrics import structural_similarity

    clean = clean.astype(np.float64)
    return float(structural_similarity(clean, output, data_range=_PEAK, **window))
