"""Pages denoised by the shipped models: they gain, whatever the type, and get no ghosts."""

from functools import partial

import numpy as np
import pytest

from comparisons.documents import gain, lines
from comparisons.measure.documents import HELD_BACK_FONTS, Documents
from raisr import denoise
from raisr.colour import rgb_to_gray

MODELS = ["fast", "best"]


def gain_of(clean, model, sigma=10.0, *, eight_bits=False):
    tool = partial(denoise, sigma=sigma, model=model, num_threads=2)
    return gain(clean, sigma, 3, eight_bits=eight_bits, denoise=tool)


@pytest.mark.parametrize(("eight_bits", "least"), [(False, 6.0), (True, 3.0)])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("turn", [0, 1])
def test_lines_gain(model, eight_bits, least, turn):
    assert gain_of(np.rot90(lines(), turn), model, eight_bits=eight_bits) > least


@pytest.mark.parametrize("model", MODELS)
def test_black_lines_in_colour_gain(model):
    """All channels alike have one noise: three draws of it are colour."""
    clean = np.repeat(lines()[..., None], 3, axis=2)
    assert gain_of(clean, model) > 5
    assert gain_of(clean, model, eight_bits=True) > 2


@pytest.mark.parametrize("sigma", [5.0, 10.0, 25.0])
@pytest.mark.parametrize("model", MODELS)
def test_held_back_pages_gain(model, sigma):
    pages = [rgb_to_gray(page) for page in Documents(16, 1, HELD_BACK_FONTS)]
    gains = [gain_of(page, model, sigma) for page in pages]
    assert np.mean(gains) > {"fast": 2.3, "best": 3.6}[model]
    assert min(gains) > -1.5
    assert np.mean([gain_of(page, model, sigma, eight_bits=True) for page in pages]) > 1.5


@pytest.mark.parametrize("model", MODELS)
def test_between_lines_there_is_no_ghost(model):
    """White paper between black lines stays white, and a line black."""
    clean = lines(16)
    noisy = (clean + np.random.default_rng(0).normal(0, 10, clean.shape)).clip(0, 255)
    out = denoise(np.rint(noisy).astype(np.uint8), 10, model=model).astype(float)
    rows = out.reshape(16, 16, 256).mean(axis=(0, 2))
    assert rows[0] < 10
    assert rows[1:].min() > 249
