"""The level of noise that was clipped is found as it was before."""

import numpy as np
import pytest
from skimage import data

from raisr import denoise, estimate_noise
from raisr.bends import bends
from raisr.clipped_level import level_before_clipping, misfit_of_clipped
from raisr.metrics import psnr
from raisr.noise_estimate import NORMAL_QUARTILE
from raisr.validate import GrayImage


def noise_of_level(mean, sigma, dtype=np.uint8, shape=(192, 192), seed=0):
    """Return a flat image with noise, clipped and rounded."""
    top = np.iinfo(dtype).max
    noisy = mean + np.random.default_rng(seed).normal(0, sigma, shape)
    return np.rint(noisy.clip(0, 255) * (top / 255)).astype(dtype)


def level_read(plane):
    """Return the level that the median of details tells."""
    return float(np.median(np.abs(bends(plane)))) / NORMAL_QUARTILE


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("mean", "sigma"), [(128, 80), (30, 40), (240, 25), (0, 20), (255, 20)])
def test_the_level_is_that_before_clipping(dtype, mean, sigma):
    white = np.iinfo(dtype).max
    images = [noise_of_level(mean, sigma, dtype, seed=seed) for seed in range(3)]
    channels = [GrayImage(image, 255 / white) for image in images]
    first, second, _ = (channel.plane() for channel in channels)
    found = level_before_clipping(channels[:1], level_read(first))
    assert found == pytest.approx(sigma, rel=0.08)
    of_chroma = level_before_clipping(channels, level_read(first - second) / np.sqrt(2))
    assert of_chroma == pytest.approx(sigma, rel=0.15)


def test_a_level_of_what_was_not_clipped_stays():
    for image in (noise_of_level(128, 20), np.full((40, 40), 255, np.uint8)):
        assert level_before_clipping([GrayImage(image)], 20.0) == 20
    half = noise_of_level(255, 20)
    half[:, 96:] = noise_of_level(128, 20)[:, 96:]
    read = level_read(GrayImage(half).plane())
    assert 13 < read < 17
    assert level_before_clipping([GrayImage(half)], read) == pytest.approx(20, rel=0.1)
    floats = noise_of_level(255, 20).astype(np.float32)
    floats[3, 4] = 256
    assert level_before_clipping([GrayImage(floats)], 12.0) == 12
    assert level_before_clipping([GrayImage(noise_of_level(255, 20))], 0.0) == 0
    assert level_before_clipping([GrayImage(noise_of_level(9, 20, shape=(3, 5)))], 9.0) == 9


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [25, 50, 75])
def test_nothing_told_clipped_noise_goes_as_if_told(sigma, channels, dtype):
    """Its level seemed 45 and 60 where it was 50 and 75: up to 2.5 dB were lost."""
    clean = data.astronaut()[:200, :200, :channels]
    noisy = noise_of_level(clean, sigma, shape=clean.shape).astype(dtype)
    options = {"channel_axis": -1, "data_range": 255}
    told = psnr(denoise(noisy, sigma, **options), clean)
    assert psnr(denoise(noisy, **options), clean) > told - 0.15


def test_white_noise_that_the_dark_clipped_is_none_of_photons():
    """It seemed to grow with the brightness, and 13 dB were lost."""
    clean = data.retina()[:256, 100:356]
    noisy = noise_of_level(clean, 60, shape=clean.shape)
    assert estimate_noise(noisy, channel_axis=-1).kind == "white"
    told = psnr(denoise(noisy, 60, channel_axis=-1), clean)
    assert psnr(denoise(noisy, channel_axis=-1), clean) > told - 0.3


def test_noise_of_photons_is_not_steady():
    means = np.linspace(20, 230, 12)
    rows = [noise_of_level(mean, 40, shape=(64, 256)) for mean in means]
    clipped = [GrayImage(np.concatenate(rows))]
    seen, deviation = [row.mean() for row in rows], [row.std() for row in rows]
    assert misfit_of_clipped(clipped, seen, np.array(deviation)) < 0.1
    assert misfit_of_clipped(clipped, seen, 3 * np.sqrt(seen)) > 0.4
    whole = [GrayImage(noise_of_level(128, 20))]
    assert misfit_of_clipped(whole, seen, np.array(deviation)) == np.inf
