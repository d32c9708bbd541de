"""The noise model: float, unclipped, of the stated size, and repeatable."""

import dataclasses

import numpy as np
import pytest

from raisr.colour import opponent_planes
from raisr.noise import VIDEO_RANGE, ColourNoise, GaussianNoise, VideoRangeNoise, add_gaussian_noise
from tests.images import random_bytes, scene


def test_it_is_the_image_plus_noise_of_the_stated_deviation():
    image = scene((200, 300))
    noise = add_gaussian_noise(image, 25, seed=0).astype(np.float64) - image
    assert np.std(noise) == pytest.approx(25, rel=0.01)
    assert abs(np.mean(noise)) < 0.3
    normalised = np.sort(noise.ravel()) / 25
    assert np.interp(1, normalised, np.linspace(0, 1, noise.size)) == pytest.approx(
        0.8413, abs=5e-3
    )


def test_it_is_neither_clipped_nor_rounded():
    noisy = add_gaussian_noise(np.tile([[0], [255]], (1, 500)).astype(np.uint8), 25, seed=0)
    assert noisy.dtype == np.float32
    assert noisy.min() < -25
    assert noisy.max() > 280
    assert (noisy != noisy.round()).any()


def test_the_seed_decides_and_the_image_stays():
    image = scene()
    before = image.copy()
    first, again, other = (add_gaussian_noise(image, 10, seed=s) for s in (1, 1, (1, 2)))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(image, before)


def test_a_generator_goes_on():
    rng = np.random.default_rng(3)
    first, second = (add_gaussian_noise(scene(), 10, seed=rng) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, add_gaussian_noise(scene(), 10, seed=3))


@pytest.mark.parametrize("sigma", [-1, np.nan, np.inf, True, "25"])
def test_levels_that_are_none_are_refused(sigma):
    with pytest.raises(ValueError, match="sigma must be finite and not negative, got"):
        add_gaussian_noise(scene(), sigma, seed=0)


def test_images_that_are_none_are_refused():
    with pytest.raises(TypeError, match="image must be of real numbers, got complex128"):
        add_gaussian_noise(np.ones((2, 2), complex), 25, seed=0)
    for prepare in (ColourNoise().prepare, GaussianNoise().prepare_colour):
        with pytest.raises(
            ValueError, match=r"a colour image has shape \(H, W, 3\), got \(64, 80\)"
        ):
            prepare(scene(), 25, 0)
        with pytest.raises(TypeError, match="image must be uint8, got float64"):
            prepare(np.zeros((4, 5, 3)), 25, 0)


def test_noise_of_colours_is_drawn_anew():
    noise = ColourNoise()
    sample = noise.prepare(np.dstack([scene(seed=seed) for seed in range(3)]), 25, 0)
    again, other = (noise.redraw(sample, 25, seed) for seed in (0, 1))
    np.testing.assert_array_equal(again, sample.noisy)
    assert np.std(other - sample.clean) == pytest.approx(25, rel=0.05)
    assert not np.array_equal(again, other)


def test_gray_noise_is_drawn_anew():
    image = scene((200, 300))
    for noise, (black, white) in (
        (GaussianNoise(), (-np.inf, np.inf)),
        (VideoRangeNoise(), VIDEO_RANGE),
    ):
        sample = noise.prepare(image, 25, 0)
        again, other = (noise.redraw(sample, 25, seed) for seed in (0, 1))
        np.testing.assert_allclose(again, sample.noisy, atol=1e-4)
        assert np.std(other - sample.clean) == pytest.approx(np.std(again - sample.clean), rel=0.02)
        assert not np.array_equal(again, other)
        assert black <= other.min() <= other.max() <= white


def test_noise_of_opponent_planes_is_white_in_each():
    rgb = random_bytes((90, 110, 3))
    sample = GaussianNoise().prepare_colour(rgb, 25, 0)
    np.testing.assert_array_equal(sample.clean, opponent_planes(np.moveaxis(rgb, -1, 0)))
    np.testing.assert_allclose(np.std(sample.noisy - sample.clean, axis=(1, 2)), 25, rtol=0.03)


def test_models_and_samples_do_not_change():
    sample = GaussianNoise().prepare(random_bytes((4, 5)), 25, 0)
    for each, name in (
        (GaussianNoise(), "name"),
        (ColourNoise(), "name"),
        (VideoRangeNoise(), "name"),
        (sample, "sigma"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(each, name, None)


def test_a_sample_tells_where_its_colours_are():
    rgb = random_bytes((4, 5, 3))
    assert ColourNoise().prepare(rgb, 25, 0).channel_axis == -1
    for noise in (GaussianNoise(), VideoRangeNoise()):
        assert noise.prepare(rgb, 25, 0).channel_axis is None
