"""How sure it is that what seems noise of a camera is noise, not texture: learned from photographs.

Texture seems a faint noise, but it is not everywhere; a drawing, that JPEG smoothed, seems a strong
one, but in few places. A logistic regression of what an estimate sees says how likely noise is, and
has to say more of what is faint and uneven. It is learned from photographs of synthetic cameras,
with noise and without.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.camera_levels import LEAST, level_features
from raisr.logistic import fit_logistic, logistic
from raisr.noise_estimate import NoiseEstimate

__all__ = ["best_share", "certainty", "fit_certainty_weights"]

_STRONG = 3.0, 5.0  # gray levels: perhaps texture, and noise rather
_UNEVEN = 0.8, 1.2  # noise rather, and perhaps texture
_TEXTURE = 0.7, 0.0  # of the regression: surely texture, where it is so perhaps, and where not
_SURE = 0.2  # more than that: surely noise
_PATCHY = 2.6, 3.2  # of the unevenness: perhaps noise, and surely none but a drawing in a JPEG
_RIDGE = 2.0


def _features(found):
    finest = np.log(np.maximum(found.roughness[0] / found.unit, LEAST))
    return np.r_[level_features(found), finest]


def certainty(found: NoiseEstimate, weights: ArrayLike) -> float:
    """Return how sure it is that there is noise of a camera, 0 to 1.

    Parameters
    ----------
    found : NoiseEstimate
        Of three channels, three scales, in any unit.
    weights : (20,) array_like
        See `fit_certainty_weights`.
    """
    level = found.plane_levels()[2] / found.unit
    strong, even = np.interp(level, _STRONG, (0, 1)), np.interp(found.unevenness, _UNEVEN, (1, 0))
    texture = np.interp(max(strong, even), (0, 1), _TEXTURE)
    told = logistic(_features(found) @ np.asarray(weights))
    sure = np.interp(told, (texture, texture + _SURE), (0, 1))
    return float(sure * np.interp(found.unevenness, _PATCHY, (1, 0)))


def best_share(noisy: NDArray, clean: NDArray, filtered: NDArray) -> tuple[float, float]:
    """Return how much of what filters change should be changed, and how much it matters.

    Parameters
    ----------
    noisy, clean, filtered : arrays of one shape, gray levels

    Returns
    -------
    share : float
        0 to 1, by which the result is nearest to `clean`.
    weight : float
        Logarithm of the mean square of the change.
    """
    change, wanted = (np.subtract(one, noisy, dtype=np.float64) for one in (filtered, clean))
    power = np.mean(change**2)
    share = np.mean(change * wanted) / power if power else 0.0
    return float(np.clip(share, 0, 1)), float(np.log1p(power))


def fit_certainty_weights(
    estimates: list[NoiseEstimate], shares: ArrayLike, weights: ArrayLike
) -> NDArray[np.float64]:
    """Learn the weights by which `certainty` tells shares, as `best_share` returns them."""
    features = [_features(found) for found in estimates]
    return fit_logistic(features, shares, weights, _RIDGE)
