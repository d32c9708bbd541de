"""learn_upscaling: what filters that enlarge are learned from, and what they are then."""

import numpy as np
import pytest

from raisr import upscale
from raisr.bicubic import resize_bicubic
from raisr.hashing import HashSpec
from raisr.learning import learn_filters
from raisr.learning_upscaling import RECIPES, learn_upscaling, reduce_image
from raisr.metrics import psnr
from raisr.profiles import ProfileSpec
from raisr.upscaling_bank import UpscalingBank
from tests.images import scene


def test_learned_filters_are_symmetric_and_sum_to_one(tmp_path):
    recipe = [(ProfileSpec(directions=8), 5, 0), (ProfileSpec(directions=8), 3, 1)]
    images = [scene((48, 64), seed) for seed in range(3)]
    bank = learn_upscaling(images, 2, recipe, num_threads=1)
    for stage in bank.stages:
        sums = stage.filters.sum(axis=(3, 4, 5), dtype=np.float64)
        np.testing.assert_allclose(sums, 1, atol=1e-5)
    other = learn_upscaling(images, 2, recipe, num_threads=3)
    for stage, same in zip(bank.stages, other.stages, strict=True):
        np.testing.assert_array_equal(stage.filters, same.filters)
    bank.save(tmp_path / "bank.safetensors")
    loaded = UpscalingBank.load(tmp_path / "bank.safetensors")
    for stage, same in zip(bank.stages, loaded.stages, strict=True):
        np.testing.assert_allclose(stage.filters, same.filters, atol=2e-3)
        assert stage.spec == same.spec


def test_what_is_learned_beats_bicubic_on_other_images():
    images = [scene((96, 112), seed) for seed in range(6)]
    other = scene((96, 112), 9)
    bank = learn_upscaling(images, 2, held_back=[other])
    small = reduce_image(other, 2).astype(np.uint8)
    found = psnr(upscale(small, 2, model=bank), other)
    bicubic = psnr(resize_bicubic(small, 2).round().clip(0, 255), other)
    assert found > bicubic + 0.5
    assert bank.metadata["psnr_after"] == pytest.approx(found, abs=0.1)
    assert bank.metadata["psnr_before"] == pytest.approx(bicubic, abs=0.1)
    assert bank.metadata["held_back_images"] == 1


def test_units_of_training_images_do_not_matter():
    images = [scene((48, 64), seed) for seed in range(3)]
    bank = learn_upscaling(images, 2, RECIPES["best"][:1])
    for others in ([i.astype(np.uint16) * 257 for i in images], [i / 255 for i in images]):
        other = learn_upscaling(iter(others), 2, RECIPES["best"][:1])
        np.testing.assert_allclose(other.stages[0].filters, bank.stages[0].filters, atol=1e-3)


def test_drawings_can_be_learned_from():
    drawing = np.full((120, 140), 255, np.uint8)
    y, x = np.mgrid[:120, :140]
    drawing[np.abs(np.hypot(y - 60, x - 70) - 30) < 2] = 0
    bank = learn_upscaling([drawing], 2, RECIPES["best"][:1])
    small = reduce_image(drawing, 2).astype(np.uint8)
    bicubic = psnr(resize_bicubic(small, 2).round().clip(0, 255), drawing)
    assert psnr(upscale(small, model=bank), drawing) > bicubic + 1


