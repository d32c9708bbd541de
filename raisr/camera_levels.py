"""How much noise of a camera is in an image: learned from what an estimate sees of it.

Cameras smooth luma and chroma unlike one another, and texture of the luma seems noise that
neighbouring pixels share. No single level of a `NoiseEstimate` tells how strong noise is; a
linear combination of the logarithms of those at all scales, and of how rough blocks are, does.
Its weights are learned from photographs of synthetic cameras.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.noise_estimate import NoiseEstimate
from raisr.scales import halved

__all__ = ["camera_levels", "fit_level_weights", "level_features", "true_levels"]

_LEAST = 0.1  # gray levels
_UNEVEN = 3.0  # at most: beyond, there is hardly any noise
_EDGES = 1.4  # times what their median tells is the root mean square of details, if some are edges
_MOST = 2.0, 6.0  # times the levels of flat places noise has at most, there: levels, and roughness

_FAR = 0.2  # of a logarithm: errors beyond count by themselves, not by their squares
_LITTLE = 0.015  # of what all photographs tell: how much it counts that weights are small
_ROUNDS = 30  # of the robust fit


def _features(found):
    return np.r_[1.0, level_features(found), min(found.unevenness, _UNEVEN)]


def level_features(found: NoiseEstimate) -> NDArray[np.float64]:
    """Return the logarithms of the levels that tell of a camera's noise, (15,)."""
    seen = np.concatenate([found.mean_levels, found.roughness]).ravel() / found.unit
    return np.log(np.maximum(seen, _LEAST))


def camera_levels(found: NoiseEstimate, weights: ArrayLike) -> tuple[float, float]:
    """Return the level of a camera's noise in the luma and in chroma, gray levels.

    Parameters
    ----------
    found : NoiseEstimate
        Of three channels, three scales, in any unit.
    weights : (2, 17) array_like
        See `fit_level_weights`.

    Returns
    -------
    luma, chroma : float
        As `true_levels` gives them.
    """
    if found.is_white:  # told to be a camera's; it has one level at all scales
        luma, wide, narrow = found.levels[0] / found.unit
        return float(luma), float(np.sqrt(wide * narrow))
    luma, chroma = np.exp(np.asarray(weights) @ _features(_without_edges(found)))
    return float(luma), float(chroma)


def _without_edges(found):
    """Return an estimate in which what is beside edges, as of text, is no noise."""
    if found.excess <= _EDGES:
        return found
    levels, roughness = (most * found.levels for most in _MOST)
    return replace(
        found,
        mean_levels=np.minimum(found.mean_levels, levels),
        roughness=np.minimum(found.roughness, roughness[1:]),
    )


def fit_level_weights(
    estimates: list[NoiseEstimate], levels: list[tuple[float, float]]
) -> NDArray[np.float64]:
    """Learn the weights by which `camera_levels` tells levels.

    Least squares of logarithms, robust (Huber, 1964) and with small weights (ridge regression):
    levels at several scales are nearly alike, and some photographs hide their noise.
    """
    features = np.array([_features(found) for found in estimates])
    return np.array([_fitted(features, told) for told in np.log(levels).T])


def _fitted(features, told):
    small = np.diag(_LITTLE * len(features) * features.var(axis=0))
    counts = np.ones(len(features))
    for _ in range(_ROUNDS):
        counted = counts[:, None] * features
        weights = np.linalg.solve(features.T @ counted + small, counted.T @ told)
        errors = np.abs(features @ weights - told)
        counts = _FAR / np.maximum(errors, _FAR)
    return weights


def true_levels(
    noisy: list[NDArray[np.float32]], clean: list[NDArray[np.float32]]
) -> tuple[float, float]:
    """Return how much noise is in opponent planes, where the same ones without noise are known.

    Returns
    -------
    luma, chroma : float
        Standard deviation of the white noise that would be as strong at half the size; of chroma,
        the geometric mean of both planes.
    """
    errors = [halved(one - other, 1) for one, other in zip(noisy, clean, strict=True)]
    luma, wide, narrow = (2 * max(float(np.std(error)), _LEAST) for error in errors)
    return luma, (wide * narrow) ** 0.5
