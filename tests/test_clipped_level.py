"""The level of noise that was clipped is found as it was before."""

import numpy as np
import pytest
from skimage import data

from raisr import denoise
from raisr.clipped_level import level_before_clipping
from raisr.metrics import psnr
from raisr.validate import GrayImage


def noise_of_level(mean, sigma, dtype=np.uint8, shape=(96, 96)):
    """Return a flat image with noise, clipped and rounded."""
    top = np.iinfo(dtype).max
    noisy = mean + np.random.default_rng(0).normal(0, sigma, shape)
    return np.rint(noisy.clip(0, 255) * (top / 255)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("mean", "sigma"), [(128, 60), (30, 40), (240, 25), (0, 20), (255, 20)])
def test_the_level_is_that_before_clipping(dtype, mean, sigma):
    image = noise_of_level(mean, sigma, dtype)
    channel = GrayImage(image, 255 / np.iinfo(dtype).max)
    left = float(channel.plane().std())
    assert left < 0.98 * sigma
    assert level_before_clipping([channel], left) == pytest.approx(sigma, rel=0.06)
    assert level_before_clipping([channel] * 3, left) == pytest.approx(sigma, rel=0.06)


def test_a_level_of_what_was_not_clipped_stays():
    for image in (noise_of_level(128, 20), np.full((40, 40), 255, np.uint8)):
        assert level_before_clipping([GrayImage(image)], 20.0) == 20
    half = noise_of_level(255, 20)
    half[:, 48:] = noise_of_level(128, 20)[:, 48:]
    details = np.diff(np.diff(GrayImage(half).plane()[:, ::2], axis=0)[::2], axis=1)[:, ::2] / 2
    read = float(np.median(np.abs(details))) / 0.6745
    assert 13 < read < 17
    assert level_before_clipping([GrayImage(half)], read) == pytest.approx(20, rel=0.1)
    floats = noise_of_level(255, 20).astype(np.float32)
    assert level_before_clipping([GrayImage(floats)], 12.0) == 12
    assert level_before_clipping([GrayImage(noise_of_level(255, 20))], 0.0) == 0
    assert level_before_clipping([GrayImage(noise_of_level(9, 20, shape=(3, 5)))], 9.0) == 9


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [25, 50, 75])
def test_nothing_told_strong_noise_of_8_bits_goes_as_if_told(sigma, channels):
    """Its level seemed 45 and 60 where it was 50 and 75: up to 2.5 dB were lost."""
    clean = data.astronaut()[:200, :200, :channels]
    noisy = noise_of_level(clean, sigma, shape=clean.shape)
    told = psnr(denoise(noisy, sigma, channel_axis=-1), clean)
    assert psnr(denoise(noisy, channel_axis=-1), clean) > told - 0.15
