"""upscale with the shipped banks: place, brightness, sizes, types, threads, quality, bad input."""

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest
from skimage import data

from raisr import deblock, upscale
from raisr.bicubic import resize_bicubic
from raisr.census import blend
from raisr.hashing import HashSpec
from raisr.intel_filters import IntelFilters
from raisr.jpeg import compress
from raisr.learning_upscaling import crop_to_multiple, reduce_image
from raisr.metrics import psnr
from raisr.phases import PhaseStage
from raisr.profiles import ProfileSpec, canonical_profiles, class_map, profile_views
from raisr.upscaling import FACTORS, bank_for, bank_path
from raisr.upscaling_bank import UpscalingBank
from raisr.validate import GrayImage
from tests.images import random_bytes, scene

MODELS = ("fast", "best")
each_model = pytest.mark.parametrize("model", MODELS)
each_factor = pytest.mark.parametrize("factor", FACTORS)
each_type = pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4", "f8"])


def white_of(dtype):
    return 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max


@each_model
@each_factor
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 3), (13, 18)])
def test_a_constant_stays_and_sizes_are_rounded(shape, factor, model):
    out = upscale(np.full(shape, 201, np.uint8), factor, model=model)
    assert out.shape == tuple(round(side * factor) for side in shape)
    assert (out == 201).all()


@each_model
@each_factor
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@each_type
def test_shape_dtype_and_input_stay(dtype, axis, factor, model):
    white = white_of(dtype)
    image = scene((12, 10)) / 255 * white
    image = image if axis is None else np.stack([image, image / 2, white - image], axis)
    image = image.astype(dtype)
    before = image.copy()
    out = upscale(image, factor, model=model, channel_axis=axis)
    sides = [round(12 * factor), round(10 * factor)]
    if axis is not None:
        sides.insert(axis % 3, 3)
    assert out.dtype == image.dtype
    assert out.shape == tuple(sides)
    np.testing.assert_array_equal(image, before)


@each_model
@each_factor
@pytest.mark.parametrize("turned", [False, True])
def test_a_ramp_is_not_shifted(turned, factor, model):
    ramp = np.tile(np.arange(40.0) * 4, (30, 1))
    out = upscale(ramp.T if turned else ramp, factor, model=model, data_range=255)
    row = (out.T if turned else out)[20]
    wanted = ((np.arange(row.size) + 0.5) / factor - 0.5) * 4
    inside = slice(round(12 * factor), round(28 * factor))
    error = row[inside] - wanted[inside]
    assert abs(error.mean()) < 0.1  # a fortieth of a small pixel
    assert np.abs(error).max() < 0.5


@each_model
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_an_impulse_stays_in_its_place(factor, model):
    image = np.zeros((21, 21))
    image[10, 10] = 100
    out = upscale(image, factor, model=model, data_range=255)
    weight, places = out.sum(), np.arange(21 * factor)
    centre = (10 + 0.5) * factor - 0.5
    assert weight == pytest.approx(100 * factor**2, rel=0.25)
    for axis in (0, 1):
        assert (out.sum(axis=axis) * places).sum() / weight == pytest.approx(centre, abs=0.5)


@each_model
@each_factor
def test_an_added_constant_adds_itself(factor, model):
    image = scene((24, 30)).astype(np.float64)
    out = upscale(image, factor, model=model, data_range=255)
    higher = upscale(image + 3, factor, model=model, data_range=255)
    far = upscale(image + 1e5, factor, model=model, data_range=255)
    for error in (higher - 3 - out, far - 1e5 - out):
        # Rounding moves a few pixels of a cascade to the class beside.
        assert np.quantile(np.abs(error), 0.9) < 0.02
        assert abs(error.mean()) < 0.01
        assert model == "best" or np.abs(error).max() < 0.02


