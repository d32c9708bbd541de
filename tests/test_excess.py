"""Changes that noise does not explain are taken back, in part."""

import numpy as np
import pytest

from raisr.excess import give_back_excess
from raisr.validate import as_image

SHAPES = [(16, 16), (40, 53), (7, 90)]
DTYPES = [np.uint8, np.uint16, np.float16, np.float32, np.float64]


def expected(before, after, level, *, clips):
    """The definition, block by block."""
    out = after.astype(float)
    for y in range(0, len(before), 16):
        for x in range(0, before.shape[1], 16):
            block = np.s_[y : y + 16, x : x + 16]
            old, change = before[block].astype(float), after[block] - before[block].astype(float)
            clipped = np.isin(old, clips).mean() if clips else 0
            most = 1.25 * level**2 * (1 - clipped) ** 1.5
            square = np.mean(change**2)
            out[block] = old + change * min(1, most / square if square else 1) ** 2
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_definition(dtype, shape):
    rng = np.random.default_rng(0)
    before = rng.integers(0, 256, shape).astype(dtype)
    before[rng.random(shape) < 0.3] = 255
    after = (before + rng.normal(0, 16, shape) * (np.arange(shape[1]) > 8)).clip(0, 255)
    after = after.astype(dtype)
    kind = np.dtype(dtype).kind
    clips = (0, np.iinfo(dtype).max) if kind == "u" else ()
    image = as_image(before, np.iinfo(dtype).max if kind == "u" else 255)
    out = after.copy()
    give_back_excess(image, out, 8 * image.factor, 2)
    wanted = expected(before, after, 8, clips=clips)
    wanted = np.rint(wanted) if kind == "u" else wanted
    np.testing.assert_allclose(out, wanted, rtol=2e-3 if dtype == np.float16 else 1e-5, atol=1e-4)
    assert np.any(out != after)


def test_what_noise_explains_stays():
    rng = np.random.default_rng(0)
    before = rng.normal(100, 10, (64, 64))
    out = np.full_like(before, 100)
    give_back_excess(as_image(before, 255), out, 10.0, 1)
    assert np.all(out == 100)


def test_without_noise_nothing_is_taken_back():
    before, out = np.zeros((20, 20)), np.ones((20, 20))
    give_back_excess(as_image(before, 255), out, 0.0, 1)
    assert np.all(out == 1)
