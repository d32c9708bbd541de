"""What noise the planes of a video have."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

import raisr
from raisr.denoising import white_level
from raisr.stabilisation import PhotonNoise
from raisr.treatment import treatment_of

__all__ = ["Noise", "find_noises"]

Noise = float | PhotonNoise
"""Standard deviation of white noise, 0 for none, or noise that grows with the brightness."""


def find_noises(
    frames: Sequence[Sequence[np.ndarray]], kind: str | PhotonNoise | None, white: float
) -> list[Noise]:
    """Return the noise of each plane: the median over the frames that have any.

    Parameters
    ----------
    frames : sequence of sequences of (H, W) arrays
        Luma first.
    kind : {"white", "photon"} or PhotonNoise, optional
        What the noise of luma is like; default: what most frames say. That of chroma is white.
    white : float

    Returns
    -------
    list
        One for each plane; empty where no frame has noise and none is told.

    Raises
    ------
    ValueError
        For "photon" where the noise is not like that.
    """
    levels = [[white_level(plane, white=white) for plane in planes] for planes in frames]
    told = kind if isinstance(kind, PhotonNoise) else None
    noisy = [index for index, found in enumerate(levels) if told or any(found)]
    if not noisy:
        return []
    luma, *chroma = (median(each) for each in zip(*(levels[i] for i in noisy), strict=True))
    if not isinstance(kind, PhotonNoise):
        told = _photons([frames[index][0] for index in noisy], kind, white)
    return [told or luma, *chroma]


def _photons(lumas: Sequence[np.ndarray], kind: str | None, white: float) -> PhotonNoise | None:
    """Return the median of the photon noise that most lumas have; None for white noise."""
    if kind == "white":
        return None
    estimates = [raisr.estimate_noise(luma, data_range=white) for luma in lumas]
    chosen = [e for e in estimates if kind or treatment_of(e) == "photon"]
    found = [e.photons for e in chosen if e.photons]
    if 2 * len(found) > len(lumas):
        names = ("gain", "sigma", "offset")
        return PhotonNoise(*(median(getattr(each, name) for each in found) for name in names))
    if kind:
        raise ValueError(
            "--noise photon: no such noise fits, as it does not grow with the brightness: "
            "tell it by photon=GAIN,SIGMA,OFFSET, or leave it out"
        )
    return None
