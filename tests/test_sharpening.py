"""sharpen with the shipped filters: contracts, no halos, no more noise, quality; and learning."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter, minimum_filter
from skimage import data

from raisr import HashSpec, estimate_noise, sharpen
from raisr.colour_files import read_parts
from raisr.learning_sharpening import blurred, eight_bits, learn_sharpening
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, add_gaussian_noise
from raisr.sharpening import BANK, FORMAT, LARGEST, LEVELS, bounds, stage_for
from tests.images import noisy_scene, random_bytes, scene

each_type = pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4", "f8"])
each_axis = pytest.mark.parametrize("axis", [None, 0, 1, -1])
each_amount = pytest.mark.parametrize("amount", [0.5, 1, 2])
CAMERA, ASTRONAUT = data.camera()[120:344, 150:390], data.astronaut()[20:244, 100:340]


def typed(image, dtype, axis):
    white = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    image = image / 255 * white
    image = image if axis is None else np.stack([image, image / 2, white - image], axis)
    return image.astype(dtype)


@each_axis
@each_type
def test_shape_dtype_and_input_stay(dtype, axis):
    image = typed(scene((21, 30)), dtype, axis)
    before = image.copy()
    image.flags.writeable = False
    out = sharpen(image, channel_axis=axis)
    assert (out.dtype, out.shape) == (image.dtype, image.shape)
    assert not np.array_equal(out, image)
    np.testing.assert_array_equal(image, before)


@each_axis
@each_type
def test_amount_0_gives_back_the_image(dtype, axis):
    image = typed(random_bytes((9, 11)), dtype, axis)
    out = sharpen(image, 0, channel_axis=axis)
    assert out is not image
    np.testing.assert_array_equal(out, image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 3), (4, 4), (13, 18), (400, 400)])
@each_amount
@each_type
def test_constants_of_any_size_stay(shape, amount, dtype):
    image = np.full(shape, 201 if np.dtype(dtype).kind == "u" else 0.7, dtype)
    np.testing.assert_array_equal(sharpen(image, amount), image)
    colour = np.stack([image, image // 2, image // 3], -1)
    np.testing.assert_array_equal(sharpen(colour, amount, channel_axis=-1), colour)


@each_amount
def test_ramps_stay(amount):
    ramp = np.add.outer(np.arange(40.0), 2 * np.arange(50.0))
    error = (sharpen(ramp, amount, data_range=255) - ramp)[8:-8, 8:-8]
    assert np.abs(error).max() < 0.01


@each_amount
@pytest.mark.parametrize("blur", [0, 0.5, 0.8, 1.2])
@pytest.mark.parametrize("turn", [0, 1])
def test_steps_become_steeper_and_overshoot_by_a_twentieth_at_most(blur, turn, amount):
    step = np.full((40, 60), 60, np.uint8)
    step[:, 30:] = 180
    source = np.rot90(blurred(step, blur) if blur else step.astype(np.float32), turn)
    out = sharpen(source, amount, data_range=255)
    assert out.min() >= 60 - 6.01
    assert out.max() <= 180 + 6.01
    steepness = [np.abs(np.diff(image, axis=1 - turn)).max() for image in (source, out)]
    assert steepness[1] > (1.1 if blur >= 0.5 else 1) * steepness[0]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 999),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    amount=st.floats(0, LARGEST),
)
def test_the_bound(seed, shape, amount):
    image = random_bytes(shape, seed=seed).astype(np.float32)
    out = sharpen(image, amount, data_range=255)
    for side, share in ((5, 0.05), (3, 0.25)):
        low, high = minimum_filter(image, side), maximum_filter(image, side)
        spare = share * (high - low) + 1e-3
        assert (out >= low - spare).all()
        assert (out <= high + spare).all()


def test_bounds_of_rows():
    plane = random_bytes((23, 17)).astype(np.float32)
    low, high = bounds(plane, 0, 23)
    for side, share in ((5, 0.05), (3, 0.25)):
        least, most = minimum_filter(plane, side), maximum_filter(plane, side)
        assert (low >= least - share * (most - least) - 1e-3).all()
        assert (high <= most + share * (most - least) + 1e-3).all()
    for y0, y1 in [(0, 1), (1, 9), (21, 23), (5, 22)]:
        for found, whole in zip(bounds(plane, y0, y1), (low, high), strict=True):
            np.testing.assert_array_equal(found, whole[y0:y1])


def test_paper_around_letters_stays_white():
    page = np.full((40, 60), 255, np.uint8)
    page[10:30, 10:50:8] = page[10:12, 10:50] = 0
    for amount in (1, 2):
        away = minimum_filter(page, 3) == 255
        assert (sharpen(page, amount)[away] == 255).all()


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 3.5, 5, 7.5, 10, 15, 20, 35, 60])
@each_amount
@pytest.mark.parametrize("axis", [None, -1])
def test_white_noise_of_flat_areas_does_not_grow(sigma, amount, axis):
    flat = np.full((128, 128) if axis is None else (128, 128, 3), 128)
    noisy = add_gaussian_noise(flat, sigma, seed=1)
    out = sharpen(noisy, amount, channel_axis=axis, data_range=255)
    assert (out.std(axis=(0, 1)) < 0.97 * noisy.std(axis=(0, 1))).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_noise_of_a_camera_does_not_grow_in_the_dark(smoothing):
    pages = ASTRONAUT.copy()
    pages[:48, :48], pages[:48, 48:96] = 12, 25
    noisy = add_camera_noise(
        pages, 0.0015, 1, read_noise=0.004, white_balance=(2, 1, 1.5), smoothing=smoothing
    )
    assert estimate_noise(noisy, channel_axis=-1).kind == "camera"
    out = sharpen(noisy, channel_axis=-1)
    for columns in (slice(8, 40), slice(56, 88)):
        before, after = (image[8:40, columns].mean(axis=-1).std() for image in (noisy, out))
        assert after < before


@pytest.mark.parametrize("sigma", [0, 1, 5, 10])
@pytest.mark.parametrize("blur", [0.6, 0.8, 1.0, 1.2])
def test_gains(sigma, blur):
    source = eight_bits(add_gaussian_noise(blurred(CAMERA, blur), sigma, seed=0))
    assert psnr(sharpen(source), CAMERA) > psnr(source, CAMERA) + 1.0


def test_the_change_grows_continuously_with_the_amount():
    image = blurred(CAMERA, 0.8)
    outs = [sharpen(image, amount, data_range=255) for amount in (0, 1e-3, 0.25, 0.5, 1, 1.5, 2)]
    assert np.abs(outs[1] - image).max() < 0.2
    distances = [np.abs(out - image).mean() for out in outs]
    assert distances == sorted(distances)
    assert distances[3] == pytest.approx(distances[4] / 2, rel=0.1)


def test_types_agree():
    image = CAMERA
    out = sharpen(image).astype(float)
    short = sharpen(image.astype(np.uint16) * 257) / 257
    real = sharpen(image / 255.0) * 255
    assert np.abs(short - real.clip(0, 255)).max() < 0.01
    assert np.abs(out - real.clip(0, 255)).max() <= 0.501


def test_an_added_constant_is_added():
    image = noisy_scene(sigma=3).astype(np.float64)
    out = sharpen(image, data_range=255)
    for constant in (-30, 17.25, 1e5):
        moved = sharpen(image + constant, data_range=255) - constant
        assert np.quantile(np.abs(moved - out), 0.99) < 0.05


def test_small_details_of_large_doubles_stay():
    image = 1 + 1e-12 * np.arange(48.0).reshape(6, 8)
    assert np.abs(sharpen(image) - image).max() < 1e-7
    np.testing.assert_array_equal(sharpen(np.full((6, 8), 1 + 1e-15)), 1 + 1e-15)


@each_axis
def test_the_same_bits_for_any_threads_and_layout(axis):
    image = CAMERA if axis is None else np.moveaxis(ASTRONAUT, -1, axis)
    out = sharpen(image, channel_axis=axis, num_threads=1)
    views = [np.asfortranarray(image), np.repeat(image, 2, 1)[:, ::2], image[::-1].copy()[::-1]]
    for view, threads in itertools.product(views, (1, 3)):
        other = sharpen(view, channel_axis=axis, num_threads=threads)
        np.testing.assert_array_equal(other, out)


@pytest.mark.parametrize("view", [np.flipud, np.fliplr, np.transpose, np.rot90])
def test_turned_images_give_turned_results(view):
    image = eight_bits(blurred(CAMERA, 0.8))
    error = sharpen(view(image)).astype(float) - view(sharpen(image))
    assert np.mean(np.abs(error) > 1) < 0.01


def test_gray_as_colour_is_gray_and_edges_get_no_colours():
    out = sharpen(np.stack([CAMERA] * 3, -1), channel_axis=-1)
    np.testing.assert_array_equal(out, np.stack([sharpen(CAMERA)] * 3, -1))
    image = ASTRONAUT / 255.0
    change = sharpen(image, channel_axis=-1) - image
    assert np.abs(change).max() > 0.05
    assert np.ptp(change, axis=-1).max() < 1e-12


@pytest.mark.filterwarnings("ignore:image has values", "ignore:(overflow|invalid value) enc")
@pytest.mark.parametrize("scale", [1e10, 1e25, 1e36])
def test_noise_whose_level_overflows(scale):
    image = np.random.default_rng(0).random((30, 30)) * scale
    assert np.isfinite(sharpen(image)).all()


def test_other_numbers_of_channels_are_sharpened_one_by_one():
    image = np.dstack([CAMERA, ASTRONAUT[..., 0]])
    out = sharpen(image, channel_axis=-1)
    for channel in range(2):
        np.testing.assert_array_equal(out[..., channel], sharpen(image[..., channel]))


@pytest.mark.parametrize("amount", [-0.1, 2.001, np.nan, np.inf, "1", True, None, [1]])
def test_bad_amounts(amount):
    with pytest.raises(ValueError, match="amount must be a number from 0 to 2"):
        sharpen(CAMERA, amount)


def test_bad_images():
    with pytest.raises(ValueError, match="channel_axis"):
        sharpen(np.zeros((4, 4, 3), np.uint8))
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match="not finite"):
            sharpen(np.full((4, 4), value), 0)
    with pytest.raises(TypeError, match="uint8"):
        sharpen(np.zeros((4, 4), np.int32))
    with pytest.raises(ValueError, match="empty"):
        sharpen(np.zeros((0, 4), np.uint8))
    with pytest.raises(ValueError, match="num_threads"):
        sharpen(CAMERA, num_threads=0)
    with pytest.warns(UserWarning, match="white"):
        sharpen(CAMERA.astype(np.float32))


def test_the_shipped_file_is_small_and_flat_areas_pass():
    assert BANK.stat().st_size <= 150_000
    parts, guides, facts = read_parts(BANK, FORMAT)
    assert (list(parts), guides) == ([f"{level:g}" for level in LEVELS], ())
    assert "non-commercial" in facts["terms"]
    for (stage,) in parts.values():
        assert not stage.bias.any()
        np.testing.assert_allclose(stage.filters.sum(axis=(1, 2, 3)), 1, atol=0.02)


def test_stages_between_and_beyond_the_levels():
    low, between, high = (stage_for(level) for level in (5, 7.5, 10))
    np.testing.assert_allclose(between.filters, (low.filters + high.filters) / 2, atol=1e-6)
    assert stage_for(0).spec == stage_for(LEVELS[0]).spec
    last, beyond = stage_for(LEVELS[-1]), stage_for(2 * LEVELS[-1])
    np.testing.assert_array_equal(last.filters, beyond.filters)
    edges = [np.array(stage.spec.strength_edges) for stage in (last, beyond)]
    np.testing.assert_allclose(edges[1], 2 * edges[0])


def test_learning_does_not_depend_on_threads_and_gains():
    images = [scene((48, 64), seed) for seed in range(5)]
    spec = HashSpec(orientations=2, strength_edges=(0.02,), coherence_edges=())
    found, other = (learn_sharpening(images, 2.0, spec, 3, threads) for threads in (1, 3))
    np.testing.assert_array_equal(found.filters, other.filters)
    assert (found.filters[:, 0, 1, 1] > 1).any()
    np.testing.assert_allclose(found.filters.sum(axis=(1, 2, 3)), 1, atol=1e-5)
