"""Pages, drawings and patterns without noise come back as they were."""

import numpy as np
import pytest

from raisr import denoise, estimate_noise
from raisr.colour import rgb_to_gray
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise
from tests.pages import (
    LOOKS,
    blurred,
    hatched,
    on_a_slope,
    patches,
    resized,
    subpixels,
    text,
    through_jpeg,
)

SIZES = [9, 14, 28, 60]


def likeness(page, model="fast", dtype=np.uint8):
    """Return the PSNR of what becomes of a page, of the whole and of its luma."""
    found = []
    for image in (page, rgb_to_gray(page)):
        scale = {np.uint8: 1.0, np.uint16: 257.0, np.float32: 1 / 255}[dtype]
        given = (image * scale).astype(dtype)
        out = denoise(given, model=model, channel_axis=-1 if image.ndim == 3 else None)
        found.append(np.inf if np.array_equal(out, given) else psnr(out / scale, image))
    return min(found)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [text, subpixels, on_a_slope])
def test_sharp_text_stays(kind, look, size):
    assert likeness(kind(look, size)) > 45


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_blurred_text_stays(look, size):
    assert likeness(blurred(look, size)) > 45


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_resized_text_hardly_changes(look, size):
    """Text that was small before it was reduced is texture: nothing in it is flat."""
    assert likeness(resized(look, size)) > (45 if size > 14 else 38)


@pytest.mark.parametrize("cell", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("colours", [2, 3, 5, 16])
def test_patches_of_few_colours_stay(cell, colours):
    page = patches(cell, colours)
    if cell > 1 or colours == 2:  # of single pixels in many colours nobody knows that
        assert likeness(page) == np.inf


@pytest.mark.parametrize("seed", range(4))
def test_hatched_areas_stay(seed):
    assert likeness(hatched(seed)) > 45


@pytest.mark.parametrize("model", ["fast", "best"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_whatever_the_type_and_the_model(model, dtype):
    pages = [text(look, 28) for look in LOOKS]
    for page in (*pages, subpixels("faint", 14), patches(4, 5)):
        assert likeness(page, model, dtype) > 45


@pytest.mark.parametrize("look", sorted(LOOKS.keys() - {"yellow on blue"}))
@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("quality", [90, 95])
def test_of_a_jpeg_no_more_than_its_own_noise_goes(look, halved, quality):
    """Saturated text whose colours are not halved gets more: it is taken for noise of a page."""
    page = text(look, 14)
    given = through_jpeg(page, quality, halved=halved)
    out = denoise(given, channel_axis=-1)
    assert psnr(out, page) > psnr(given, page) - 1.5


@pytest.mark.parametrize("sigma", [5, 15])
@pytest.mark.parametrize("look", LOOKS)
def test_noise_of_a_page_is_found_nevertheless(look, sigma):
    noisy = add_gaussian_noise(text(look, 28), sigma, 0)
    found = estimate_noise(noisy, channel_axis=-1, data_range=255)
    assert found.kind == "white"
    np.testing.assert_allclose(found.levels[0, 1:], sigma, rtol=0.15)
    assert found.most_white > 0.9 * sigma


def test_white_noise_of_a_drawing_in_eight_bits_is_not_of_photons():
    page = text("red on black", 28)
    noisy = np.rint(add_gaussian_noise(page, 5, 0)).clip(0, 255).astype(np.uint8)
    for image, axis in ((noisy, -1), (rgb_to_gray(noisy), None)):
        assert estimate_noise(image, channel_axis=axis).kind == "white"
