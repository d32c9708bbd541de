"""What levels of noise are told from, against PyWavelets, SciPy and NumPy."""

import numpy as np
import pytest
import pywt
from scipy.ndimage import uniform_filter

from raisr.kernels.details import block_medians, find_details, mark_living


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3), (4, 5), (5, 4), (31, 48), (64, 33)])
def test_diagonal_details_are_those_of_db2(shape):
    plane = (255 * np.random.default_rng(0).random(shape)).astype(np.float32)
    wanted = np.abs(pywt.dwtn(plane, "db2")["dd"])
    out = np.empty_like(wanted)
    find_details(plane, out)
    np.testing.assert_allclose(out, wanted, atol=1e-4)
    even = out[: shape[0] // 2, : shape[1] // 2]  # beyond, sums are in another order
    np.testing.assert_allclose(even, wanted[: shape[0] // 2, : shape[1] // 2], rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (4, 3), (40, 50)])
def test_what_is_living_is_above_as_most_around_it(shape):
    values = np.random.default_rng(1).random(shape).astype(np.float32)
    least = np.float32(0.4)
    share = uniform_filter((values > least).astype(np.float64), 5, mode="reflect")
    out = np.zeros(shape, bool)
    mark_living(values, least, out)
    np.testing.assert_array_equal(out, (values > least) & (share > 0.5))


@pytest.mark.parametrize("size", [1, 2, 4, 9, 64])
def test_medians_are_those_of_numpy(size):
    rng = np.random.default_rng(2)
    blocks = np.abs(rng.normal(0, 1, (50, size))).astype(np.float32)
    blocks[::5] = np.rint(blocks[::5])  # equal numbers, and zeros
    blocks[7] = 0
    blocks[8] = np.float32(1e-42)
    out = np.empty(50, np.float32)
    block_medians(blocks, out)
    np.testing.assert_array_equal(out, np.median(blocks, axis=1))
