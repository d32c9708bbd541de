"""estimate_noise: white and camera noise, and images that have none or hide it."""

from dataclasses import asdict

import numpy as np
import pytest
from skimage import data

from raisr import denoise, estimate_noise, estimate_sigma
from raisr.colour import LUMA_NOISE
from raisr.estimation import noise_of
from raisr.noise import add_camera_noise, add_gaussian_noise, add_poisson_gaussian_noise
from raisr.noise_estimate import BINS, NoiseEstimate
from raisr.sampling import strips_of
from raisr.validate import as_channels
from tests.images import noisy_scene, random_bytes


def photograph():
    return data.astronaut()[:256, 100:356]


def drawing():
    """A box and a bar, without noise."""
    image = np.zeros((256, 256), np.uint8)
    image[64:192, 64:192] = 255
    image[:, 100:103] = 90
    return image


@pytest.mark.parametrize("sigma", [1, 5, 25, 60])
def test_white_noise_of_gray(sigma):
    found = estimate_noise(add_gaussian_noise(np.full((512, 512), 128.0), sigma, 0), data_range=255)
    np.testing.assert_allclose(found.levels[:, 0], sigma / 2.0 ** np.arange(3), rtol=0.1)
    assert found.is_white


@pytest.mark.parametrize("sigma", [5, 15, 40])
def test_white_noise_of_colour(sigma):
    found = estimate_noise(
        add_gaussian_noise(photograph(), sigma, 0), channel_axis=-1, data_range=255
    )
    assert found.levels[0] == pytest.approx([sigma * LUMA_NOISE, sigma, sigma], rel=0.2, abs=1.0)
    assert found.is_white


@pytest.mark.parametrize("gain", [0.003, 0.012])
@pytest.mark.parametrize("demosaic", ["bilinear", "edge"])
def test_camera_noise_is_not_white(gain, demosaic):
    noisy = add_camera_noise(photograph(), gain, 0, demosaic=demosaic, smoothing=0.5)
    found = estimate_noise(noisy, channel_axis=-1)
    assert not found.is_white
    assert np.all(found.plane_levels() > found.levels[0])


def test_levels_are_in_the_unit_of_the_image():
    noisy = add_gaussian_noise(photograph(), 20, 0)
    gray_levels = estimate_noise(noisy, channel_axis=-1, data_range=255)
    unit = estimate_noise(noisy / 255, channel_axis=-1)
    for name in ("levels", "brightness", "deviation"):
        a, b = getattr(gray_levels, name), getattr(unit, name)
        np.testing.assert_allclose(a, 255 * b, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("offset", [-1e4, 1e7, [0, 1e6, 1e7]])
@pytest.mark.parametrize("axis", [None, -1])
def test_an_added_constant_changes_brightness_alone(offset, axis):
    noisy = add_gaussian_noise(photograph(), 20, 0).astype(np.float64)
    offset = np.asarray(offset)
    if axis is None:
        noisy, offset = noisy[..., 0], offset.flat[-1]
    plain, moved = (
        estimate_noise(i, channel_axis=axis, data_range=255) for i in (noisy, noisy + offset)
    )
    np.testing.assert_allclose(moved.levels, plain.levels, rtol=1e-2)
    np.testing.assert_allclose(moved.deviation, plain.deviation, rtol=1e-2)
    np.testing.assert_allclose(moved.brightness, plain.brightness + np.mean(offset), atol=1e-2)


def test_brightness_tells_of_photons():
    ramp = np.tile(np.linspace(0.1, 1, 512), (512, 1))
    noisy = add_poisson_gaussian_noise(ramp, 100, 0, data_range=1)
    found = estimate_noise(noisy)
    np.testing.assert_allclose(found.deviation**2, found.brightness / 100, rtol=0.2)


def test_nothing_is_found_in_a_drawing():
    assert estimate_noise(drawing()).levels.max() == 0
    assert estimate_sigma(drawing()) == 0
    colour = np.dstack([drawing(), drawing().T, 255 - drawing()])
    assert estimate_noise(colour, channel_axis=-1).levels[0].max() == 0
    np.testing.assert_array_equal(denoise(colour, channel_axis=-1), colour)


@pytest.mark.parametrize("kind", ["letterbox", "saturated", "lines"])
def test_what_has_no_noise_is_left_out(kind):
    noisy = add_gaussian_noise(np.full((256, 256), 128.0), 20, 0).clip(0, 255).astype(np.uint8)
    if kind == "letterbox":
        noisy[:100] = 16
    elif kind == "saturated":
        noisy[:, 60:200] = 255
    else:
        noisy[::40] = 0
    assert estimate_noise(noisy).levels[0, 0] == pytest.approx(20, rel=0.1)


def test_texture_counts_little():
    clean = data.brick()[:256, :256]
    assert estimate_noise(add_gaussian_noise(clean, 10, 0), data_range=255).levels[0, 0] < 12


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 2), (3, 3), (5, 9), (40, 2)])
@pytest.mark.parametrize("channels", [0, 2, 3])
def test_any_size(shape, channels):
    image = random_bytes((*shape, channels) if channels else shape)
    found = estimate_noise(image, channel_axis=-1 if channels else None)
    assert found.levels.shape == (3, channels or 1)
    assert np.isfinite(found.levels).all()


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_flat_images_have_no_noise(value):
    found = estimate_noise(np.full((64, 64, 3), float(value)), channel_axis=-1)
    assert not found.levels.any()
    assert found.is_white


def test_of_large_images_strips_are_looked_at():
    noisy = add_gaussian_noise(np.zeros((5000, 1200)), 10, 0)
    whole = estimate_noise(noisy, data_range=255).levels
    np.testing.assert_allclose(whole[:, 0], [10, 5, 2.5], rtol=0.03)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_threads_find_the_same_in_strips(count):
    noisy = add_camera_noise(np.tile(photograph(), (5, 4, 1)), 0.01, 0)
    channels = as_channels(noisy[..., :count], -1, None)
    assert len(list(strips_of(channels))) > 3
    one, three = (asdict(noise_of(channels, num_threads=n)) for n in (1, 3))
    assert one["levels"].all()
    for name, value in one.items():
        np.testing.assert_array_equal(three[name], value, err_msg=name)


def test_the_image_is_not_changed_and_may_be_read_only():
    image = noisy_scene()
    before = image.copy()
    image.flags.writeable = False
    estimate_noise(image, data_range=255)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("times", [1, 1e10, 1e20, 1e30])
def test_photons_over_an_offset_are_told_in_any_unit(times):
    """The part of a fit that does not grow used to be lost beside brightnesses of 1e15."""
    clean = np.tile(np.linspace(70, 250, 256), (256, 1))
    noisy = add_poisson_gaussian_noise(clean - 60, 255 / 4, 0) + 60
    found = estimate_noise(noisy * times, data_range=255)
    assert found.kind == "photon"
    assert found.photons.gain == pytest.approx(4 * times, rel=0.1)
    assert found.photons.offset == pytest.approx(60 * times, rel=0.15)


def test_photons_make_no_noise_below_black():
    """Its logarithm is looked for all the same: a warning, before."""
    brightness = np.linspace(-5, 235, BINS)
    deviation = np.sqrt(2 * np.maximum(brightness - 10, 0.1))
    found = NoiseEstimate(np.array([[10.0], [5.0], [2.5]]), brightness, deviation)
    assert found.photons.offset == 0
    assert found.grows
