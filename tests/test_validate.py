"""What every public function that takes an image accepts, refuses, and says."""

from functools import partial

import numpy as np
import pytest

from raisr import (
    FilterBank,
    PhotonNoise,
    Stage,
    deblock,
    denoise,
    estimate_sigma,
    gradient_statistics,
    hash_image,
    learn_filters,
    sharpen,
    upscale,
)
from tests.banks import delta_bank, random_bank

BANK = random_bank(size=3)
FUNCTIONS = {
    "hash_image": hash_image,
    "gradient_statistics": gradient_statistics,
    "apply": BANK.apply,
    "denoise": lambda image, **options: denoise(image, model=BANK, **options),
    "learn_filters": lambda image, **options: learn_filters([(image, image)], **options),
    "estimate_sigma": estimate_sigma,
}
TUNABLE = {name: function for name, function in FUNCTIONS.items() if name != "estimate_sigma"}
each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
each_tunable_function = pytest.mark.parametrize("function", TUNABLE.values(), ids=TUNABLE)


def image_with(value, where=(3, 4), dtype=np.float32):
    image = np.zeros((6, 7), dtype)
    image[where] = value
    return image


@each_function
@pytest.mark.parametrize("dtype", [bool, np.int8, np.int32, np.int64, np.uint32, complex, object])
def test_other_dtypes(function, dtype):
    expected = "must be uint8, uint16, float16, float32 or float64, got "
    with pytest.raises(TypeError, match=expected + np.dtype(dtype).name):
        function(np.zeros((6, 7), dtype))


@each_function
@pytest.mark.parametrize("image", ["photo.png", None, [["a", "b"]], [[1, 2], [3, 4]]])
def test_things_that_are_no_images(function, image):
    with pytest.raises(TypeError, match="must be uint8, uint16, float16, float32 or float64, got"):
        function(image)


@each_function
@pytest.mark.parametrize("shape", [(7,), (6, 7, 3), ()])
def test_other_numbers_of_dimensions(function, shape):
    with pytest.raises(ValueError, match=r"must have two dimensions \(H, W\), got shape \("):
        function(np.zeros(shape))


@each_function
@pytest.mark.parametrize("shape", [(0, 7), (6, 0)])
def test_empty_images(function, shape):
    with pytest.raises(ValueError, match=rf"is empty: its shape is \({shape[0]}, {shape[1]}\)"):
        function(np.zeros(shape))


@each_function
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(function, value, dtype):
    with pytest.raises(ValueError, match=rf"is not finite at \(3, 4\): {value}"):
        function(image_with(value, dtype=dtype))


def test_the_first_of_several_not_finite_pixels_is_named():
    image = image_with(np.inf)
    image[5, 0] = -np.inf
    image[1, 6] = np.nan
    with pytest.raises(ValueError, match=r"image is not finite at \(1, 6\): nan"):
        hash_image(image)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_not_finite_in_colour_is_named_by_its_own_index(axis):
    image = np.zeros((4, 5, 6))
    image[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"image is not finite at \(1, 2, 3\): nan"):
        denoise(image, model=BANK, channel_axis=axis)


def test_finite_pixels_beyond_float32_are_named():
    with pytest.raises(ValueError, match=r"image is too large for float32 at \(3, 4\): 1e\+300"):
        hash_image(image_with(1e300, dtype=np.float64))


def test_the_last_pixel_of_a_large_image_is_looked_at():
    image = np.zeros((300, 500))
    image[-1, -1] = np.nan
    with pytest.raises(ValueError, match=r"image is not finite at \(299, 499\): nan"):
        hash_image(image)


@each_tunable_function
def test_data_range_must_be_positive(function):
    for value in (0, -1, np.nan, np.inf, True, "255"):
        with pytest.raises(
            ValueError, match=f"data_range must be positive and finite, got {value!r}"
        ):
            function(np.zeros((6, 7)), data_range=value)


@each_tunable_function
def test_number_of_threads_must_be_positive(function):
    for value in (0, -2, 1.5, 2.0, True):
        with pytest.raises(ValueError, match=f"num_threads must be a positive whole .*got {value}"):
            function(np.zeros((6, 7)), num_threads=value)


