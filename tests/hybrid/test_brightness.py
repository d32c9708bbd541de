"""Networks see images between black and white, wherever their values lie."""

import numpy as np
import pytest

import hybrid
from hybrid.brightness import between_black_and_white
from raisr.validate import as_image
from tests.images import scene

CLEAN = scene((96, 112))
NOISY = CLEAN + np.random.default_rng(0).normal(0, 10, CLEAN.shape)
MISFIT = "image has values that do not fit data_range"


def error(black=0.0, unit=1.0, sigma=10, dtype=np.float64, **options):
    """Mean square error, in gray levels, where values are `black` and so many units for each."""
    image = (black + unit * NOISY).astype(dtype)
    found = hybrid.denoise(image, sigma and sigma * unit, data_range=255 * unit, **options)
    return np.mean(((found.astype(np.float64) - black) / unit - CLEAN) ** 2)


@pytest.mark.parametrize("model", ["small", "base"])
@pytest.mark.parametrize("shift", [-1000, -190, -128, -96, -64, 96, 128, 190, 1000])
def test_an_added_constant_costs_nothing(model, shift):
    """Half of the range too bright or too dark used to cost three dB, a quarter one."""
    assert error(shift, model=model) < 1.06 * error(model=model)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(-1000, 1000, np.float32), (280, 300, np.float32), (3000, 3400, np.float64)],
    ids=["Hounsfield", "kelvin", "heights"],
)
@pytest.mark.parametrize("sigma", [10, None])
def test_measured_values(low, high, dtype, sigma):
    found = error(float(low), (high - low) / 255, sigma, dtype)
    assert found < 1.06 * error(sigma=sigma)


def test_counts_of_sixteen_bits():
    assert error(6000, 16, dtype=np.uint16) < 1.06 * error()


def test_colours():
    colours = np.stack([NOISY, NOISY + 1, NOISY - 1], axis=-1)
    found = [
        hybrid.denoise(colours + c, 10, channel_axis=-1, data_range=255) - c for c in (0, -128)
    ]
    errors = [np.mean((x - CLEAN[..., None]) ** 2) for x in found]
    assert errors[1] < 1.06 * errors[0]


@pytest.mark.parametrize("white", [20.0, 40.0])
def test_what_spans_more_than_white_is_said(white):
    kelvin = 250 + NOISY / 255 * 70
    with pytest.warns(UserWarning, match=f"{MISFIT}={white:g}") as said:
        hybrid.denoise(kelvin, 1.0, data_range=white)
    assert [warning.filename for warning in said] == [__file__]


@pytest.mark.filterwarnings("error")
def test_what_spans_white_is_not_said():
    hybrid.denoise(250 + NOISY / 255 * 70, 1.0, data_range=70)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("level", [0, 0.5, 1])
@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (60, 70)])
def test_ordinary_images_are_left_alone(dtype, level, shape):
    noise = np.random.default_rng(0).normal(0, 12 / 255, shape)
    image = as_image((level + noise).astype(dtype))
    assert between_black_and_white(image) == (image, True)


def test_high_lights_are_left_alone():
    image = CLEAN / 255
    image[:8, :8] = 9
    given = as_image(image)
    assert between_black_and_white(given)[0] is given
