"""What noise is removed as: told or found, chosen here for filters, networks and the commands."""

from dataclasses import replace

import numpy as np

from raisr.camera_models import GAINS
from raisr.models import LARGEST
from raisr.stabilisation import anscombe
from raisr.validate import GRAY_LEVELS

__all__ = ["ends", "is_too_strong", "treatment_of"]


def treatment_of(found, noise=None):
    """Return what the noise of an image is removed as.

    Parameters
    ----------
    found : NoiseEstimate
        In any unit.
    noise : str, optional
        What it is told to be like, see `raisr.denoise`.

    Returns
    -------
    {"none", "white", "shared", "photon", "camera", "mosaic"}
        "shared" is white noise of which channels share some: see `NoiseEstimate.shared_levels`.

    Raises
    ------
    ValueError
        It is told to be of photons, or of a camera, and cannot be.
    """
    kind = noise or found.kind
    if kind in GAINS and found.levels.shape[1] != 3:
        raise ValueError("noise of a camera is in three channels that differ: there are none such")
    shared = None if noise else found.shared_levels()
    if kind in GAINS and shared is None:
        return kind
    if kind == "photon" and (photons := found.photons) is not None:
        if noise or not is_too_strong(photons.times(1 / found.unit)):
            return kind
    elif kind == "photon" and found.most_white:
        raise ValueError(
            'noise="photon": no such noise fits, as it does not grow with the brightness, or the '
            "image is too small to tell: pass a PhotonNoise (--noise photon=GAIN,SIGMA,OFFSET)"
        )
    if not found.most_white:
        return "none"
    return "white" if shared is None else "shared"


def ends(noise):
    """Return what black and white become by the transform that makes noise steady."""
    return anscombe(np.array([0, GRAY_LEVELS]), replace(noise, offset=0.0))


def is_too_strong(noise):
    """Whether no filter is for a PhotonNoise, in gray levels, after that transform."""
    low, high = ends(noise)
    return bool(LARGEST * (high - low) < GRAY_LEVELS)
