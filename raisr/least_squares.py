"""Least squares from sums of products, where some directions may be unknown."""

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

__all__ = ["known_solution"]


def known_solution(matrix, vectors, ridge):
    """Return vectors times the inverse of a matrix and a ridge, where that is known.

    The sums are rounded: a matrix of products has no negative eigenvalue, so such a one shows how
    far, and directions of hardly more variance are unknown and get no weight.

    Parameters
    ----------
    matrix : (n, n) float64 array
        Symmetric; only the upper triangle is read.
    vectors : (n,) or (n, m) float64 array
    ridge : float
        Added to the eigenvalues, as a share of their mean.

    Returns
    -------
    (n,) or (n, m) float64 array
    """
    added = ridge * max(np.trace(matrix) / len(matrix), 0.0)
    if _is_positive(matrix):  # all is known
        solution = lapack.dposv(matrix + added * np.eye(len(matrix)), vectors)[1]
        return solution.reshape(vectors.shape)
    values, axes = linalg.eigh(matrix, lower=False, check_finite=False)
    known = values > 10 * max(0.0, -values[0])
    inverse = known / np.where(known, values + added, 1)
    return (axes * inverse) @ (axes.T @ vectors)


def _is_positive(matrix):
    """Whether all eigenvalues are positive, a tenth as dear as to find them."""
    return lapack.dpotrf(matrix)[1] == 0
