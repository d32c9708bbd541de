"""Mixing by the census transform, beside pixel by pixel."""

import itertools

import numpy as np
import pytest

from raisr.census import blend


def slow(plain, filtered):
    out = np.empty_like(plain)
    padded = [np.pad(image, 1, "edge") for image in (plain, filtered)]
    for y, x in np.ndindex(*plain.shape):
        changed = 0
        for down, right in itertools.product((0, 1, 2), repeat=2):
            before, after = (image[y + down, x + right] < image[y + 1, x + 1] for image in padded)
            changed += before != after
        out[y, x] = filtered[y, x] + changed / 8 * (plain[y, x] - filtered[y, x])
    return out


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 1), (13, 17)])
@pytest.mark.parametrize("threads", [1, 3])
def test_it_is_that_of_each_pixel(shape, threads):
    rng = np.random.default_rng(0)
    plain, filtered = rng.integers(0, 6, (2, *shape)).astype(np.float32)
    wanted = slow(plain, filtered)
    np.testing.assert_allclose(blend(plain, filtered, threads), wanted, atol=1e-6)


def test_blocks_of_rows_make_no_difference():
    plain, filtered = np.random.default_rng(1).uniform(0, 255, (2, 400, 700)).astype(np.float32)
    whole = blend(plain, filtered, 2)
    part = blend(plain[150:250], filtered[150:250], 1)
    np.testing.assert_array_equal(whole[151:249], part[1:-1])


def test_what_keeps_its_order_stays():
    plain = np.arange(35.0, dtype=np.float32).reshape(5, 7)
    np.testing.assert_array_equal(blend(plain, plain * 3, 1), plain * 3)
    np.testing.assert_allclose(blend(plain, -plain, 1)[1:-1, 1:-1], plain[1:-1, 1:-1], atol=1e-6)
