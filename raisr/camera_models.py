"""The shipped filter banks for camera noise: two kinds of camera, a ladder of gains for each."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from raisr.models import mixed_stages
from raisr.pyramid_bank import PyramidBank, Scale

__all__ = ["GAINS", "camera_bank_for", "camera_bank_path", "camera_filters", "certainty"]

GAINS = {"camera": (0.0005, 0.002, 0.008, 0.032), "mosaic": (0.003, 0.012, 0.048)}
"""Gains of `raisr.noise.add_camera_noise` that banks are shipped for, by the kind of noise."""

_STRONG = 3.0, 5.0  # gray levels: perhaps texture, and surely noise
_UNEVEN = 0.8, 1.2  # surely noise, and perhaps texture
_PATCHY = 2.6, 3.2  # perhaps noise, and surely none, however strong


def camera_bank_path(kind, gain):
    """Return where the bank for a kind of camera and a gain is shipped."""
    return Path(__file__).parent / "banks" / f"{kind}_{gain:g}.safetensors"


@lru_cache(maxsize=len(GAINS["camera"]))
def _shipped(kind, gain):
    return PyramidBank.load(camera_bank_path(kind, gain))


def _ladder(kind):
    """Return what the estimate reads of each plane at each rung, (rungs, planes)."""
    return np.array([_shipped(kind, gain).metadata["levels"] for gain in GAINS[kind]])


@lru_cache(maxsize=2)
def camera_bank_for(model, kind, level):
    """Return the bank of a shipped model for one level of a camera's noise.

    Parameters
    ----------
    model : {"fast", "best"}
        "fast" leaves out the later stages at full size.
    kind : {"camera", "mosaic"}
        See `NoiseEstimate.kind`.
    level : float
        `NoiseEstimate.plane_levels` of the last plane, in gray levels. It has least texture.

    Returns
    -------
    PyramidBank
        Between two rungs, filters are interpolated linearly and edges geometrically; beyond the
        ladder it is that of the nearest rung. ``metadata["levels"]`` are those of all planes.
    """
    ladder = np.log(_ladder(kind))
    place = np.interp(np.log(max(level, 1e-6)), ladder[:, 2], np.arange(len(ladder)))
    low = min(int(place), len(ladder) - 2)
    weight = float(place - low)
    rungs = [_shipped(kind, gain) for gain in GAINS[kind][low : low + 2]]
    scales = [
        _between(a, b, weight, 1 if model == "fast" and index == 0 else None)
        for index, (a, b) in enumerate(zip(*(bank.scales for bank in rungs), strict=True))
    ]
    levels = np.exp((1 - weight) * ladder[low] + weight * ladder[low + 1])
    return PyramidBank(scales, {"model": model, "kind": kind, "levels": levels.tolist()})


def _between(low, high, weight, count):
    """Return the first `count` stages of each plane between those of two scales."""
    luma, wide, narrow = (
        mixed_stages(a[:count], b[:count], weight)
        for a, b in zip(low.planes, high.planes, strict=True)
    )
    return Scale(luma, (wide, narrow))


def certainty(level, unevenness):
    """Return how sure it is that a level is noise, not texture, 0 to 1.

    Texture seems a faint noise, but it is not everywhere; a drawing, that JPEG smoothed, seems a
    strong one, but in few places. The rule was chosen on images held back
    from bsd400, clean at half their size, and photographed by synthetic cameras.

    Parameters
    ----------
    level : float
        `NoiseEstimate.plane_levels` of the last plane, in gray levels.
    unevenness : float
        See `NoiseEstimate`.
    """
    strong, even = np.interp(level, _STRONG, (0, 1)), np.interp(unevenness, _UNEVEN, (1, 0))
    return float(max(strong, even) * np.interp(unevenness, _PATCHY, (1, 0)))


def camera_filters(model, kind, found):
    """Return the bank for noise of a camera, and how much of each change to make, 0 to 1.

    Parameters
    ----------
    model : {"fast", "best"}
    kind : {"camera", "mosaic"}
    found : NoiseEstimate
        In gray levels. The less sure it is that this is noise, the less is changed.
    """
    level = float(found.plane_levels()[2])
    return camera_bank_for(model, kind, level), certainty(level, found.unevenness)
