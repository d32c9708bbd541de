"""Every vector instruction against NumPy; whole numbers, so that sums are exact in any order."""

import numpy as np
import pytest
from numba import njit

from raisr._simd import copy_patch, filter_block, lanes_for, rank_update, token

SIZES = range(1, 16, 2)
LAYOUTS = [(size, lanes) for size in SIZES for lanes in (8, 16) if lanes >= size]


@njit
def run_filter_block(size, planes, lanes, image, row, plane, classes, filters, out):
    filter_block(size, planes, lanes, image, row, plane, classes, filters, out)


@njit
def run_copy_patch(size, lanes, image, row, out):
    copy_patch(size, lanes, image, row, out)


@njit
def run_rank_update(rows, vectors, a, b, stride, count, c, c_stride):
    rank_update(rows, vectors, a, b, stride, count, c, c_stride)


def address(array):
    return array.ctypes.data


def whole_numbers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


@pytest.mark.parametrize("size", range(1, 16))
def test_a_filter_row_fits_the_lanes(size):
    assert lanes_for(size) in (8, 16)
    assert lanes_for(size) >= size


@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize(("size", "lanes"), LAYOUTS)
def test_filter_block(size, lanes, planes):
    num_classes = 5
    image = whole_numbers(planes, size + 3, 40)
    filters = np.zeros((num_classes, 1 + planes * size, lanes), np.float32)
    filters[:, 0, 0] = 100 * np.arange(num_classes)
    filters[:, 1:, :size] = whole_numbers(num_classes, planes * size, size, seed=1)
    classes = np.arange(7, 7 + lanes, dtype=np.uint16) * 3 % num_classes
    out = np.full(lanes + 2, -1, np.float32)
    run_filter_block(
        *(token(n) for n in (size, planes, lanes)),
        address(image[0, 2:, 3:]),
        image.strides[1],
        image.strides[0],
        address(classes),
        address(filters),
        address(out[1:]),
    )
    expected = [
        filters[c, 0, 0]
        + (
            filters[c, 1:, :size].reshape(planes, size, size)
            * image[:, 2 : 2 + size, 3 + i : 3 + i + size]
        ).sum()
        for i, c in enumerate(classes)
    ]
    np.testing.assert_array_equal(out, [-1, *expected, -1])


@pytest.mark.parametrize(("size", "lanes"), LAYOUTS)
def test_copy_patch(size, lanes):
    image = whole_numbers(size + 2, 40)
    out = np.full(size * size + lanes, -99, np.float32)
    run_copy_patch(
        token(size), token(lanes), address(image[2:, 5:]), image.strides[0], address(out)
    )
    np.testing.assert_array_equal(out[: size * size], image[2:, 5 : 5 + size].ravel())
    assert (out[size * size + lanes - size :] == -99).all()


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize(("rows", "vectors"), [(1, 1), (8, 1), (8, 2), (3, 2)])
def test_rank_update(rows, vectors, count):
    columns = 16 * vectors
    samples = whole_numbers(7, 48)
    before = whole_numbers(rows, 40, seed=1)
    after = before.copy()
    run_rank_update(
        token(rows),
        token(vectors),
        address(samples[:, 4:]),
        address(samples[:, 12:]),
        samples.strides[0],
        count,
        address(after),
        after.strides[0],
    )
    product = samples[:count, 4 : 4 + rows].T @ samples[:count, 12 : 12 + columns]
    np.testing.assert_array_equal(after[:, :columns], before[:, :columns] + product)
    np.testing.assert_array_equal(after[:, columns:], before[:, columns:])
