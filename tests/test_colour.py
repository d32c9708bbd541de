"""Luma, and the opponent space: against NumPy, for every type and memory layout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from raisr.colour import (
    LUMA_NOISE,
    OPPONENT,
    channel_groups,
    check_image,
    from_opponent,
    luma_of,
    opponent_planes,
    rgb_planes,
    rgb_to_gray,
    to_opponent,
)
from raisr.datasets import load_dataset
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


@pytest.mark.data
def test_gray_conversion_makes_bsd68_from_its_colour_originals():
    gray = {image.read().tobytes() for image in load_dataset("bsd68")}
    converted = {rgb_to_gray(image.read()).tobytes() for image in load_dataset("cbsd68")}
    assert converted == gray


@given(arrays(np.uint8, (12, 13)))
def test_gray_conversion_keeps_gray(gray):
    assert rgb_to_gray(gray) is gray
    np.testing.assert_array_equal(rgb_to_gray(np.stack([gray] * 3, axis=-1)), gray)


def test_gray_conversion_rounds_half_up():
    # MATLAB: rgb2gray of these four colours.
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 31]]], np.uint8)
    assert rgb_to_gray(rgb).tolist() == [[76, 150, 29, 18]]


def test_luma_of_planes_is_that_of_the_image():
    rgb = random_bytes((5, 7, 3))
    planes = list(np.moveaxis(rgb, -1, 0).astype(np.float32))
    np.testing.assert_array_equal(np.floor(luma_of(planes) + 0.5), rgb_to_gray(rgb))
    for count in (1, 2, 4):
        assert luma_of([*planes, planes[0]][:count]) is planes[0]


def test_three_channels_are_filtered_together_others_by_themselves():
    assert channel_groups(3) == [slice(0, 3)]
    for count in (1, 2, 4):
        assert channel_groups(count) == [slice(first, first + 1) for first in range(count)]


def test_what_is_no_8_bit_image_is_refused():
    for shape in ((4, 5), (4, 5, 3)):
        check_image(np.zeros(shape, np.uint8))
        with pytest.raises(TypeError, match="must be uint8, got uint16"):
            check_image(np.zeros(shape, np.uint16))
        with pytest.raises(TypeError, match="must be uint8, got uint16"):
            rgb_to_gray(np.zeros(shape, np.uint16))
    for shape in ((5,), (4, 5, 1), (4, 5, 4), (3, 4, 5), (2, 4, 5, 3)):
        with pytest.raises(ValueError, match=r"must have shape \(H, W\) or \(H, W, 3\), got"):
            check_image(np.zeros(shape, np.uint8))
