"""The shipped filter banks for camera noise: two kinds of camera, a ladder of gains for each."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from raisr.camera_levels import camera_levels
from raisr.models import mixed_stages
from raisr.pyramid_bank import PyramidBank, Scale

__all__ = [
    "GAINS",
    "LEVEL_WEIGHTS",
    "camera_bank_for",
    "camera_bank_path",
    "camera_filters",
]

GAINS = {"camera": (0.0005, 0.002, 0.008, 0.032), "mosaic": (0.003, 0.012, 0.048)}
"""Gains of `raisr.noise.add_camera_noise` that banks are shipped for, by the kind of noise."""

LEVEL_WEIGHTS = Path(__file__).parent / "banks" / "camera_levels.json"
"""By what the levels of each kind of noise are told: see `raisr.camera_levels`."""

_FAINTEST = 1e-6  # gray levels


def camera_bank_path(kind, gain):
    """Return where the bank for a kind of camera and a gain is shipped."""
    return Path(__file__).parent / "banks" / f"{kind}_{gain:g}.safetensors"


@lru_cache(maxsize=sum(map(len, GAINS.values())))
def _shipped(kind, gain):
    return PyramidBank.load(camera_bank_path(kind, gain))


def _ladder(kind):
    """Return the level of luma and chroma at each rung, (rungs, 2)."""
    return np.array([_shipped(kind, gain).metadata["levels"] for gain in GAINS[kind]])


@lru_cache(maxsize=1)
def _level_weights():
    return json.loads(LEVEL_WEIGHTS.read_text(encoding="utf-8"))


@lru_cache(maxsize=2)
def camera_bank_for(model, kind, luma, chroma):
    """Return the bank of a shipped model for one level of a camera's noise in luma and chroma.

    Parameters
    ----------
    model : {"fast", "best"}
        "fast" leaves out the later stages at full size.
    kind : {"camera", "mosaic"}
        See `NoiseEstimate.kind`.
    luma, chroma : float
        As `raisr.camera_levels.true_levels` defines them, in gray levels.

    Returns
    -------
    PyramidBank
        Between two rungs, filters are interpolated linearly and edges geometrically; beyond the
        ladder it is that of the nearest rung. ``metadata["levels"]`` are those of all planes.
    """
    ladder = np.log(_ladder(kind))
    rungs = [_shipped(kind, gain) for gain in GAINS[kind]]
    levels = [max(luma, _FAINTEST), max(chroma, _FAINTEST)]
    places = [
        float(np.interp(np.log(level), column, np.arange(len(rungs))))
        for level, column in zip(levels, ladder.T, strict=True)
    ]
    scales = [
        _between([bank.scales[index] for bank in rungs], places, model == "fast" and index == 0)
        for index in range(len(rungs[0].scales))
    ]
    nearest = np.exp(np.clip(np.log(levels), ladder[0], ladder[-1])).tolist()
    planes = [nearest[0], nearest[1], nearest[1]]
    return PyramidBank(scales, {"model": model, "kind": kind, "levels": planes})


def _between(rungs, places, shortened):
    """Return the scale between those of a ladder, at one place for luma and one for chroma."""
    count = 1 if shortened else None
    planes = []
    for index, place in enumerate((places[0], places[1], places[1])):
        low = min(int(place), len(rungs) - 2)
        below, above = (scale.planes[index][:count] for scale in rungs[low : low + 2])
        planes.append(mixed_stages(below, above, place - low))
    return Scale(planes[0], (planes[1], planes[2]))


def camera_filters(model, kind, found, *, told=False):
    """Return the bank for noise of a camera, and how much of each change to make, 0 to 1.

    Parameters
    ----------
    model : {"fast", "best"}
    kind : {"camera", "mosaic"}
    found : NoiseEstimate
        In any unit. The less sure it is that this is noise, the less is changed.
    told : bool
        Whether it is told that this is noise: then all is changed.
    """
    bank = camera_bank_for(model, kind, *camera_levels(found, _level_weights()[kind]))
    return bank, 1.0 if told else found.camera
