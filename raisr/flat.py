"""Least-squares filters that leave flat areas as they are."""

import numpy as np
from scipy import linalg

from raisr.symmetry import canonical_classes, expand

__all__ = ["flat_filters"]


def flat_filters(equations, *, ridge=1e-6, min_samples=None):
    """Solve symmetrised equations for filters without bias whose weights sum to 1.

    A flat area of any value passes unchanged, so a picture keeps its colours and its blacks,
    whatever was common in training.

    Parameters
    ----------
    equations : NormalEquations
        Symmetrised.
    ridge, min_samples
        See `NormalEquations.solve`.

    Returns
    -------
    filters : (num_classes, planes, size, size) float32
    bias : (num_classes,) float32
        Zeros.
    """
    spec, taps = equations.spec, equations.taps
    min_samples = 4 * taps if min_samples is None else min_samples
    counts = equations.counts
    filters = np.zeros((spec.num_classes, taps), np.float32)
    for c in canonical_classes(spec):
        thin = counts[c] < min_samples
        gram = equations._pooled(c, counts, min_samples) if thin else equations.totals[c]
        filters[c] = _solve_one(gram, taps, taps - equations.size**2 // 2 - 1, ridge)
    filters = filters.reshape(-1, equations.planes, equations.size, equations.size)
    return expand(spec, filters, np.zeros(spec.num_classes, np.float32))


def _solve_one(gram, taps, centre, ridge):
    """Weights of the taps less the centre of the last plane, which has what is left of 1."""
    gram = np.triu(gram) + np.triu(gram, 1).T
    others = np.delete(np.arange(taps), centre)
    row = gram[centre]
    matrix = gram[np.ix_(others, others)] - row[others] - row[others, None] + row[centre]
    target = taps + 1
    vector = gram[others, target] - row[others] - row[target] + row[centre]
    values, vectors = linalg.eigh(matrix, check_finite=False)
    # As in NormalEquations: what is below the rounding of the float32 sums is unknown.
    known = values > 10 * max(0.0, -values[0])
    inverse = known / np.where(known, values + ridge * max(values.mean(), 0.0), 1)
    weights = np.zeros(taps)
    weights[others] = vectors @ (inverse * (vectors.T @ vector))
    weights[centre] = 1 - weights.sum()
    return weights