@each_model
@pytest.mark.parametrize("factor", [1.5, 2])
def test_gray_as_colour_is_gray(factor, model):
    image = scene((24, 30))
    rgb = upscale(np.stack([image] * 3, -1), factor, model=model, channel_axis=-1)
    gray = upscale(image, factor, model=model)
    assert np.abs(rgb - gray[..., None].astype(int)).max() <= 1


@each_model
@each_factor
@pytest.mark.parametrize("axis", [None, -1])
def test_the_same_bits_for_any_threads_and_layout(axis, factor, model):
    image = scene((300, 500)) if axis is None else np.stack([scene((60, 50), s) for s in (1, 2, 3)])
    image = image if axis is None else np.moveaxis(image, 0, -1)
    out = upscale(image, factor, model=model, channel_axis=axis, num_threads=1)
    views = [np.asfortranarray(image), np.repeat(image, 2, 1)[:, ::2], image[::-1].copy()[::-1]]
    for view, threads in itertools.product(views, (1, 3)):
        other = upscale(view, factor, model=model, channel_axis=axis, num_threads=threads)
        np.testing.assert_array_equal(other, out)


@each_model
def test_types_agree(model):
    image = scene((24, 30))
    out = upscale(image, model=model).astype(float)
    short = upscale(image.astype(np.uint16) * 257, model=model) / 257
    real = upscale(image / 255.0, model=model) * 255
    assert np.abs(short - real.clip(0, 255)).max() < 0.01
    assert np.abs(out - real.clip(0, 255)).max() <= 0.501


@each_model
@pytest.mark.parametrize("view", [np.flipud, np.fliplr, np.transpose, np.rot90])
def test_turned_images_give_turned_results(view, model):
    image = scene((40, 48)) + np.random.default_rng(0).uniform(0, 1e-2, (40, 48))
    out = upscale(image, model=model, data_range=255)
    turned = upscale(view(image), model=model, data_range=255)
    error = (turned - view(out))[8:-8, 8:-8]
    # What is flat has no direction, and rounding chooses its class.
    assert np.quantile(np.abs(error), 0.9) < 0.02
    assert abs(error.mean()) < 0.01


GOLDEN = {
    ("fast", 2): 30.835,
    ("best", 2): 31.377,
    ("fast", 3): 27.755,
    ("best", 3): 28.227,
    ("fast", 4): 25.783,
    ("best", 4): 26.086,
}


@each_model
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_golden_quality(factor, model):
    clean = crop_to_multiple(data.camera()[100:340, 130:370], factor)
    small = reduce_image(clean, factor).astype(np.uint8)
    found = psnr(upscale(small, factor, model=model), clean)
    assert found == pytest.approx(GOLDEN[model, factor], abs=0.01)
    assert found > psnr(resize_bicubic(small, factor).round().clip(0, 255), clean) + 0.5


def test_by_one_and_a_half_beats_bicubic():
    clean = data.camera()[100:340, 130:370]
    small = reduce_image(clean, 1.5).astype(np.uint8)
    assert small.shape == (160, 160)
    found = psnr(upscale(small, 1.5), clean)
    assert found > psnr(resize_bicubic(small, 1.5).round().clip(0, 255), clean) + 0.5


@pytest.mark.parametrize("factor", [0, -2, 1, 2.5, 1e9, True, np.nan, "2", None, 5])
def test_bad_factors(factor):
    with pytest.raises(ValueError, match=r"factor must be 1\.5, 2, 3 or 4, got"):
        upscale(np.zeros((4, 4), np.uint8), factor)


def test_numpy_factors_are_numbers():
    assert upscale(np.zeros((4, 4), np.uint8), np.int64(3)).shape == (12, 12)
    assert upscale(np.zeros((4, 4), np.uint8), np.float32(1.5)).shape == (6, 6)


def test_what_does_not_fit_into_memory_is_refused_at_once():
    image = np.broadcast_to(np.uint8(0), (10**6, 10**6))
    with pytest.raises(ValueError, match=r"1000000 x 1000000 pixels.* needs about .* GB"):
        upscale(image, 4)


