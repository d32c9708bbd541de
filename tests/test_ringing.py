"""What JPEG leaves beside the edges of text is no noise; noise that went through JPEG is."""

import numpy as np
import pytest
from skimage import data

from raisr import denoise, estimate_noise, sampling
from raisr.colour import rgb_to_gray
from raisr.estimation import noise_of
from raisr.jpeg import compress, has_blocks
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise
from raisr.validate import as_channels
from tests.pages import LOOKS, subpixels, text, through_jpeg


def lost(page, given, model):
    out = denoise(given, model=model, channel_axis=-1 if page.ndim == 3 else None)
    return 0.0 if np.array_equal(out, given) else psnr(given, page) - psnr(out, page)


@pytest.mark.parametrize("model", ["fast", "best"])
@pytest.mark.parametrize("quality", [50, 75, 90])
@pytest.mark.parametrize("look", ["black on white", "red on black", "yellow on blue"])
def test_small_text_through_jpeg_is_left(look, quality, model):
    for draw in (text, subpixels):
        page = draw(look, 9)
        for halved in (False, True):
            assert lost(page, through_jpeg(page, quality, halved=halved), model) < 0.2


@pytest.mark.parametrize("model", ["fast", "best"])
@pytest.mark.parametrize("quality", [50, 75, 90])
@pytest.mark.parametrize("look", ["black on white", "yellow on blue"])
def test_small_gray_text_through_jpeg_is_left(look, quality, model):
    """Where contrast is a quarter of white: fainter text may lose more, as photographs have it."""
    for draw in (text, subpixels):
        gray = rgb_to_gray(draw(look, 9))
        assert lost(gray, compress(gray, quality), model) < 0.2


@pytest.mark.parametrize("size", [12, 14, 28, 60])
@pytest.mark.parametrize("quality", [75, 95])
@pytest.mark.parametrize("look", LOOKS)
def test_text_of_any_size_through_jpeg_is_left(look, quality, size):
    page = text(look, size)
    for halved in (False, True):
        assert lost(page, through_jpeg(page, quality, halved=halved), "fast") < 0.3


@pytest.mark.parametrize(("sigma", "quality"), [(5, 90), (10, 75), (20, 50), (20, 90)])
def test_noise_of_a_photograph_that_went_through_jpeg_is_found(sigma, quality):
    noisy = np.rint(add_gaussian_noise(data.camera(), sigma, 0)).clip(0, 255).astype(np.uint8)
    assert not estimate_noise(compress(noisy, quality)).ringing


@pytest.mark.parametrize("quality", [30, 75, 90])
def test_blocks_are_seen_wherever_they_begin(quality):
    gray = data.camera()[:256, :256]
    assert not has_blocks([gray.astype(np.float32)])
    blocks = compress(gray, quality).astype(np.float32)
    for row, column in ((0, 0), (3, 5), (7, 1)):
        assert has_blocks([blocks[row:, column:]])
    assert not has_blocks([blocks[:20, :20]])


@pytest.mark.parametrize("coloured", [False, True])
def test_blocks_are_seen_in_the_tiles_of_a_large_image(coloured, monkeypatch):
    monkeypatch.setattr(sampling, "WHOLE", 1 << 16)
    monkeypatch.setattr(sampling, "_SIDE", 64)
    page = np.tile(text("black on white", 9), (4, 5, 1))[:701, :909]
    stored = through_jpeg(page, 75, halved=False)
    channels = (
        as_channels(stored, -1, None) if coloured else as_channels(stored[..., 1], None, None)
    )
    sample = sampling.sample_of(channels)
    assert sample[0].array.size < channels[0].array.size // 2
    assert noise_of(sample).ringing
    out = denoise(stored, channel_axis=-1) if coloured else denoise(stored[..., 1])
    np.testing.assert_array_equal(out, stored if coloured else stored[..., 1])
