"""The opponent space: against NumPy, for every type and memory layout."""

import numpy as np
import pytest

from raisr.colour import (
    LUMA_NOISE,
    OPPONENT,
    from_opponent,
    opponent_planes,
    rgb_planes,
    to_opponent,
)
from raisr.noise import add_gaussian_noise
from raisr.validate import as_channels
from tests.images import random_bytes

ROWS = np.array([[1 / 3] * 3, [2**-0.5, 0, -(2**-0.5)], [6**-0.5, -2 * 6**-0.5, 6**-0.5]])
each_type = pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64]
)


def image_of(dtype, shape=(37, 601, 3)):
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    return (random_bytes(shape) / 255 * white).astype(dtype)


@each_type
def test_planes_are_products_with_the_rows(dtype):
    image = image_of(dtype)
    channels = as_channels(image, -1)
    found = np.stack(to_opponent(channels, 2), axis=-1)
    expected = image.astype(np.float64) * channels[0].factor @ ROWS.T
    np.testing.assert_allclose(found, expected, atol=1e-4)


@each_type
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_there_and_back_is_the_image(dtype, axis):
    image = np.moveaxis(image_of(dtype), -1, axis)[::-1]
    out = np.empty(image.shape, dtype)
    planes = to_opponent(as_channels(image, axis), 1)
    from_opponent(planes, list(np.moveaxis(out, axis, 0)), None, 2)
    if np.issubdtype(dtype, np.integer):
        np.testing.assert_array_equal(out, image)
    else:
        np.testing.assert_allclose(out, image, atol=1e-6)


def test_gray_has_no_chroma_and_no_chroma_is_gray():
    gray = np.random.default_rng(0).random((30, 40), np.float32)
    luma, *chroma = to_opponent(as_channels(np.stack([gray] * 3), 0), 1)
    assert not np.any(chroma)
    out = np.empty((3, 30, 40), np.float32)
    from_opponent([luma, *chroma], list(out), None, 1)
    np.testing.assert_array_equal(out[0], out[1])
    np.testing.assert_array_equal(out[0], out[2])


def test_white_noise_is_independent_in_the_planes():
    noise = add_gaussian_noise(np.zeros((300, 300, 3)), 10, seed=0)
    planes = [plane.ravel() for plane in to_opponent(as_channels(noise, -1, 255), 1)]
    np.testing.assert_allclose(np.std(planes, axis=1), [10 * LUMA_NOISE, 10, 10], rtol=0.01)
    np.testing.assert_allclose(np.corrcoef(planes), np.eye(3), atol=0.01)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 700, 3), (700, 1, 3)])
def test_any_size(shape):
    image = image_of(np.uint8, shape)
    out = np.empty_like(image)
    from_opponent(to_opponent(as_channels(image, -1), 3), list(np.moveaxis(out, -1, 0)), None, 3)
    np.testing.assert_array_equal(out, image)


def test_both_forms_are_of_one_space():
    rgb = np.random.default_rng(0).random((3, 7, 9), np.float32) * 255
    luma, *chroma = to_opponent(as_channels(rgb, 0, 255.0), 1)
    brightness, *differences = opponent_planes(rgb)
    np.testing.assert_allclose(np.float32(3**0.5) * luma, brightness, rtol=1e-5)
    np.testing.assert_allclose(chroma, differences, atol=1e-3)
    np.testing.assert_allclose(rgb_planes(opponent_planes(rgb)), rgb, atol=1e-3)
    np.testing.assert_allclose(OPPONENT @ OPPONENT.T, np.eye(3), atol=1e-12)