def test_bad_models(tmp_path):
    image = np.zeros((4, 4), np.uint8)
    with pytest.raises(FileNotFoundError, match='good: neither "fast" nor "best", nor the file'):
        upscale(image, model="good")
    for model in (None, 3):
        with pytest.raises(TypeError, match='model must be "fast", "best", a path or'):
            upscale(image, model=model)
    (tmp_path / "bank").write_bytes(b"none")
    with pytest.raises(ValueError, match="bank is not a readable upscaling bank"):
        upscale(image, model=tmp_path / "bank")
    with pytest.raises(ValueError, match="the bank enlarges by 3; for factor 2, one of 2 is"):
        upscale(image, model=bank_for("fast", 3))
    with pytest.raises(ValueError, match=r"by 2; for factor 1\.5, one of 3 is needed"):
        upscale(image, 1.5, model=str(bank_path("best", 2)))


@pytest.mark.parametrize("factor", FACTORS)
def test_a_bank_of_ones_own_is_used_as_the_shipped_ones(factor, tmp_path):
    path = bank_path("best", 3 if factor == 1.5 else factor)
    image = np.stack([scene((24, 30), seed) for seed in range(3)], -1)
    wanted = upscale(image, factor, model="best", channel_axis=-1)
    for model in (str(path), path, UpscalingBank.load(path)):
        np.testing.assert_array_equal(upscale(image, factor, model=model, channel_axis=-1), wanted)


def test_bad_images():
    with pytest.raises(ValueError, match="channel_axis"):
        upscale(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="not finite"):
        upscale(np.full((4, 4), np.nan))
    with pytest.raises(TypeError, match="uint8"):
        upscale(np.zeros((4, 4), np.int32))
    with pytest.raises(ValueError, match="empty"):
        upscale(np.zeros((0, 4), np.uint8))


def test_classes_are_those_of_turned_images():
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 255, (40, 40)).astype(np.float32)
    spec = ProfileSpec()
    classes = class_map(GrayImage(image), spec, 1)
    for turn, destination in profile_views(spec):
        turned = class_map(GrayImage(np.ascontiguousarray(turn(image))), spec, 1)
        # On the border a mirrored image has no slope, and no direction across it.
        same = turned == destination[turn(classes)]
        assert same[1:-1, 1:-1].mean() > 0.998
    reached = {c for _, to in profile_views(spec) for c in to[canonical_profiles(spec)]}
    assert reached == set(range(spec.num_classes))


@pytest.mark.parametrize("turns", range(4))
def test_directions_point_to_where_the_slope_grows(turns):
    profile = np.tile(np.array([0, 0, 0, 0, 30, 90, 150, 180, 180, 180, 180.0]), (11, 1))
    image = np.ascontiguousarray(np.rot90(profile, turns), np.float32)
    spec = ProfileSpec(directions=8)
    classes = np.rot90(class_map(GrayImage(image), spec, 1), -turns)
    bins = classes[5] // (spec.num_classes // 8)
    # Columns 3 and 7 lie on both sides of the edge, whose slope grows to the right in the first.
    assert bins[3] == -2 * turns % 8
    assert bins[7] == (4 - 2 * turns) % 8


@pytest.mark.parametrize(
    "shape", [(0, 0, 0, 0, 0), (2, 2, 0, 3, 3), (2, 2, 1, 0, 0), (2, 2, 1, 3, 5), (16, 16, 1, 1, 1)]
)
def test_filters_of_a_bad_shape(shape):
    spec = ProfileSpec(directions=8)
    with pytest.raises(ValueError, match="must"):
        PhaseStage(spec, np.zeros((spec.num_classes, *shape)))


