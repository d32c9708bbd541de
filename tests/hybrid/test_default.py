"""Denoising in one call, with the shipped network of all noise levels."""

import numpy as np
import pytest
import skimage.data
import torch

import hybrid
import raisr
from hybrid import zoo
from hybrid.default import CAMERA
from raisr.colour import rgb_to_gray
from raisr.noise import add_gaussian_noise
from tests.pages import blurred, patches, text, through_jpeg
from tests.test_few_values import ordered

CLEAN = skimage.data.camera()[100:260, 180:350]


def psnr(found):
    return -10 * np.log10(np.mean((np.clip(found, 0, 255) / 255 - CLEAN / 255) ** 2))


@pytest.mark.parametrize(("sigma", "gain"), [(5, 2), (10, 4), (15, 5), (25, 7), (50, 9), (75, 9.5)])
@pytest.mark.parametrize("eight_bit", [False, True])
def test_every_noise_level(sigma, gain, eight_bit):
    noisy = add_gaussian_noise(CLEAN, sigma, seed=0)
    if eight_bit:
        noisy = noisy.round().clip(0, 255).astype(np.uint8)
    found = hybrid.denoise(noisy, data_range=255)
    assert found.dtype == noisy.dtype
    assert psnr(found) > psnr(noisy) + gain


@pytest.mark.parametrize("sigma", [None, 75, 90])
@pytest.mark.parametrize("seed", range(3))
def test_the_strongest_noise(sigma, seed):
    noisy = add_gaussian_noise(CLEAN, 80, seed=seed)
    assert psnr(hybrid.denoise(noisy, sigma, data_range=255)) > psnr(noisy) + 8


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("told", [False, True])
def test_noise_beyond_all_levels(told, channels):
    clean = skimage.data.astronaut()[:160, :160, :channels]
    noisy = add_gaussian_noise(clean, 130, seed=0)
    options = {"sigma": 130 if told else None, "channel_axis": -1, "data_range": 255}
    found = raisr.metrics.psnr(hybrid.denoise(noisy, **options), clean)
    assert found > raisr.metrics.psnr(raisr.denoise(noisy, model="best", **options), clean) + 0.3


@pytest.mark.parametrize(
    ("dtype", "unit"), [(np.float16, 50.0), (np.float64, 1e30), (np.float64, 1e-30)]
)
def test_noise_beyond_all_levels_in_any_unit(dtype, unit):
    values = (add_gaussian_noise(CLEAN, 130, seed=0) * np.float64(unit)).astype(dtype)
    stored = (values / np.float64(unit)).astype(np.float32)  # half floats are rounded
    options = {"precision": "float32"}
    wanted = hybrid.denoise(stored, 130, data_range=255, **options)
    found = hybrid.denoise(values, 130 * unit, data_range=255 * unit, **options)
    assert found.dtype == dtype
    differences = np.abs(found / np.float64(unit) - wanted)
    assert differences.mean() < 0.1
    assert differences.max() < 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("sigma", [50, 75, 97])
def test_nothing_told_clipped_noise_goes_as_if_told(sigma, dtype):
    noisy = add_gaussian_noise(CLEAN, sigma, seed=0).round().clip(0, 255).astype(dtype)
    told = psnr(hybrid.denoise(noisy, sigma, data_range=255))
    assert psnr(hybrid.denoise(noisy, data_range=255)) > told - 0.2
    assert told >= psnr(raisr.denoise(noisy, sigma, model="best", data_range=255))


def test_a_clean_image_stays():
    found = hybrid.denoise(CLEAN)
    assert np.array_equal(found, CLEAN) or psnr(found) > 45


def test_a_colour_image():
    clean = skimage.data.astronaut()[:96, 180:300]
    noisy = add_gaussian_noise(clean, 25, seed=0)
    found = hybrid.denoise(noisy, channel_axis=-1, data_range=255)
    assert np.mean((found - clean) ** 2) < np.mean((noisy - clean) ** 2) / 4


def test_one_pixel():
    assert hybrid.denoise(np.full((1, 1), 99, np.uint8)).shape == (1, 1)


def test_any_number_of_threads_gives_the_same():
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(hybrid.denoise(CLEAN))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_other_weights():
    noisy = add_gaussian_noise(CLEAN, 25, seed=0)
    name = "edsr16_standard_25"
    found = hybrid.denoise(noisy, 25, weights=name, data_range=255)
    np.testing.assert_array_equal(found, zoo.load(name).denoise(noisy, 25, data_range=255))


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (CLEAN, {"sigma": 1100}, "sigma, given or estimated, is 1100 gray levels of 255"),
        (CLEAN, {"sigma": -1}, "sigma must be finite and not negative"),
        (CLEAN, {"sigma": 10, "weights": "edsr16_standard_25"}, "trained for sigma 25, got 10"),
        (
            add_gaussian_noise(CLEAN, 25, seed=0),
            {},
            "is 6338 gray levels of 255; .*is data_range right",
        ),
        (np.full((8, 8), np.nan), {}, "is not finite"),
        (np.zeros((0, 8)), {}, "empty"),
        (np.zeros((8, 8, 3)), {}, "must have two dimensions"),
        (np.zeros((8, 8, 3)), {"channel_axis": 5}, "channel_axis must be from -3 to 2, got 5"),
        (np.zeros((8, 8, 3)), {"channel_axis": "x"}, "channel_axis must be from -3 to 2, got"),
        (CLEAN, {"precision": "half"}, "precision must be one of auto, float32, bfloat16, got"),
    ],
)
@pytest.mark.filterwarnings("ignore:image has values far above white")
def test_bad_input_is_refused(image, options, message):
    with pytest.raises(ValueError, match=message):
        hybrid.denoise(image, **options)


