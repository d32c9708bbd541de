"""MATLAB's bicubic: known values, antialiasing, sizes, and what it leaves alone."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from raisr.bicubic import bicubic_weights, resize_bicubic
from tests.images import random_bytes


def test_known_weights_of_halving():
    # imresize(x, 0.5): Keys' cubic at (k + 1/2) / 2, halved; 8 taps.
    impulse = np.zeros((1, 33))
    impulse[0, 16] = 1
    wanted = [-0.01171875, 0.11328125, 0.43359375, -0.03515625]
    row = resize_bicubic(impulse, 0.5, (1, 16))[0]
    np.testing.assert_allclose(row[6:10], wanted, atol=1e-12)
    assert np.count_nonzero(np.abs(row) > 1e-12) == 4


def test_known_values_of_doubling():
    row = resize_bicubic([[0, 0, 0, 128, 0, 0, 0]], 2, (1, 14))[0]
    np.testing.assert_allclose(row[3:11], [-3, -9, 29, 111, 111, 29, -9, -3], atol=1e-12)


@pytest.mark.parametrize("factor", [Fraction(1, 2), Fraction(1, 3), Fraction(1, 4), 2, 3, 4])
def test_the_kernel_is_that_of_pillow_inside(factor):
    image = random_bytes((48, 60)).astype(np.float32)
    out = resize_bicubic(image, factor)
    size = out.shape[1], out.shape[0]
    other = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    edge = 3 * max(1, int(factor))
    inside = slice(edge, -edge), slice(edge, -edge)
    np.testing.assert_allclose(out[inside], other[inside], atol=1e-3)


@pytest.mark.parametrize("factor", [0.3, 0.5, 2 / 3, 1, 1.5, 3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 2), (13, 17)])
def test_constants_and_sizes(shape, factor):
    out = resize_bicubic(np.full(shape, 37.0), factor)
    assert out.shape == tuple(int(np.ceil(round(side * factor, 9))) for side in shape)
    np.testing.assert_allclose(out, 37, atol=1e-12)


def test_a_ramp_stays_a_ramp_in_its_place():
    ramp = np.tile(np.arange(40.0), (3, 1))
    out = resize_bicubic(ramp, 2)[1, 8:-8]
    np.testing.assert_allclose(out, (np.arange(8, 72) + 0.5) / 2 - 0.5, atol=1e-12)
    small = resize_bicubic(ramp, 0.5)[1, 3:-3]
    np.testing.assert_allclose(small, (np.arange(3, 17) + 0.5) * 2 - 0.5, atol=1e-12)


def test_borders_repeat_the_outermost_pixels():
    image = np.array([[10.0, 50, 20, 90, 30]])
    longer = np.pad(image, ((0, 0), (5, 5)), mode="symmetric")
    np.testing.assert_allclose(
        resize_bicubic(image, 2)[0], resize_bicubic(longer, 2)[0, 10:-10], atol=1e-12
    )


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_weights_of_blocks_are_those_of_the_kernel(factor):
    image = np.zeros((1, 11))
    image[0, 5] = 1
    found = resize_bicubic(image, factor, (1, 11 * factor))[0].reshape(11, factor)[3:8]
    np.testing.assert_allclose(bicubic_weights(factor)[:, ::-1].T, found, atol=1e-12)


@pytest.mark.parametrize("place", [0.125, 0.25, 0.5])
@pytest.mark.parametrize("factor", [1.5, 2, 3, 4])
def test_samples_lie_where_they_are_told_to(factor, place):
    ramp = 3.0 * np.arange(24)[None]
    out = resize_bicubic(ramp, factor, (1, round(24 * factor)), (0.5, place))[0]
    wanted = 3 * ((np.arange(len(out)) + place) / factor - place)
    inside = slice(round(3 * factor), -round(3 * factor))
    np.testing.assert_allclose(out[inside], wanted[inside], atol=1e-9)


@pytest.mark.parametrize("place", [0.125, 0.25])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_weights_of_blocks_know_where_samples_lie(factor, place):
    image = np.zeros((1, 11))
    image[0, 5] = 1
    out = resize_bicubic(image, factor, (1, 11 * factor), (0.5, place))[0]
    found = out.reshape(11, factor)[3:8]
    np.testing.assert_allclose(bicubic_weights(factor, place)[:, ::-1].T, found, atol=1e-12)
    assert np.count_nonzero(out) == np.count_nonzero(found)  # five pixels are enough


@pytest.mark.parametrize("factor", [0, -1, np.nan, np.inf])
def test_factors_that_are_none(factor):
    with pytest.raises(ValueError, match="factor must be positive and finite"):
        resize_bicubic(np.zeros((2, 2)), factor)


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 2, 3)])
def test_images_that_are_none(shape):
    with pytest.raises(ValueError, match="image must be"):
        resize_bicubic(np.zeros(shape), 2)


@pytest.mark.parametrize("factor", [0, 1.5, True])
def test_weights_need_a_whole_factor(factor):
    with pytest.raises(ValueError, match="positive whole number"):
        bicubic_weights(factor)
