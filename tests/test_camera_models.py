"""Photographs of synthetic cameras, nothing told: noise goes, and what is none stays."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import raisr
from raisr import denoise, estimate_noise
from raisr.camera_models import GAINS, camera_bank_for, camera_bank_path
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, add_gaussian_noise
from raisr.pyramid_bank import PyramidBank
from tests.images import random_bytes

RUNGS = [(kind, gain) for kind in GAINS for gain in GAINS[kind]]
each_model = pytest.mark.parametrize("model", ["fast", "best"])


def photographed(gain, **options):
    """A photograph, and what the same camera gives without noise."""
    clean = data.astronaut()[:300, 80:380]
    noisy = add_camera_noise(clean, gain, 0, **options)
    return noisy, add_camera_noise(clean, 0, 0, **options | {"quality": None})


@each_model
@pytest.mark.parametrize(("gain", "gained"), [(0.003, 2.0), (0.012, 3.5), (0.05, 5.0)])
@pytest.mark.parametrize("smoothing", [0, 0.6])
def test_a_photograph_gets_cleaner(model, gain, gained, smoothing):
    noisy, target = photographed(gain, demosaic="edge", smoothing=smoothing, quality=96)
    assert estimate_noise(noisy, channel_axis=-1).kind == "camera"
    out = denoise(noisy, channel_axis=-1, model=model)
    assert psnr(out, target) > psnr(noisy, target) + gained


@each_model
@pytest.mark.parametrize("offset", [0, 1])
def test_what_filling_in_by_means_did_is_undone(model, offset):
    clean = data.astronaut()[:300, 80:380]
    noisy = add_camera_noise(clean, 0.012, 0)[offset:]
    assert estimate_noise(noisy, channel_axis=-1).kind == "mosaic"
    out = denoise(noisy, channel_axis=-1, model=model)
    assert psnr(out, clean[offset:]) > psnr(noisy, clean[offset:]) + 2.8


@each_model
def test_colours_and_brightness_stay(model):
    noisy, _ = photographed(0.012, demosaic="edge", smoothing=0.5)
    out = denoise(noisy, channel_axis=-1, model=model).astype(float)
    assert np.abs((out - noisy).mean((0, 1))).max() < 0.3


def test_types_and_axes_give_one_result():
    # Nothing is black: of floats, what is would count, as they are not clipped.
    noisy = add_camera_noise(60 + data.astronaut()[:300, 80:380] // 2, 0.012, 0, demosaic="edge")
    expected = denoise(noisy, channel_axis=-1).astype(float)
    wide = denoise(noisy.astype(np.uint16) * 257, channel_axis=-1)
    assert np.abs(wide / 257 - expected).max() <= 0.51
    first = denoise(np.moveaxis(noisy, -1, 0).astype(np.float32) / 255, channel_axis=0)
    assert np.abs(np.moveaxis(first, 0, -1).clip(0, 1) * 255 - expected).mean() <= 0.5
    one, three = (denoise(noisy, channel_axis=-1, num_threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("kind", GAINS)
def test_levels_go_up_with_the_gain(kind):
    levels = [PyramidBank.load(camera_bank_path(kind, g)).metadata["levels"] for g in GAINS[kind]]
    assert np.all(np.diff(levels, axis=0) > 0)


@pytest.mark.parametrize("kind", GAINS)
@each_model
def test_any_level_has_a_bank(kind, model):
    for level in (0.0, 0.5, 5, 20, 1000):
        bank = camera_bank_for(model, kind, level, level)
        assert len(bank.scales[0].luma) == (1 if model == "fast" else 2)
    for plane in (0, 1):  # luma and chroma have their own
        banks = [
            camera_bank_for(model, kind, *(level, 12)[:: 1 if plane == 0 else -1])
            for level in (9, 12, 16)
        ]
        mine, others = (
            {bank.scales[0].planes[which][0].filters.tobytes() for bank in banks}
            for which in (plane, 1 - plane)
        )
        assert len(mine) == 3
        assert len(others) == 1


def test_a_rung_is_the_shipped_bank():
    for kind, gain in RUNGS:
        shipped = PyramidBank.load(camera_bank_path(kind, gain))
        bank = camera_bank_for("best", kind, *shipped.metadata["levels"])
        for found, expected in zip(bank.scales, shipped.scales, strict=True):
            for stages, others in zip(found.planes, expected.planes, strict=True):
                for stage, other in zip(stages, others, strict=True):
                    np.testing.assert_allclose(stage.filters, other.filters, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 2), (5, 40)])
@pytest.mark.parametrize("kind", GAINS)
def test_any_size(shape, kind):
    bank = camera_bank_for("best", kind, 5, 5)
    image = random_bytes((*shape, 3))
    assert bank.apply(image).shape == image.shape


def test_a_denoised_photograph_that_was_a_jpeg_hardly_changes():
    noisy, _ = photographed(0.01, demosaic="edge", smoothing=0.5)
    memory = io.BytesIO()
    Image.fromarray(denoise(noisy, channel_axis=-1, model="best")).save(memory, "JPEG", quality=92)
    before = np.array(Image.open(memory))
    assert psnr(denoise(before, channel_axis=-1), before) > 45


def test_white_noise_is_not_taken_for_that_of_a_camera():
    for sigma in (5, 25, 50):
        noisy = add_gaussian_noise(data.astronaut()[:300, 80:380], sigma, 0)
        for image in (noisy, noisy.clip(0, 255).astype(np.uint8)):
            assert estimate_noise(image, channel_axis=-1, data_range=255).kind == "white"
    assert estimate_noise(np.zeros((64, 64, 3)), channel_axis=-1).kind == "none"


def test_the_banks_are_small():
    sizes = [camera_bank_path(*rung).stat().st_size for rung in RUNGS]
    assert max(sizes) < 1 << 20
    assert sum(sizes) < 3 << 20
    assert camera_bank_path(*RUNGS[0]).parent == Path(raisr.__file__).parent / "banks"


@pytest.mark.parametrize(("kind", "gain"), RUNGS)
def test_each_bank_tells_of_its_training(kind, gain):
    facts = PyramidBank.load(camera_bank_path(kind, gain)).metadata
    assert (facts["kind"], facts["gain"], facts["training_set"]) == (kind, gain, "bsd400")
    assert facts["training_images"] == 399
    assert "non-commercial" in facts["terms"]
