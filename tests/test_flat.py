"""Filters that leave flat areas as they are: against constrained least squares."""

import numpy as np

from raisr import HashSpec, NormalEquations
from raisr.flat import flat_filters
from raisr.hashing import hash_image
from tests.images import noisy_scene, scene

SPEC = HashSpec(orientations=1, strength_edges=(), coherence_edges=())


def test_weights_sum_to_one_and_are_the_best_that_do():
    planes, target = [noisy_scene(seed=1), noisy_scene(seed=2)], scene(seed=1).astype(np.float32)
    equations = NormalEquations(SPEC, 2, 3)
    equations.add(planes, target, hash_image(target, SPEC, data_range=255))
    filters, bias = flat_filters(equations, ridge=0)
    assert not bias.any()
    assert abs(filters.sum() - 1) < 1e-5
    padded = [np.pad(plane, 1, mode="reflect").astype(np.float64) for plane in planes]
    height, width = target.shape
    taps = np.stack(
        [
            p[y : y + height, x : x + width].ravel()
            for p in padded
            for y in range(3)
            for x in range(3)
        ],
        axis=1,
    )
    # Lagrange: minimise |taps w - target|^2 where sum(w) = 1.
    system = np.ones((19, 19))
    system[:18, :18], system[18, 18] = taps.T @ taps, 0
    right = np.append(taps.T @ target.ravel(), 1)
    expected = np.linalg.solve(system, right)[:18]
    np.testing.assert_allclose(filters.ravel(), expected, atol=2e-3)


def test_a_class_without_samples_gives_the_last_plane():
    filters, bias = flat_filters(NormalEquations(SPEC, 2, 3).symmetrised())
    expected = np.zeros((1, 2, 3, 3))
    expected[0, 1, 1, 1] = 1
    np.testing.assert_array_equal(filters, expected)
    assert not bias.any()
