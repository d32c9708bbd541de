"""Parts of large images: what they tell holds for the whole."""

import numpy as np
import pytest

from raisr import denoise, estimate_noise
from raisr.sampling import all_equal, strips_of
from raisr.validate import GrayImage
from raisr.wavelet_level import level_of


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (63, 65), (99, 129)])
def test_one_pixel_that_differs_is_seen(place):
    plane = np.full((100, 130), 7, np.uint8)
    assert all_equal(plane, plane.copy())
    assert all_equal(plane, np.broadcast_to(plane[0, 0], plane.shape))
    other = plane.copy()
    other[place] = 8
    assert not all_equal(plane, other)


def test_strips_of_a_large_image_tell_its_level():
    plane = np.random.default_rng(0).normal(128, 6, (2048, 1100)).astype(np.float32)
    channel = GrayImage(plane)
    assert sum(strip.array.size for (strip,) in strips_of([channel])) < plane.size / 2
    assert level_of(channel)[0] == pytest.approx(6, rel=0.01)


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3)])
@pytest.mark.parametrize("largest", [1e34, 4e37, 3e38])
def test_levels_of_the_largest_floats_are_those_of_small_ones(shape, largest):
    """Found by `tests/fuzz`: what float32 cannot add made warnings."""
    small = np.random.default_rng(0).standard_normal(shape).astype(np.float32) / 8
    axis = 2 if len(shape) == 3 else None
    found, expected = (
        estimate_noise(image, channel_axis=axis, data_range=white)
        for image, white in (
            (small * np.float32(largest), 255),
            (small * np.float32(1e20), 255e20 / largest),
        )
    )
    np.testing.assert_allclose(found.levels / largest, expected.levels / 1e20, rtol=1e-3)
    assert found.kind == expected.kind


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 3)])
def test_noise_of_the_largest_floats_is_refused_by_its_level(shape):
    huge = np.random.default_rng(0).uniform(-3e38, 3e38, shape).astype(np.float32)
    with (
        pytest.warns(UserWarning, match="do not fit data_range"),
        pytest.raises(ValueError, match="sigma, given or estimated, is .*e"),
    ):
        denoise(huge, channel_axis=2 if len(shape) == 3 else None, data_range=255)
