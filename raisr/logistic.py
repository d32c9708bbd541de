"""Logistic regression on shares, 0 to 1, with weights and a ridge."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["fit_logistic", "logistic"]


def logistic(values: ArrayLike) -> NDArray[np.float64]:
    """Return ``1 / (1 + exp(-values))``."""
    return (1 + np.tanh(np.divide(values, 2))) / 2


def fit_logistic(
    features: ArrayLike, shares: ArrayLike, weights: ArrayLike, ridge: float
) -> NDArray[np.float64]:
    """Return the coefficients whose products with features tell shares, by `logistic`.

    Parameters
    ----------
    features : (samples, n) array_like
        The first is 1 everywhere.
    shares : (samples,) array_like
        0 to 1.
    weights : (samples,) array_like
        How much each sample counts.
    ridge : float
        Weight of the squares of the coefficients, but for the first one, of features whose standard
        deviation is 1.

    Returns
    -------
    (n,) float64 array
    """
    from scipy.optimize import minimize

    features, shares, weights = (np.asarray(one, float) for one in (features, shares, weights))
    mean, spread = features.mean(axis=0), features.std(axis=0)
    mean[0], spread[spread == 0] = 0, 1
    scaled = (features - mean) / spread
    stiff = np.r_[0, np.full(features.shape[1] - 1, ridge)]

    def loss(coefficients):
        told = scaled @ coefficients
        unlikely = weights @ (np.logaddexp(0, told) - shares * told)
        slope = scaled.T @ (weights * (logistic(told) - shares))
        return unlikely + stiff @ coefficients**2 / 2, slope + stiff * coefficients

    start = np.zeros(features.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", tol=1e-9).x / spread
    found[0] -= found @ mean
    return found
