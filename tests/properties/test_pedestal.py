"""Images far from [0, white]: an added constant adds itself; ordinary ones have no pedestal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raisr import denoise, estimate_sigma, gradient_statistics, hash_image
from raisr.validate import as_image
from tests.banks import CSCONV, random_bank
from tests.images import noisy_scene, random_bytes

BANKS = {"fast": "fast", "best": "best", "own": random_bank(CSCONV, CSCONV)}
each_model = pytest.mark.parametrize("model", BANKS.values(), ids=BANKS)
SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
FAR = st.floats(5, 1e6) | st.floats(-1e6, -5)


@st.composite
def scenes(draw):
    """Images on [0, 1]: noisy scenes, and noise."""
    shape, seed = draw(SHAPES), draw(st.integers(0, 99))
    image = draw(st.sampled_from([noisy_scene, random_bytes]))(shape, seed=seed)
    return image.astype(np.float64) / 255


def agree(found, expected, tolerance):
    """All pixels but those that lie on the border of two classes."""
    assert np.isclose(found, expected, rtol=0, atol=tolerance).mean() > 0.97


@each_model
@settings(max_examples=40)
@given(scenes(), FAR, FAR, st.sampled_from([1e-3, 1.0, 20.0]))
def test_a_constant_adds_itself_to_the_result(model, image, first, second, white):
    options = {"model": model, "data_range": white}
    shifts = [white * round(shift) for shift in (first, second)]
    outs = [denoise(white * image + c, 0.1 * white, **options) - c for c in shifts]
    agree(outs[0], outs[1], 1e-6 * max(map(abs, (*shifts, 100 * white))))


@each_model
def test_kelvin_are_denoised_as_gray_levels_are(model):
    """A picture in the middle of the range is what a far one is moved to."""
    image = noisy_scene((90, 120))
    image += 127.5 - np.median(image[:: -(-90 // 16)])
    expected = denoise(image.astype(np.float64), 25, model=model, data_range=255)
    for shift in (1000.0, -4000.0, 1e5):
        found = denoise(image.astype(np.float64) + shift, 25, model=model, data_range=255)
        agree(found - shift, expected, 1e-3)
    kelvin = denoise(280 + image / 12.75, 25 / 12.75, model=model, data_range=20)
    agree((kelvin - 280) * 12.75, expected, 1e-3)


@pytest.mark.parametrize("model", ["fast", "best"])
def test_what_it_costs_to_be_moved_is_small(model):
    """Filters of shipped banks nearly sum to one: anywhere in the range gives nearly the same."""
    image = noisy_scene() / 255
    near, far = (denoise(image + c, 0.1, model=model, data_range=1) - c for c in (0, 280.0))
    assert np.abs(near - far).mean() < 0.3 / 255


@each_model
def test_far_integers_are_moved_and_not_clipped(model):
    image = noisy_scene((60, 70)).clip(0, 255).round().astype(np.uint16)
    options = {"model": model, "data_range": 255}
    found = [denoise(image + np.uint16(c), 25, **options).astype(int) - c for c in (30000, 60000)]
    np.testing.assert_array_equal(*found)
    if isinstance(model, str):
        top = denoise(np.full((9, 9), 65535, np.uint16), 25, **options)
        assert abs(int(top.min()) - 65535) <= 3


@each_model
def test_each_channel_has_its_own_pedestal(model):
    image = noisy_scene((40, 50)).astype(np.float64)
    options = {"model": model, "channel_axis": 0, "data_range": 255}
    far = [1e4, -2e4, 5e3]
    channels = np.stack([image, image[::-1], image[:, ::-1]])
    outs = [
        denoise(channels + np.reshape(shift, (3, 1, 1)), 25, **options)
        - np.reshape(shift, (3, 1, 1))
        for shift in (far, far[::-1])
    ]
    agree(*outs, 1e-2)


def test_the_guide_may_lie_elsewhere():
    image, guide = noisy_scene().astype(np.float64), noisy_scene(seed=3).astype(np.float64)
    bank = BANKS["own"]
    expected = bank.apply(image + 5000, guide + 5000, data_range=255)
    agree(bank.apply(image + 5000, guide - 7e4, data_range=255), expected, 1e-2)
    near = bank.apply(image, guide, data_range=255)
    agree(bank.apply(image, guide + 7e4, data_range=255), near, 1e-3)


@given(scenes(), FAR)
def test_classes_and_statistics_stay(image, shift):
    moved = image + shift
    assert (hash_image(moved, data_range=1) == hash_image(image)).mean() > 0.97
    for a, b in zip(
        gradient_statistics(moved, data_range=1), gradient_statistics(image), strict=True
    ):
        assert np.isclose(a, b, atol=1e-4).mean() > 0.97


@settings(max_examples=30)
@given(st.integers(0, 99), FAR)
def test_the_noise_is_the_same(seed, shift):
    image = noisy_scene(seed=seed).astype(np.float64) / 255
    assert estimate_sigma(image + shift) == pytest.approx(estimate_sigma(image), rel=2e-2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("level", [0, 0.5, 1])
@pytest.mark.parametrize("sigma", [0, 75 / 255])
def test_ordinary_images_have_none(dtype, level, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, (50, 60))
    assert as_image((level + noise).astype(dtype)).pedestal == 0


def test_an_outlier_is_no_pedestal():
    image = noisy_scene().astype(np.float64)
    image[0, 0] = 1e12
    assert as_image(image, 255).pedestal == 0


def test_far_images_of_any_layout_give_one_result():
    image = 280 + noisy_scene((70, 90)).astype(np.float64) / 12.75
    expected = denoise(image, 2, data_range=20)
    for other in (np.asfortranarray(image), image[::-1].copy()[::-1], image.astype(">f8")):
        np.testing.assert_array_equal(denoise(other, 2, data_range=20, num_threads=1), expected)


@pytest.mark.filterwarnings("ignore:image has values that do not fit")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_largest_numbers_stay_finite(dtype):
    top = float(min(np.finfo(dtype).max, np.finfo(np.float32).max)) / 2
    image = np.where(np.arange(90).reshape(9, 10) % 9, top, -top).astype(dtype)
    classes = hash_image(image, data_range=255)
    assert classes.max() < CSCONV.num_classes
