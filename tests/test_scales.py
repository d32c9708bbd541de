"""Halving and doubling planes: means, lines between centres, any size, any number of threads."""

import numpy as np
import pytest

from raisr.scales import doubled, halved, pyramid

SHAPES = [(1, 1), (1, 7), (6, 1), (2, 2), (5, 9), (64, 33), (700, 401)]


def plane_of(shape):
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_halved_is_the_mean_of_four(shape):
    plane = plane_of(shape)
    even = np.pad(plane, [(0, side % 2) for side in shape], mode="edge").astype(np.float64)
    expected = even.reshape(len(even) // 2, 2, -1, 2).mean((1, 3))
    np.testing.assert_allclose(halved(plane, 1), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_doubled_interpolates_between_centres(shape):
    small = halved(plane_of(shape), 1)
    rows, columns = (
        np.clip((np.arange(side) + 0.5) / 2 - 0.5, 0, length - 1)
        for side, length in zip(shape, small.shape, strict=True)
    )
    along = np.stack([np.interp(columns, np.arange(small.shape[1]), row) for row in small])
    expected = np.stack([np.interp(rows, np.arange(len(small)), line) for line in along.T]).T
    np.testing.assert_allclose(doubled(small, shape, 1), expected, rtol=1e-5)


def test_threads_do_not_matter():
    plane = plane_of((900, 701))
    small = halved(plane, 1)
    np.testing.assert_array_equal(halved(plane, 3), small)
    np.testing.assert_array_equal(doubled(small, plane.shape, 3), doubled(small, plane.shape, 1))


def test_a_pyramid_begins_with_the_planes():
    planes = [plane_of((9, 8))] * 2
    found = pyramid(planes, 3, 1)
    assert found[0] is planes
    assert [level[1].shape for level in found] == [(9, 8), (5, 4), (3, 2)]
