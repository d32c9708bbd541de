"""Peaks of histograms bound the noise: pages are told from it, photographs read as before."""

import numpy as np
import pytest
from skimage import data

from comparisons.measure.documents import HELD_BACK_FONTS, Documents
from raisr import denoise, estimate_noise, estimate_sigma
from raisr.colour import OPPONENT, rgb_to_gray
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise
from raisr.peaks import deviations_after, peak_of
from raisr.validate import as_channels
from tests.images import random_bytes

KINDS = ["text", "dither", "checkerboard", "diffused"]
SIGMAS = [2, 5, 10, 20]


def page(kind):
    """A gray page that is dense everywhere, black on white."""
    if kind == "text":
        return rgb_to_gray(Documents(1, 5, HELD_BACK_FONTS).page(0))
    rows, columns = np.indices((256, 256))
    if kind == "dither":
        order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
        return np.uint8(255 * (order[rows % 4, columns % 4] < columns / 16))
    if kind == "checkerboard":
        return np.uint8(255 * ((rows + columns) % 2))
    return np.uint8(255 * (np.random.default_rng(0).random((256, 256)) < columns / 255))


def noisy_page(kind, sigma, *, eight_bits):
    noisy = add_gaussian_noise(page(kind), sigma, 0)
    return np.rint(noisy).clip(0, 255).astype(np.uint8) if eight_bits else noisy


def peak(image):
    return peak_of(as_channels(image, None, 255)[0])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("step", [1, 16, 100])
@pytest.mark.parametrize("steps", [8, 30, 33, 40, 60, 100])
def test_bins_hold_whole_steps_of_the_values(steps, step, dtype):
    """Bins that hold one value here, two there, would have narrow peaks."""
    counts = np.rint(np.random.default_rng(0).normal(200, steps, (300, 300))).clip(0)
    image = (counts * step).astype(dtype)
    found = peak_of(as_channels(image, None, 65535)[0])
    assert found.deviation * 257 == pytest.approx(steps * step, rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("eight_bits", [True, False])
def test_the_level_of_pages(kind, sigma, eight_bits):
    noisy = noisy_page(kind, sigma, eight_bits=eight_bits)
    found = peak(noisy)
    assert found.deviation == pytest.approx(sigma, rel=0.2, abs=0.5)
    assert np.mean(np.abs(page(kind) - found.place) <= 1 + sigma) > 0.2
    assert estimate_sigma(noisy) < 1.25 * sigma + 0.5
    assert estimate_noise(noisy, data_range=255).levels[0, 0] < 1.25 * sigma + 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_pages_without_noise_stay(kind, dtype):
    clean = page(kind).astype(dtype) * (257 if dtype == np.uint16 else 1)
    found = denoise(clean, data_range=None if np.dtype(dtype).kind == "u" else 255)
    np.testing.assert_array_equal(found, clean)


@pytest.mark.parametrize("sigma", [5, 10])
@pytest.mark.parametrize("eight_bits", [True, False])
def test_a_page_of_text_loses_little_where_nothing_is_told(sigma, eight_bits):
    clean, noisy = page("text"), noisy_page("text", sigma, eight_bits=eight_bits)
    out = denoise(noisy, data_range=255).astype(float)
    assert psnr(out.clip(0, 255), clean) > psnr(noisy.astype(float), clean) - 2.0


@pytest.mark.parametrize("sigma", [0, 5, 15, 40])
@pytest.mark.parametrize("name", ["camera", "coins", "brick"])
def test_no_peak_of_a_photograph_is_narrower_than_its_noise(name, sigma):
    noisy = add_gaussian_noise(getattr(data, name)(), sigma, 1)
    assert peak(noisy).deviation > 0.9 * sigma


@pytest.mark.parametrize("sigma", [20, 50, 75])
@pytest.mark.parametrize("name", ["camera", "coins", "moon", "page"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("black", [0, 40])
def test_noise_that_was_clipped_is_no_peak(name, sigma, dtype, black):
    noisy = add_gaussian_noise(getattr(data, name)(), sigma, 1)
    clipped = np.rint(noisy.clip(black, 255 - black)).astype(dtype)
    if dtype == np.float32 or not black:
        assert peak(clipped).deviation > 0.7 * sigma


@pytest.mark.parametrize("gain", [4, 8.5, 25])
def test_scaled_counts_of_photons_are_no_spikes(gain):
    clean = data.camera()
    noisy = np.random.default_rng(0).poisson(clean / gain) * gain
    for image in (noisy.astype(np.float32), np.rint(noisy).clip(0, 255).astype(np.uint8)):
        assert peak(image).deviation > np.sqrt(gain * np.quantile(clean, 0.05))


@pytest.mark.parametrize("factor", [0.7, 1.3, 1.5, 2, 3])
def test_teeth_of_a_stretched_histogram_are_no_peaks(factor):
    noisy = np.rint(add_gaussian_noise(np.full((256, 256), 80.0), 6, 0) * factor).astype(np.uint8)
    assert peak(noisy).deviation > 0.9 * 6 * factor


def test_noise_of_few_levels_in_sixteen_bits():
    noisy = np.rint(add_gaussian_noise(np.full((256, 256), 300.0), 20, 0)).astype(np.uint16)
    noisy[0, 0] = 65535
    assert peak_of(as_channels(noisy, None)[0]).deviation * 257 == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize("shared", [False, True])
def test_what_channels_share_is_told(shared):
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 8, (256, 256, 1 if shared else 3))
    channels = as_channels(128 + noise * np.ones(3), -1, 255)
    found = deviations_after(OPPONENT, channels, [peak_of(channel) for channel in channels])
    expected = [8 * 3**0.5, 0, 0] if shared else [8, 8, 8]
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 9), (40, 2), (31, 33)])
def test_of_few_pixels_nothing_is_told(shape):
    assert np.isinf(peak(random_bytes(shape)).deviation)


def test_flat_images_have_no_peak():
    assert np.isinf(peak(np.full((100, 100), 7, np.uint8)).deviation)
