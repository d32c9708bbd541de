"""Solutions from sums of products, known and unknown."""

import numpy as np
import pytest

from raisr.least_squares import known_solution


def products(size, rank, seed=0):
    """A matrix of products of so many independent directions, and the right sides of a solution."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(4 * size, rank)) @ rng.normal(size=(rank, size))
    matrix = samples.T @ samples
    return matrix, matrix @ rng.normal(size=(size, 3))


@pytest.mark.parametrize("ridge", [0, 1e-6, 0.1])
@pytest.mark.parametrize("size", [1, 9, 98])
def test_what_is_known_is_solved(size, ridge, monkeypatch):
    """Without eigenvalues, which take ten times as long."""
    monkeypatch.setattr("raisr.least_squares.linalg", None)
    matrix, vectors = products(size, size)
    ridged = matrix + ridge * matrix.trace() / size * np.eye(size)
    for right in (vectors, vectors[:, 0]):
        found = known_solution(np.triu(matrix), right, ridge)
        np.testing.assert_allclose(found, np.linalg.solve(ridged, right), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("scale", [1, 1e-6])
@pytest.mark.parametrize("ridge", [0, 0.1])
@pytest.mark.parametrize("error", [0, 1e-7])
@pytest.mark.parametrize(("size", "rank"), [(9, 0), (9, 4), (98, 50)])
def test_unknown_directions_get_nothing(size, rank, error, ridge, scale):
    """However sums are rounded: there, a matrix that is inverted gives anything."""
    matrix, vectors = products(size, rank)
    wrong = np.random.default_rng(1).normal(size=(size, size))
    rounded = scale * (matrix + error * matrix.trace() / size * (wrong + wrong.T))
    values, axes = np.linalg.eigh(matrix)
    inverse = np.zeros(size)
    inverse[size - rank :] = 1 / (values[size - rank :] + ridge * matrix.trace() / size)
    wanted = axes @ (inverse[:, None] * (axes.T @ vectors))
    found = known_solution(np.triu(rounded), scale * vectors, ridge)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
