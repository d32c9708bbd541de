"""How sure it is that fine details of a channel are white noise, not texture: learned.

White noise has half its level in an image of half the size, and about the same in all blocks;
texture, edges and slopes have neither. By how much levels of blocks at three scales differ from
that goes into a logistic regression, which is learned from photographs and pages, with noise and
without. What counts are ratios of levels: how far white is from black does not.
"""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.logistic import fit_logistic, logistic
from raisr.noise_estimate import NoiseEstimate

__all__ = ["WEIGHTS", "certainty", "fit_certainty_weights", "shipped_weights"]

WEIGHTS = Path(__file__).parent / "banks" / "white_weights.json"
"""By what it is told."""

_SURE = 0.1, 0.7  # of the regression: surely texture, and surely noise
_LEAST = 0.02  # of the level: what is less counts as much
_RIDGE = 0.5


@lru_cache(maxsize=1)
def shipped_weights() -> NDArray[np.float64]:
    """Return the weights that the package ships, (10,)."""
    return np.array(json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"])


def certainty(level: float, found: NoiseEstimate, weights: ArrayLike) -> float:
    """Return how sure it is that a level is that of white noise, 0 to 1.

    Parameters
    ----------
    level : float
        What the finest details tell, above 0.
    found : NoiseEstimate
        Of the same channel alone, in the same unit; three scales.
    weights : (10,) array_like
        See `fit_certainty_weights`.

    Returns
    -------
    float
        1 where blocks are too few to tell.
    """
    told = _features(level, found) @ np.asarray(weights)
    return float(np.interp(logistic(told), _SURE, (0, 1))) if found.quantiles[0].any() else 1.0


def _features(level, found):
    finer, *coarser = found.quantiles[:, 0] / level
    seen = [finer]
    for quantiles in coarser:
        seen.append(quantiles if quantiles.any() else seen[-1] / 2)  # as of white noise
    return np.r_[1.0, np.log(np.maximum(np.ravel(seen), _LEAST))]


def fit_certainty_weights(
    found: list[tuple[float, NoiseEstimate]], shares: ArrayLike, weights: ArrayLike
) -> NDArray[np.float64]:
    """Learn the weights by which `certainty` tells shares.

    Parameters
    ----------
    found : list of (level, NoiseEstimate)
        As `certainty` takes them.
    shares : (images,) array_like
        0 to 1: the part of the level that is best for each image.
    weights : (images,) array_like
        How much each counts.
    """
    return fit_logistic([_features(*one) for one in found], shares, weights, _RIDGE)