def averaged(image, factor=2):
    """Reduce by the mean of blocks, as binning in a camera does."""
    height, width = image.shape
    blocks = image.reshape(height // factor, factor, width // factor, factor)
    return blocks.mean((1, 3)).round().astype(image.dtype)


def test_pairs_teach_another_reduction():
    pairs = [(averaged(image), image) for image in (scene((96, 112), s) for s in range(9))]
    bank = learn_filters(pairs, factor=2, stages=1)
    assert bank.metadata["training_images"] == 8
    assert bank.metadata["held_back_images"] == 1
    assert bank.metadata["psnr_after"] > bank.metadata["psnr_before"] + 0.5
    small, large = averaged(scene((96, 112), 20)), scene((96, 112), 20)
    of_bicubic = learn_upscaling([image for _, image in pairs], 2, RECIPES["best"][:1])
    own, other = (psnr(upscale(small, 2, model=each), large) for each in (bank, of_bicubic))
    assert own > other + 0.2


def test_pairs_of_reduced_images_teach_the_same():
    images = [scene((48, 64), seed) for seed in range(3)]
    images = [image[:, :63].astype(np.float32) for image in images]
    pairs = [(reduce_image(image, 3), image) for image in images]
    bank = learn_filters(iter(pairs), factor=3, stages=1, data_range=255)
    wanted = learn_upscaling(images, 3, RECIPES["best"][:1], data_range=255)
    np.testing.assert_array_equal(bank.stages[0].filters, wanted.stages[0].filters)
    assert bank.stages[0].spec == wanted.stages[0].spec
    assert len(bank.stages) == len(wanted.stages) == 1
    assert "psnr_after" not in bank.metadata


def test_pairs_that_do_not_lie_on_each_other():
    images = [scene((96, 112), seed) for seed in range(9)]
    pairs = [(averaged(np.roll(image, 4, 1)), image) for image in images]
    with pytest.warns(UserWarning, match="most like its input 0 rows and 2 columns away"):
        learn_filters(pairs[:7], factor=2, stages=1)
    with (
        pytest.warns(UserWarning, match="lie on each other"),
        pytest.warns(UserWarning, match="the bank is worse than bicubic interpolation"),
    ):
        learn_filters([*pairs[:7], (averaged(images[7]), images[7])], factor=2, stages=1)


def test_an_offset_of_pairs_changes_nothing():
    images = [scene((96, 112), seed).astype(np.float32) for seed in range(8)]
    found = []
    for offset in (0.0, 273.15, 5000.0):
        pairs = [(averaged(image) + offset, image + offset) for image in images]
        found.append(learn_filters(pairs, factor=2, stages=1, data_range=255).metadata)
    for metadata in found[1:]:
        for name in ("psnr_before", "psnr_after"):
            assert metadata[name] == pytest.approx(found[0][name], abs=0.02)


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        ([], {}, "pairs is empty"),
        ([[scene((40, 40))] * 3], {}, "a pair to enlarge must be .input, target., got 3 items"),
        ([[scene((40, 40))] * 2], {}, "target 0 must be 2 times its input, 80 x 80, got 40 x 40"),
        ([], {"factor": 1.5}, "factor must be 1, 2, 3 or 4, got 1.5"),
        ([], {"factor": 0}, "factor must be 1, 2, 3 or 4, got 0"),
        ([], {"factor": 5, "spec": "blade"}, "factor must be 1, 2, 3 or 4, got 5"),
        ([], {"stages": 4}, "stages must be from 1 to 3 to enlarge, got 4"),
        ([], {"stages": 0}, "stages must be from 1 to 3 to enlarge, got 0"),
        (
            [],
            {"size": 5},
            "size has no effect where factor is not 1, and pairs are gray: leave it out",
        ),
        ([], {"spec": ["blade"]}, "spec has no effect"),
        ([], {"channel_axis": -1}, "channel_axis has no effect"),
        ([], {"symmetric": False}, "symmetric has no effect"),
        ([], {"spec": np.zeros(3)}, "spec has no effect"),
        ([[np.zeros((9, 9), np.uint8), np.zeros((18, 18), np.uint16)]], {}, "pass data_range"),
        ([[np.full((40, 40), 7, "u1"), np.full((80, 80), 7, "u1")]], {}, "each image is constant"),
    ],
)
def test_pairs_that_nothing_is_learned_from(pairs, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        learn_filters(pairs, **{"factor": 2, **options})


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([], {}, "images is empty: there is nothing to learn from"),
        ([np.full((40, 40), 9, np.uint8)], {}, "each image is constant"),
        ([np.tile(np.arange(0, 240, 4, "u1"), (60, 1))], {}, "all slopes are equally steep"),
        ([scene((20, 20))], {}, "100 pixels of reduced images are too few"),
        ([scene((40, 40)), np.zeros((1, 9), np.uint8)], {}, "image 1 is 1 x 9: smaller than a"),
        ([scene((40, 40))], {"held_back": [np.zeros((9, 1))]}, "image held back 0 is 9 x 1"),
        ([np.full((40, 40), np.nan)], {}, "image 0 is not finite at"),
        ([scene((40, 40))], {"factor": 1.5}, "factor must be 2, 3 or 4, got 1.5"),
        ([scene((40, 40))], {"factor": 5}, "factor must be 2, 3 or 4, got 5"),
        ([scene((40, 40))], {"recipe": []}, "recipe is empty"),
    ],
)
def test_images_that_nothing_is_learned_from(images, options, message):
    with pytest.raises(ValueError, match=message):
        learn_upscaling(images, **options)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ((ProfileSpec(), 8, 0), "size must be"),
        ((ProfileSpec(), 17, 0), "size must be"),
        ((ProfileSpec(), 15, 0), "size of stage 1 must be up to 14, got 15"),
        ((ProfileSpec(), 7, -1), "margin of stage 1 must be from 0 to 6, got -1"),
        ((ProfileSpec(), 7, 7), "margin of stage 1 must be from 0 to 6, got 7"),
        ((ProfileSpec(), 7, 0.5), "margin of stage 1 must be from 0 to 6, got 0.5"),
        ((HashSpec(), 7, 0), "classes must be a ProfileSpec, got HashSpec"),
    ],
)
def test_recipes_that_nothing_is_learned_by(entry, message):
    recipe = [RECIPES["fast"][0], entry]
    with pytest.raises((TypeError, ValueError), match=message):
        learn_upscaling(iter(()), recipe=recipe)  # before any image is read


def test_learned_from_temperatures_as_from_photographs():
    """Most of this image is dark: about its median, its high lights would be clipped."""
    dark = np.square(scene((96, 112)) / 255.0)
    dark = (dark - dark.min()) / np.ptp(dark)
    outs = []
    for black, white in ((0.0, 255.0), (250.0, 70.0)):
        image = black + white * dark
        bank = learn_upscaling([image], 2, RECIPES["fast"], data_range=white)
        outs.append((upscale(image, 2, model=bank, data_range=white) - black) / white)
    assert np.abs(outs[0] - outs[1]).max() < 0.01