def test_unknown_weights():
    with pytest.raises(FileNotFoundError, match="no weights 'nothing'; .*unet_base"):
        hybrid.denoise(CLEAN, weights="nothing")


@pytest.mark.parametrize("demosaic", ["edge", "bilinear"])
@pytest.mark.parametrize("gain", [0.002, 0.01])
def test_noise_of_a_camera_has_a_network_of_its_own(demosaic, gain):
    clean = skimage.data.chelsea()
    noisy = raisr.noise.add_camera_noise(clean, gain, 0, demosaic=demosaic)
    kind = raisr.estimate_noise(noisy, channel_axis=-1).kind
    assert kind in ("camera", "mosaic")
    found = hybrid.denoise(noisy, channel_axis=-1)
    filters = raisr.denoise(noisy, model="best", channel_axis=-1)
    assert raisr.metrics.psnr(found, clean) > raisr.metrics.psnr(filters, clean) + 0.1
    network = zoo.load(CAMERA.weights, precision="auto").denoise(noisy, channel_axis=-1)
    mean = np.rint((filters.astype(float) + network) / 2)
    np.testing.assert_array_equal(found, network if kind == "mosaic" else mean)


def test_noise_of_photons_is_left_to_filters():
    clean = skimage.data.chelsea()
    noisy = raisr.noise.add_poisson_gaussian_noise(clean, 30, 0).clip(0, 255).astype(np.uint8)
    assert raisr.estimate_noise(noisy, channel_axis=-1).kind == "photon"
    expected = raisr.denoise(noisy, model="best", channel_axis=-1)
    np.testing.assert_array_equal(hybrid.denoise(noisy, channel_axis=-1), expected)
    assert (hybrid.denoise(noisy, 20, channel_axis=-1) != expected).any()
    with pytest.raises(ValueError, match="precision must be one of"):
        hybrid.denoise(noisy, channel_axis=-1, precision="half")


def test_three_equal_channels_are_one_gray_image():
    gray = add_gaussian_noise(CLEAN, 20, seed=0)
    for sigma in (None, 20):
        found = hybrid.denoise(np.stack([gray] * 3), sigma, channel_axis=0, data_range=255)
        wanted = hybrid.denoise(gray, sigma, data_range=255)
        np.testing.assert_array_equal(found, np.stack([wanted] * 3))


def test_noise_that_channels_share_is_found_and_removed():
    clean = skimage.data.astronaut()[60:220, 120:300].astype(np.float32)
    shared = np.random.default_rng(0).normal(0, 20, clean.shape[:2]).astype(np.float32)
    for denoise in (hybrid.denoise, raisr.denoise):
        found = denoise(clean + shared[..., None], channel_axis=-1, data_range=255)
        assert np.sqrt(np.mean((found - clean) ** 2)) < 9


@pytest.mark.parametrize("shape", [(128, 128), (128, 128, 3)])
def test_a_drawing_comes_back_as_it_was(shape):
    drawing = np.zeros(shape, np.uint8)
    drawing[32:96, 32:96] = 255
    drawing[:, 50:53] = 90
    axis = -1 if drawing.ndim == 3 else None
    np.testing.assert_array_equal(hybrid.denoise(drawing, channel_axis=axis), drawing)


@pytest.mark.parametrize(
    "page", [text("red on black", 28), blurred("dark theme", 14), patches(3, 5)]
)
def test_pages_without_noise_come_back(page):
    for image, axis in ((page, -1), (rgb_to_gray(page), None)):
        found = hybrid.denoise(image, channel_axis=axis)
        assert np.array_equal(found, image) or raisr.metrics.psnr(found, image) > 45


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_page_of_two_near_gray_levels(dtype):
    """Between them there is no room for parts of a peak."""
    page = np.where(text("black on white", 12)[..., 0] > 128, 120, 90).astype(dtype)
    np.testing.assert_array_equal(hybrid.denoise(page, data_range=255), page)


@pytest.mark.parametrize("count", [1, 3])
def test_a_dither_comes_back_as_its_histogram_tells(count):
    noisy = [add_gaussian_noise(ordered(2), 5, seed) for seed in range(count)]
    stored = np.rint(np.dstack(noisy)).clip(0, 255).astype(np.uint8)
    expected = np.dstack([ordered(2)] * count)
    np.testing.assert_array_equal(hybrid.denoise(stored, channel_axis=-1), expected)


def test_text_in_colour_that_jpeg_made_noisy_is_left_to_filters():
    page = through_jpeg(text("dark theme", 14), 95, halved=False)
    assert raisr.estimate_noise(page, channel_axis=-1).is_drawn
    expected = raisr.denoise(page, model="best", channel_axis=-1)
    np.testing.assert_array_equal(hybrid.denoise(page, channel_axis=-1), expected)


def test_the_level_of_a_gray_page_is_told_by_its_histogram():
    page = rgb_to_gray(text("black on white", 9))
    noisy = add_gaussian_noise(page, 10, 0)
    told = raisr.metrics.psnr(hybrid.denoise(noisy, 10, data_range=255), page)
    assert raisr.metrics.psnr(hybrid.denoise(noisy, data_range=255), page) > told - 0.3
