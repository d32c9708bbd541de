"""What clipping took from the mean of noise is given back, where noise was clipped."""

import numpy as np
import pytest
from scipy.stats import norm

from raisr import denoise
from raisr.clipping import unclipped_means, undo_clipping
from raisr.metrics import psnr
from raisr.validate import GrayImage


def clipped_mean(mean, sigma, white):
    """Return the mean of clipped noise, by its integral."""
    x = np.linspace(-9, 9, 200_001)
    return np.trapezoid(norm.pdf(x) * (mean + sigma * x).clip(0, white), x)


@pytest.mark.parametrize(("sigma", "white"), [(1, 255), (25, 255), (200, 255), (3000, 65535)])
def test_means_are_those_before_clipping(sigma, white):
    means = np.array([0, 0.3, 1, 2.5]) * sigma
    means = np.r_[means[means < white], white - means[means < white], white / 2]
    seen = [clipped_mean(mean, sigma, white) for mean in means]
    np.testing.assert_allclose(unclipped_means(seen, sigma, white), means, atol=2e-3 * sigma)


def test_means_that_no_noise_has_are_black_and_white():
    np.testing.assert_array_equal(unclipped_means([0, 1, 254, 255], 20, 255), [0, 0, 255, 255])


@pytest.mark.parametrize("model", ["fast", "best"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 3])
def test_white_stays_white(model, dtype, channels):
    """Clipped, white noise of 20 has a mean of 247 on white; filters alone bring 247."""
    top = np.iinfo(dtype).max
    clean = np.full((96, 96) if channels is None else (96, 96, 3), 255.0)
    clean[32:64] = 0
    clean[64:] = 120
    noisy = (clean + np.random.default_rng(0).normal(0, 20, clean.shape)).clip(0, 255)
    image = np.rint(noisy * (top / 255)).astype(dtype)
    axis = None if channels is None else -1
    out = denoise(image, 20 * top / 255, model=model, channel_axis=axis) * (255 / top)
    assert out[6:26].mean() > 253
    assert out[38:58].mean() < 2
    assert abs(out[70:90].mean() - 120) < 1
    assert psnr(out, clean) > psnr(noisy, clean) + 10


def moved(noisy, out, sigma=20.0, white=255.0, threads=1):
    result = out.copy()
    undo_clipping(GrayImage(noisy, 255 / white), result, sigma * 255 / white, threads)
    return result


def test_what_was_not_clipped_stays():
    """Bright paper whose noise has room, and a level told too high."""
    rng = np.random.default_rng(1)
    noisy = (240 + rng.normal(0, 3, (64, 64))).clip(0, 254).astype(np.uint8)
    out = np.full_like(noisy, 240)
    np.testing.assert_array_equal(moved(noisy, out), out)
    np.testing.assert_array_equal(moved(255 - noisy, 255 - out), 255 - out)


@pytest.mark.parametrize("white", [4095.0, 255.0, 300.0, 0.5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_white(dtype, white):
    """It bounds what moves, whether the type can hold it or not; what lies above stays."""
    top = int(min(white, np.iinfo(dtype).max))
    noisy = np.full((40, 40), top, dtype)
    noisy[::2] = max(top - 30, 0)
    out = np.full_like(noisy, max(top - 8, 0))
    out[0, 0] = np.iinfo(dtype).max
    result = moved(noisy, out, 20.0, white)
    assert (result[1:] == top).all()
    assert result[0, 0] == np.iinfo(dtype).max


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(40, 45), (1, 1), (16, 3), (33, 16)])
def test_floats_move_as_integers_do(dtype, shape):
    rng = np.random.default_rng(3)
    noisy = (rng.choice([0, 250], shape) + rng.normal(0, 20, shape)).clip(0, 255)
    noisy, out = np.rint(noisy).astype(np.uint8), rng.integers(0, 256, shape, np.uint8)
    want = moved(noisy, out)
    for white in (255.0, 1.0, 0.3):
        unit = white / 255
        floats = (noisy.astype(np.float64) * unit).clip(0, white).astype(dtype)
        found = out.astype(np.float64) * unit
        undo_clipping(GrayImage(floats, 255 / white), found, 20.0, 2)
        np.testing.assert_allclose(found / unit, want, atol=0.6)


def test_floats_that_were_not_clipped_stay():
    noisy = np.full((40, 40), 255, np.float32)
    noisy[::3, ::3] = 255.5
    out = noisy - 8
    np.testing.assert_array_equal(moved(noisy, out), out)
    np.testing.assert_array_equal(moved(noisy[:7] - 60, out[:7]), out[:7])


def test_threads_and_layout_make_no_difference():
    rng = np.random.default_rng(2)
    noisy = (rng.choice([0.0, 250], (700, 700)) + rng.normal(0, 20, (700, 700))).clip(0, 255)
    noisy = np.rint(noisy).astype(np.uint8)
    out = rng.integers(0, 256, noisy.shape, np.uint8)
    want = moved(noisy, out)
    assert (want != out).any()
    np.testing.assert_array_equal(moved(noisy, out, threads=3), want)
    np.testing.assert_array_equal(moved(noisy.T, out.T), want.T)
    three = np.repeat(out[..., None], 3, axis=2)
    undo_clipping(GrayImage(noisy), three[..., 1], 20.0, 2)
    np.testing.assert_array_equal(three[..., 1], want)
    np.testing.assert_array_equal(three[..., 0], out)