def test_specs_of_numpy_numbers_can_be_stored():
    spec = ProfileSpec(np.int64(8), np.int64(5), np.float32(1.5), (np.float32(2),))
    assert ProfileSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_files_that_are_no_bank(tmp_path):
    path = tmp_path / "bank.safetensors"
    with pytest.raises(FileNotFoundError, match="no upscaling bank"):
        UpscalingBank.load(path)
    path.write_bytes(bank_path("best", 2).read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a readable upscaling bank"):
        UpscalingBank.load(path)


def test_shipped_banks_are_small_and_of_their_factor():
    every = list(itertools.product(MODELS, (2, 3, 4)))
    assert sum(bank_path(*of).stat().st_size for of in every) < 4.5e6
    for model, factor in every:
        assert bank_for(model, factor).factor == factor


@pytest.mark.parametrize(
    "options",
    [{"directions": 12}, {"window": 4}, {"strength_edges": (2, 1)}, {"focus_edges": (0,)}],
)
def test_bad_specs(options):
    with pytest.raises(ValueError, match="must be"):
        ProfileSpec(**options)
    assert isinstance(ProfileSpec().tensor, HashSpec)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("axis", [None, -1])
def test_a_jpeg_is_cleaned_first(model, axis):
    photo = data.astronaut()[20:120, 100:220]
    pixels = compress(photo if axis else photo[..., 1], 30)
    out = upscale(pixels, compressed=True, model=model, channel_axis=axis)
    cleaned = deblock(pixels, 30, model=model, channel_axis=axis)
    np.testing.assert_array_equal(out, upscale(cleaned, model=model, channel_axis=axis))


def test_what_is_no_jpeg_is_enlarged_as_it_is():
    image = scene((40, 48))
    np.testing.assert_array_equal(upscale(image, compressed=True), upscale(image))


@pytest.mark.parametrize("factor", [1.5, 2])
@pytest.mark.parametrize("pedestal", [0, 1000])
def test_census_mixes_with_bicubic(factor, pedestal):
    image = random_bytes((20, 30)).astype(np.float32) + pedestal  # hardly two neighbours are alike
    out = upscale(image, factor, census=True, data_range=255)
    whole = 3 if factor == 1.5 else factor
    planes = resize_bicubic(image, whole), upscale(image, whole, data_range=255)
    wanted = blend(*(plane.astype(np.float32) for plane in planes), num_threads=1)
    wanted = wanted if factor == whole else resize_bicubic(wanted, Fraction(1, 2), out.shape)
    inside = slice(10, -10), slice(10, -10)  # beyond a border, interpolations differ
    np.testing.assert_allclose(out[inside], wanted[inside], atol=0.2)
    assert np.abs(out - upscale(image, factor, data_range=255)).max() > 1


@pytest.mark.parametrize("model", MODELS)
def test_census_does_not_mind_an_offset(model):
    """Neighbours that are alike stay so, however they are rounded."""
    y, x = np.mgrid[:64, :64]
    image = np.where((y - 30) ** 2 + (x - 33) ** 2 < 400, 200.0, 30.0)
    image[40:50, 5:60] = 90
    options = {"census": True, "data_range": 255, "model": model}
    moved = upscale(image + 0.1, **options) - 0.1
    assert np.mean(np.abs(moved - upscale(image, **options)) > 0.1) < 0.001


def test_census_mixes_the_luma_of_colours():
    gray = random_bytes((20, 30))
    out = upscale(np.stack([gray] * 3), channel_axis=0, census=True)[1].astype(int)
    mixed, plain = (np.abs(out - upscale(gray, census=census)) > 1 for census in (True, False))
    assert mixed.mean() < 0.03 < 0.3 < plain.mean()  # rounding of luma moves some classes


def test_census_is_not_for_what_mixes_by_itself():
    filters = IntelFilters.learn([scene((60, 80))])
    with pytest.raises(ValueError, match="census has no effect with IntelFilters"):
        upscale(scene((10, 10)), model=filters, census=True)