@pytest.mark.parametrize(
    ("dtype", "data_range", "white"),
    [
        (np.uint8, None, 255),
        (np.uint16, None, 65535),
        (np.float16, None, 1),
        (np.float64, None, 1),
        (np.uint8, 219, 219),
        (np.float32, 255, 255),
    ],
)
def test_white(dtype, data_range, white):
    (stage,) = delta_bank(size=3).stages
    to_white = FilterBank([Stage(stage.spec, 0 * stage.filters, stage.bias + 255)])
    out = to_white.apply(np.zeros((2, 3), dtype), data_range=data_range)
    np.testing.assert_allclose(out, np.full((2, 3), white), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_integer_survives_the_way_to_gray_levels_and_back(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)[np.newaxis]
    np.testing.assert_array_equal(delta_bank(size=3).apply(values), values)


@pytest.mark.parametrize(("shape", "axis"), [((6, 7), -1), ((2, 6, 7, 3), 0), ((7,), 0)])
def test_colour_has_three_dimensions(shape, axis):
    for function in (estimate_sigma, lambda i, **o: denoise(i, model=BANK, **o)):
        with pytest.raises(ValueError, match="must have three dimensions with channel_axis="):
            function(np.zeros(shape), channel_axis=axis)


@pytest.mark.parametrize("axis", [3, -4, 1.0, True])
def test_channel_axis_must_exist(axis):
    with pytest.raises(ValueError, match=f"channel_axis must be from -3 to 2, got {axis}"):
        estimate_sigma(np.zeros((6, 7, 3)), channel_axis=axis)


@pytest.mark.parametrize(("shape", "axis"), [((6, 7, 3), -1), ((3, 6, 7), 0), ((6, 3, 7), 1)])
def test_colour_without_an_axis_is_told_of_the_axis(shape, axis):
    for function in (estimate_sigma, lambda i, **o: denoise(i, 0.1, **o)):
        with pytest.raises(ValueError, match=rf"must have two .*as in channel_axis={axis}$"):
            function(np.zeros(shape))
    index = {-1: "..., 0", 0: "0", 1: ":, 0"}[axis]
    message = rf"must have two .*as in image\[{index}\], .*denoise.*learn.*channel_axis={axis}$"
    for function in (BANK.apply, hash_image, lambda i: learn_filters([(i, i)])):
        with pytest.raises(ValueError, match=message):
            function(np.zeros(shape))


LEVELS = np.random.default_rng(0).uniform(0, 255, (40, 50))
FLOATS = {name: f for name, f in TUNABLE.items() if name != "learn_filters"} | {
    "learn_filters": lambda image, **o: learn_filters([(image, image[::-1])], size=3, **o)
}
each_float_function = pytest.mark.parametrize("function", FLOATS.values(), ids=FLOATS)


@each_float_function
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_far_above_white_are_said_where_they_come_from(function, dtype):
    with pytest.warns(
        UserWarning, match="values far above white, which is 1 for .*: pass data"
    ) as w:
        function(LEVELS.astype(dtype))
    assert {warning.filename for warning in w} == {__file__}
    with pytest.warns(
        UserWarning, match="values that do not fit data_range=10, the value of white"
    ):
        function(LEVELS.astype(dtype), data_range=10)


@each_float_function
@pytest.mark.parametrize("sigma", [5, 75])
def test_noise_beyond_white_and_high_lights_are_not_said(function, sigma):
    rng = np.random.default_rng(0)
    image = (LEVELS + rng.normal(0, sigma, LEVELS.shape)) / 255
    image[rng.uniform(size=image.shape) < 0.02] = 40  # the sun, in linear light
    function(image)
    function(255 * image, data_range=255)


def test_a_temperature_without_data_range_is_said():
    with pytest.warns(UserWarning, match="image has values far above white"):
        hash_image(280 + LEVELS / 255)
    hash_image(280 + LEVELS / 255, data_range=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_fit_their_type(dtype):
    hash_image(np.full((9, 9), np.iinfo(dtype).max, dtype))
    with pytest.warns(UserWarning, match="values that do not fit data_range=30"):
        hash_image(LEVELS.astype(dtype), data_range=30)


def test_estimates_need_no_white():
    noise = np.random.default_rng(0).normal(0, 3, (90, 90))
    for image in (noise, 1000 * noise, 1e6 + noise, (30000 + 100 * noise).astype(np.uint16)):
        estimate_sigma(image)
    assert estimate_sigma(1e6 + noise) == pytest.approx(estimate_sigma(noise), rel=1e-3)


@pytest.mark.parametrize(
    ("image", "guide"),
    [
        (np.uint8, np.float32),
        (np.float64, np.uint8),
        (np.uint8, np.uint16),
        (np.uint16, np.float16),
    ],
)
def test_a_guide_has_the_white_of_its_image(image, guide):
    pixels = np.zeros((6, 7))
    names = f"guide is {np.dtype(guide)} where the image that it goes with is {np.dtype(image)}"
    with pytest.raises(TypeError, match=f"{names}: pass data_range"):
        BANK.apply(pixels.astype(image), pixels.astype(guide))
    BANK.apply(pixels.astype(image), pixels.astype(guide), data_range=255)


def test_one_white_in_several_types_is_one_result():
    image = np.rint(LEVELS)
    expected = BANK.apply(image.astype(np.uint8), image[::-1].astype(np.uint8))
    found = BANK.apply(image.astype(np.uint8), image[::-1].astype(np.float32), data_range=255)
    np.testing.assert_array_equal(found, expected)
    halves = BANK.apply(image / 255, (image / 255).astype(np.float32))
    np.testing.assert_allclose(halves, BANK.apply(image / 255), atol=0.05)


@each_function
def test_masked_pixels_are_refused(function):
    image = np.ma.masked_array(LEVELS / 255, LEVELS > 200)
    with pytest.raises(TypeError, match="has masked pixels: fill them first"):
        function(image)
    estimate_sigma(np.ma.masked_array(LEVELS, False))


@pytest.mark.parametrize("channels", [None, 2, 3])
@pytest.mark.parametrize(
    "function",
    [
        partial(upscale, factor=1.5),
        partial(upscale, factor=2),
        partial(upscale, factor=3, model="best"),
        partial(denoise, sigma=3000),
        partial(denoise, sigma=3000, model="best"),
        partial(denoise, noise=PhotonNoise(200)),
        partial(deblock, quality=30),
        partial(sharpen, amount=2),
    ],
)
@pytest.mark.parametrize("offset", [0, 30000])
def test_the_largest_values_of_half_floats_stay_finite(function, channels, offset):
    image = np.full((40, 40), offset, np.float16)
    image[8:32, 10:30] = image[:, 0] = np.finfo(np.float16).max
    if channels is not None:
        image = np.stack([image] + [image[::-1]] * (channels - 1), axis=-1)
    axis = None if channels is None else -1
    out = function(image, channel_axis=axis, data_range=65504 - offset)
    assert out.dtype == np.float16
    assert np.isfinite(out).all()
    assert out.max() > 60000
