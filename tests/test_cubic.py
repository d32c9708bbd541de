"""Enlarging by Keys' cubic against the resizing of whole arrays."""

import numpy as np
import pytest

from raisr.bicubic import enlarge_bicubic, resize_bicubic
from raisr.validate import GrayImage, restore
from tests.images import random_bytes

SHAPES = [(1, 1), (1, 9), (7, 2), (40, 300)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("siting", [(0.5, 0.5), (0.5, 0.0)])
def test_it_is_that_of_whole_arrays_within_the_border(shape, factor, siting):
    """Borders are mirrored about the outermost pixels, and there repeat them."""
    plane = np.random.default_rng(0).random(shape).astype(np.float32) * 255
    wanted = resize_bicubic(np.pad(plane, 4, "reflect"), factor, siting=siting)
    wanted = wanted[4 * factor : -4 * factor, 4 * factor : -4 * factor]
    out = np.empty(wanted.shape, np.float32)
    enlarge_bicubic([GrayImage(plane)], factor, [out], 255, 2, siting=siting)
    np.testing.assert_allclose(out, wanted, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, -1])
def test_channels_of_any_type_and_layout_are_enlarged_at_a_time(dtype, axis):
    planes = [GrayImage(random_bytes((9, 40), seed=seed)) for seed in range(3)]
    base = np.float32(0.5) * random_bytes((18, 80), seed=3)
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1.0
    out = np.moveaxis(np.zeros((3, 18, 80), dtype), 0, axis).copy()
    enlarge_bicubic(planes, 2, list(np.moveaxis(out, axis, 0)), white, 2, base=base)
    for plane, found in zip(planes, np.moveaxis(out, axis, 0), strict=True):
        alone = np.empty((18, 80), np.float32)
        enlarge_bicubic([plane], 2, [alone], 255, 1, base=base)
        np.testing.assert_array_equal(found, restore(alone, dtype, white))
