"""Least-squares filters that leave flat areas as they are."""

import numpy as np

from raisr.edges import edge_step, fit_edges
from raisr.filtering import Stage
from raisr.hashing import class_map
from raisr.least_squares import known_solution
from raisr.normal_equations import NormalEquations
from raisr.symmetry import canonical_classes, expand
from raisr.validate import GrayImage

__all__ = ["balanced", "flat_filters", "learn_flat_stage"]


def learn_flat_stage(inputs, targets, spec, size, *, ridge, num_threads):
    """Learn a stage by `flat_filters`, over all eight rotations and flips.

    Parameters
    ----------
    inputs : sequence of lists of (H, W) float32 arrays
        The planes of each image, in gray levels; the last is hashed.
    targets : sequence of (H, W) float32 arrays
    spec : HashSpec
        Its edges are replaced by quantiles.
    size : int
        Side of the filters.
    ridge : float
    num_threads : int

    Returns
    -------
    Stage
    """
    some = inputs[:: edge_step(len(inputs))]
    spec, _ = fit_edges([planes[-1] for planes in some], spec, num_threads)
    equations = NormalEquations(spec, len(inputs[0]), size)
    for planes, target in zip(inputs, targets, strict=True):
        classes = class_map(GrayImage(planes[-1]), spec, num_threads)
        equations.accumulate(planes, target, classes, num_threads)
    return Stage(spec, *flat_filters(equations.symmetrised(), ridge=ridge))


def balanced(stage):
    """Return a stage whose weights sum to one; float16 of the files has rounded them."""
    filters, centre = stage.filters.copy(), stage.size // 2
    rest = 1 - filters.sum(axis=(1, 2, 3), dtype=np.float64)
    filters[:, -1, centre, centre] += rest.astype(np.float32)
    return Stage(stage.spec, filters, stage.bias)


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
    weights = np.zeros(taps)
    weights[others] = known_solution(matrix, vector, ridge)
    weights[centre] = 1 - weights.sum()
    return weights
