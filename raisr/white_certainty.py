"""How sure it is that fine details of a channel are white noise, not texture: learned.

White noise has half its level in an image of half the size, in every block, and seldom far more
in one block than in another; texture, edges and slopes have neither. How blocks differ from that
at three scales goes into a logistic regression, which is learned from gray photographs and pages,
with noise and without. Chroma has weights of its own, learned from photographs in colour, for it
has texture that is fine nowhere. Ratios of levels count: how far white is from black does not.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.block_details import BlockLevels
from raisr.logistic import fit_logistic, logistic

__all__ = [
    "FEW",
    "WEIGHTS",
    "block_features",
    "certainty",
    "fit_certainty_weights",
    "shipped_weights",
]

_BANKS = Path(__file__).parent / "banks"
WEIGHTS = {"gray": _BANKS / "white_weights.json", "chroma": _BANKS / "white_chroma_weights.json"}
"""By what it is told, of gray images, and of planes of chroma."""

_SURE = 0.1, 0.5  # of the regression: surely texture, and surely noise
_QUANTILES = 0.05, 0.2, 0.5
FEW = 16
"""Blocks, of which fewer tell nothing."""

_LEAST = 0.02  # of the level: what is less counts as much
_RIDGE = 0.5


@cache
def shipped_weights(kind: str = "gray") -> NDArray[np.float64]:
    """Return the weights that the package ships, (16,), by a key of `WEIGHTS`."""
    return np.array(json.loads(WEIGHTS[kind].read_text(encoding="utf-8"))["weights"])


def certainty(level: float, blocks: BlockLevels, weights: ArrayLike) -> float:
    """Return how sure it is that a level is that of white noise, 0 to 1.

    Parameters
    ----------
    level : float
        What the finest details tell, above 0.
    blocks : BlockLevels
        Of the same channel, in the same unit.
    weights : (16,) array_like
        See `fit_certainty_weights`.

    Returns
    -------
    float
        1 where blocks are too few to tell.
    """
    if len(blocks.levels[0]) < FEW:
        return 1.0
    told = np.r_[1.0, block_features(level, blocks)] @ np.asarray(weights)
    return float(np.interp(logistic(told), _SURE, (0, 1)))


def block_features(level: float, blocks: BlockLevels) -> NDArray[np.float64]:
    """Return the logarithms of the fifteen ratios that tell, see `certainty`."""
    seen: list = [_quantiles(blocks.levels[0], None)]
    for levels in blocks.levels[1:]:
        seen.append(_quantiles(levels, seen[-1] / 2))
    left = [_quantiles(ratios, np.full(3, 0.5)) for ratios in blocks.left]
    return np.log(np.maximum(np.r_[np.ravel(seen) / level, np.ravel(left)], _LEAST))


def _quantiles(values, of_noise):
    """Return a twentieth, a fifth and the half of values; where they are few, those of noise."""
    return np.quantile(values, _QUANTILES) if len(values) >= FEW else of_noise


def fit_certainty_weights(
    found: Sequence[tuple[float, BlockLevels]], shares: ArrayLike, weights: ArrayLike
) -> NDArray[np.float64]:
    """Learn the weights by which `certainty` tells shares.

    Parameters
    ----------
    found : sequence of (level, blocks)
        As `certainty` takes them.
    shares : (images,) array_like
        0 to 1: the part of the level that is best for each image.
    weights : (images,) array_like
        How much each counts.
    """
    features = [np.r_[1.0, block_features(*one)] for one in found]
    return fit_logistic(features, shares, weights, _RIDGE)
