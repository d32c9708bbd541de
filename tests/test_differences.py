"""Whether neighbours are alike oftener than noise leaves them."""

import numpy as np
import pytest
from skimage import data

from raisr.differences import are_exact
from raisr.noise import add_camera_noise, add_gaussian_noise
from raisr.validate import as_channels
from tests.images import random_bytes
from tests.pages import LOOKS, patches, subpixels, text


def exact(image, white=255):
    return are_exact(as_channels(image, -1 if image.ndim == 3 else None, white))


def eight_bits(image):
    return np.rint(image).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("draw", [text, subpixels])
def test_text_is_exact(draw, look):
    page = draw(look, 12)
    assert exact(page)
    assert exact(page.astype(np.uint16) * 257, None)


def test_areas_of_one_colour_are_exact():
    assert exact(patches(6, 4))  # none of it is left out as constant
    assert exact(patches(2, 12))
    assert exact(np.zeros((64, 64), np.uint8))


@pytest.mark.parametrize("sigma", [1, 2, 10, 50])
@pytest.mark.parametrize("mean", [0, 5, 128, 255])
def test_noise_is_not_exact_where_it_was_clipped_or_not(sigma, mean):
    noisy = add_gaussian_noise(np.full((128, 128), float(mean)), sigma, 0)
    assert not exact(noisy)
    assert not exact(noisy.clip(0, 255))
    assert not exact(eight_bits(noisy))


@pytest.mark.parametrize("sigma", [1, 2, 10, 50])
def test_floats_may_have_been_clipped_anywhere(sigma):
    noisy = add_gaussian_noise(np.full((128, 128), 40.0), sigma, 0)
    assert not exact(noisy.clip(40, 215))
    assert not exact(np.rint(noisy).clip(40, 215))


@pytest.mark.parametrize("sigma", [1, 5])
@pytest.mark.parametrize("look", LOOKS)
def test_noise_on_text_is_not_exact(look, sigma):
    assert not exact(eight_bits(add_gaussian_noise(text(look, 28), sigma, 0)))


def test_noise_in_one_channel_is_not_exact():
    page = text("dark theme", 12)
    page[..., 1] = eight_bits(add_gaussian_noise(page[..., 1], 3, 0))
    assert not exact(page)
    assert exact(page[..., ::2].copy())


@pytest.mark.parametrize("factor", [1.3, 1.5, 2, 3, 25])
def test_stretched_and_counted_noise_is_not_exact(factor):
    rng = np.random.default_rng(0)
    counts = rng.poisson(data.camera() / 255 * 250 / factor) * factor
    assert not exact(eight_bits(counts))
    assert not exact(counts.astype(np.float32))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.03])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_noise_is_seen_beside_few_pixels_that_are_far_brighter(share, dtype):
    """Stars, and lamps in linear light, do not tell how far apart values are."""
    rng = np.random.default_rng(0)
    sky = rng.normal(1000, 30, (256, 256))
    sky[rng.random(sky.shape) < share] = 60000
    assert not exact(np.rint(sky).astype(dtype), 4000)


@pytest.mark.parametrize("quality", [75, 92, None])
def test_photographs_are_not_exact(quality):
    photo = data.astronaut()[:256, 100:356]
    assert not exact(add_camera_noise(photo, 0.003, 0, smoothing=0.5, quality=quality))
    assert not exact(data.camera())


def test_of_large_images_some_rows_are_looked_at():
    noisy = eight_bits(add_gaussian_noise(np.full((1500, 900), 99.0), 4, 0))
    assert not exact(noisy)
    assert exact(np.tile(text("faint", 12), (8, 5, 1)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (7, 5), (31, 33)])
def test_of_few_pixels_little_is_told(shape):
    image = random_bytes(shape)
    assert exact(image) == (np.unique(image).size <= 2)
