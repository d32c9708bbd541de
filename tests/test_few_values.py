"""Dithers get their values back, whose histogram tells them; photographs are left to filters."""

import numpy as np
import pytest
from skimage import data

from raisr import denoise, few_values
from raisr.colour import rgb_to_gray
from raisr.few_values import values_told
from raisr.noise import add_gaussian_noise
from raisr.validate import as_channels

SIGMAS = [1, 2, 5, 10]
ORDER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16
SCENE = 127 + 120 * np.sin(np.hypot(*np.indices((256, 256))) / 30)


def ordered(levels):
    """Return the scene in so many grays, in dots."""
    rows, columns = np.indices(SCENE.shape)
    share = SCENE / 255 * (levels - 1) + ORDER[rows % 4, columns % 4]
    return np.uint8(255 / (levels - 1) * np.floor(share).clip(0, levels - 1))


def diffused(low, high):
    """Return the scene in two grays, the error of each pixel given to those behind it."""
    left, out = np.pad(SCENE, ((0, 1), (1, 1))), np.empty(SCENE.shape, np.uint8)
    for row, column in np.ndindex(*SCENE.shape):
        here = left[row, column + 1]
        out[row, column] = high if here > 127 else low
        error = here - 255 * (here > 127)
        left[row, column + 2] += error * 7 / 16
        left[row + 1, column : column + 3] += error * np.array([3, 5, 1]) / 16
    return out


@pytest.fixture(scope="module")
def pages():
    """Dithers by name."""
    found = {"two": ordered(2), "four": ordered(4), "diffused": diffused(0, 255)}
    found["gray"] = diffused(60, 200)
    found["colour"] = np.stack([found["two"], found["gray"], found["diffused"]], axis=-1)
    return found


def gain(page, sigma):
    noisy = add_gaussian_noise(page, sigma, 0).round().clip(0, 255).astype(np.uint8)
    out = denoise(noisy, channel_axis=-1 if page.ndim == 3 else None)
    error = np.mean((out.astype(float) - page) ** 2) + 1e-9
    return 10 * np.log10(np.mean((noisy.astype(float) - page) ** 2) / error)


@pytest.mark.parametrize("sigma", [2, 5])
@pytest.mark.parametrize("kind", ["two", "four", "diffused", "gray", "colour"])
def test_a_dither_is_restored(pages, kind, sigma):
    assert gain(pages[kind], sigma) > 10


def table_of(image, sigma):
    return values_told(as_channels(image, None, 255)[0], sigma)


@pytest.mark.parametrize("sigma", [1, 5, 15, 50])
@pytest.mark.parametrize("name", ["camera", "moon", "astronaut"])
def test_photographs_are_left_to_filters(name, sigma):
    clean = rgb_to_gray(getattr(data, name)())
    noisy = add_gaussian_noise(clean, sigma, 0)
    assert table_of(noisy, sigma) is None
    assert table_of(np.rint(noisy).clip(0, 255).astype(np.uint8), sigma) is None


@pytest.mark.parametrize("sigma", [5, 25])
def test_a_faint_slope_is_no_value(sigma):
    """What differs by less than the noise may be a scene, however narrow its histogram."""
    slope = np.tile(np.linspace(99, 101, 256), (256, 1))
    assert table_of(add_gaussian_noise(slope, sigma, 0), sigma) is None


def test_of_one_value_nothing_is_told():
    assert table_of(np.full((9, 9), 70.0), 5) is None


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("kind", ["two", "four", "diffused", "gray"])
def test_values_of_a_dither_are_told(pages, kind, dtype, sigma):
    noisy = add_gaussian_noise(pages[kind], sigma, 0)
    if np.dtype(dtype).kind == "u":
        noisy = np.rint(noisy * (np.iinfo(dtype).max / 255)).clip(0, np.iinfo(dtype).max)
    (channel,) = as_channels(noisy.astype(dtype), None, 255 if dtype is np.float32 else None)
    plane = channel.levelled().plane()
    told = np.interp(plane, *values_told(channel, sigma))
    assert np.mean((told - pages[kind]) ** 2) < 0.03 * np.mean((plane - pages[kind]) ** 2)


def test_values_rise_and_are_those_of_the_page(pages):
    values, means = table_of(add_gaussian_noise(pages["gray"], 5, 0), 5)
    assert np.all(np.diff(values) > 0)
    np.testing.assert_allclose(
        np.interp([55, 60, 66, 195, 205], values, means), [60] * 3 + [200] * 2, atol=1
    )


def test_noise_around_one_value_is_told_at_once(monkeypatch):
    """No image is fitted to it, which takes a tenth of a second: what it told was one value."""
    monkeypatch.setattr(few_values, "_deconvolved", None)
    assert table_of(add_gaussian_noise(np.full((64, 64), 128.0), 10, 0), 10) is None
