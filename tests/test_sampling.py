"""Parts of large images: what they tell holds for the whole."""

import numpy as np
import pytest

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
