"""learn_upscaling: what filters that enlarge are learned from, and what they are then."""

import numpy as np
import pytest

from raisr import upscale
from raisr.bicubic import resize_bicubic
from raisr.hashing import HashSpec
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
