"""How sure it is that details of three channels are the noise of a camera, not texture: learned.

A logistic regression, on photographs by synthetic cameras and on pictures without noise: of what
tells white noise in each opponent plane (see `raisr.white_certainty`), though cameras leave none,
of the levels that tell how strong a camera's noise is, and of what tells drawings and mosaics.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.block_details import BlockLevels
from raisr.camera_levels import level_features
from raisr.logistic import fit_logistic, logistic
from raisr.noise_estimate import NoiseEstimate
from raisr.white_certainty import FEW, block_features

__all__ = ["WEIGHTS", "camera_certainty", "fit_camera_certainty", "shipped_camera_weights"]

WEIGHTS = Path(__file__).parent / "banks" / "camera_certainty.json"
"""By what it is told."""

_SURE = 0.3, 0.7  # of the regression: surely texture, and surely noise
_STRONG = 3.0, 5.0  # gray levels of chroma: perhaps texture, and surely noise
_EVEN = 0.8, 1.2  # of unevenness: surely noise, and perhaps texture
_PATCHY = 2.6, 3.2  # of unevenness: perhaps noise, and surely none, however strong
_MOST = 4.0  # of what is uneven, and of what edges make of details
_RIDGE = 1.0

Planes = Sequence[tuple[float, BlockLevels]]  # of the opponent space: level, and those of blocks


@lru_cache(maxsize=1)
def shipped_camera_weights() -> NDArray[np.float64]:
    """Return the weights that the package ships, (65,)."""
    return np.array(json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"])


def camera_certainty(found: NoiseEstimate, planes: Planes, weights: ArrayLike) -> float:
    """Return how sure it is that an image has the noise of a camera, 0 to 1.

    Parameters
    ----------
    found : NoiseEstimate
        Of three channels, in any unit.
    planes : sequence of (level, blocks)
        What the finest details of each opponent plane tell, and the levels of blocks there; empty
        where planes are those of fewer channels.
    weights : (65,) array_like
        See `fit_camera_certainty`.

    Returns
    -------
    float
        Where the luma has white noise everywhere, that is enough, whatever smoothed chroma. Where
        planes or blocks are too few, noise has to be even or strong.
    """
    even = np.interp(found.unevenness, _EVEN, (1, 0))
    if _tell(planes):
        told = logistic(_features(found, planes) @ np.asarray(weights))
        sure = max(np.interp(told, _SURE, (0, 1)), found.whiteness[0] * even)
    else:
        strong = np.interp(found.plane_levels()[2] / found.unit, _STRONG, (0, 1))
        sure = max(strong, even)
    return float(sure * np.interp(found.unevenness, _PATCHY, (1, 0)))


def _tell(planes):
    enough = [level > 0 and len(blocks.levels[0]) >= FEW for level, blocks in planes]
    return bool(enough) and all(enough)


def _features(found, planes):
    ratios = [block_features(*plane) for plane in planes]
    others = min(found.unevenness, _MOST), found.mosaic, found.colours, min(found.excess, _MOST)
    return np.concatenate([[1.0], *ratios, level_features(found), others])


def fit_camera_certainty(
    seen: Sequence[tuple[NoiseEstimate, Planes]], is_camera: ArrayLike
) -> NDArray[np.float64]:
    """Learn the weights by which `camera_certainty` tells noise, from what tells.

    Parameters
    ----------
    seen : sequence of (found, planes)
        As `camera_certainty` takes them.
    is_camera : (images,) array_like
        1 for photographs with noise, 0 for pictures without.
    """
    pairs = zip(seen, np.asarray(is_camera), strict=True)
    told = [(_features(*one), label) for one, label in pairs if _tell(one[1])]
    features, labels = zip(*told, strict=True)
    return fit_logistic(features, labels, np.ones(len(labels)), _RIDGE)
