import math
from dataclasses import FrozenInstanceError

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons.measure.protocol import COLOUR, PROTOCOLS, protocol_named, protocol_of
from raisr.colour import rgb_to_gray
from raisr.datasets import load_dataset
from raisr.metrics import psnr
from raisr.noise import Sample, noise_seed

STANDARD, PAPER = PROTOCOLS["standard"], PROTOCOLS["paper"]
colours = hnp.arrays(np.uint8, (12, 13, 3))
grays = hnp.arrays(np.uint8, (12, 13))


def mean_noisy_psnr(protocol, name, sigma):
    dataset = load_dataset(name)
    samples = (protocol.sample(dataset, image, sigma) for image in dataset)
    return np.mean([psnr(sample.noisy, sample.clean) for sample in samples])


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sigma", "expected"),
    [
        ("cbsd68", 15, 24.88),
        ("cbsd68", 25, 20.60),
        ("cbsd68", 50, 15.18),
        ("set14m2", 15, 24.96),
        ("set14m2", 25, 20.72),
        ("set14m2", 50, 15.35),
    ],
)
def test_paper_protocol_has_the_noise_of_the_paper(name, sigma, expected):
    assert mean_noisy_psnr(PAPER, name, sigma) == pytest.approx(expected, abs=0.03)


@pytest.mark.data
@pytest.mark.parametrize("name", ["bsd68", "set12"])
def test_standard_protocol_has_the_noise_of_the_literature(name):
    assert mean_noisy_psnr(STANDARD, name, 25) == pytest.approx(20.17, abs=0.03)


@given(colours)
def test_standard_protocol_adds_unclipped_noise_to_gray(rgb):
    sample = STANDARD.prepare(rgb, 60, seed=1)
    np.testing.assert_array_equal(sample.clean, rgb_to_gray(rgb))
    assert sample.noisy.dtype == sample.clean.dtype == np.float32
    assert (sample.data_range, sample.sigma, sample.noise) == (255, 60, "gaussian")
    assert np.any(sample.noisy != np.rint(sample.noisy))


def test_standard_noise_has_the_stated_deviation():
    sample = STANDARD.prepare(np.zeros((400, 400), np.uint8), 25, seed=3)
    assert sample.noisy.std() == pytest.approx(25, rel=0.01)
    assert sample.noisy.mean() == pytest.approx(0, abs=0.3)
    assert sample.noisy.min() < -50


@given(colours)
def test_paper_protocol_has_the_video_range_luma_of_bt601(rgb):
    sample = PAPER.prepare(rgb, 25, seed=1)
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0) / 255
    luma = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    np.testing.assert_allclose(sample.clean, luma, atol=1e-4)
    assert (sample.data_range, sample.sigma, sample.noise) == (219, 25, "video_range")


@given(colours)
def test_paper_protocol_stores_the_noisy_image_in_eight_bits(rgb):
    noisy = PAPER.prepare(rgb, 50, seed=1).noisy
    assert noisy.min() >= 16 - 1e-3
    assert noisy.max() <= 235 + 1e-3


def test_paper_protocol_without_noise_keeps_the_luma():
    rgb = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    sample = PAPER.prepare(rgb, 0, seed=1)
    np.testing.assert_allclose(sample.noisy, sample.clean, atol=1e-3)


@given(grays)
def test_paper_protocol_takes_gray_images_as_video_range(gray):
    sample = PAPER.prepare(gray, 25, seed=1)
    np.testing.assert_allclose(sample.clean, 16 + 219 / 255 * gray.astype(float), atol=1e-4)
    assert sample.noisy.min() >= 16
    assert sample.noisy.max() <= 235


def test_paper_protocol_gives_gray_and_equal_channels_nearly_the_same_noise_level():
    gray = np.random.default_rng(0).integers(30, 226, (200, 200), dtype=np.uint8)
    psnr = []
    for image in (gray, np.stack([gray] * 3, axis=-1)):
        sample = PAPER.prepare(image, 25, seed=1)
        psnr.append(PAPER.score(sample.noisy, sample.clean, as_is=True)[0])
    assert psnr[0] == pytest.approx(psnr[1], abs=0.03)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_the_seed_decides_the_noise(protocol):
    image = np.full((16, 16), 128, np.uint8)
    first, again, other = (protocol.prepare(image, 25, seed).noisy for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


@given(st.floats(0.5, 60))
def test_psnr_of_a_constant_offset(offset):
    clean = np.full((16, 16), 100, np.float32)
    psnr, _ = STANDARD.score(clean + np.float32(offset), clean)
    assert psnr == pytest.approx(20 * math.log10(255 / offset), abs=1e-4)


def test_standard_score_clips_and_does_not_round():
    clean = np.zeros((16, 16), np.float32)
    assert STANDARD.score(clean - 40, clean)[0] == math.inf
    assert STANDARD.score(clean - 40, clean, as_is=True)[0] < 20
    assert STANDARD.score(clean + np.float32(0.3), clean)[0] < math.inf


def test_paper_score_clips_and_rounds():
    clean = np.full((16, 16), 40, np.float32)
    assert PAPER.score(clean + np.float32(0.3), clean)[0] == math.inf
    assert PAPER.score(np.full((16, 16), 400, np.float32), clean)[0] == pytest.approx(
        20 * math.log10(255 / 215)
    )


def test_ssim_windows_differ_between_the_protocols():
    rng = np.random.default_rng(0)
    clean = rng.uniform(60, 180, (64, 64)).astype(np.float32)
    noisy = clean + rng.normal(0, 20, clean.shape).astype(np.float32)
    ssim = {name: p.score(noisy, clean)[1] for name, p in PROTOCOLS.items()}
    assert 0 < ssim["standard"] < 1
    assert abs(ssim["standard"] - ssim["paper"]) > 1e-4


def test_ssim_of_the_standard_protocol_is_that_of_wang_et_al():
    # The definition, with a Gaussian window written out.
    rng = np.random.default_rng(1)
    clean = rng.uniform(60, 180, (11, 11))
    noisy = clean + rng.normal(0, 20, clean.shape)
    offset = np.arange(11) - 5
    line = np.exp(-(offset**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    mean_x, mean_y = (window * clean).sum(), (window * noisy).sum()
    var_x = (window * clean**2).sum() - mean_x**2
    var_y = (window * noisy**2).sum() - mean_y**2
    covariance = (window * clean * noisy).sum() - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    wanted = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    assert STANDARD.score(noisy, clean)[1] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_bad_images_and_outputs_are_refused(protocol):
    with pytest.raises(TypeError, match="must be uint8, got float64"):
        protocol.prepare(np.zeros((8, 8)), 25, 0)
    with pytest.raises(ValueError, match=r"got \(8, 8, 4\)"):
        protocol.prepare(np.zeros((8, 8, 4), np.uint8), 25, 0)
    clean = np.zeros((16, 16), np.float32)
    with pytest.raises(ValueError, match=r"shape \(16, 16\) of clean, got \(8, 16\)"):
        protocol.score(clean[:8], clean)
    with pytest.raises(ValueError, match="finite"):
        protocol.score(clean + np.nan, clean)


def test_noise_seed_is_stable():
    assert noise_seed("bsd68", "test001.png", 25) == noise_seed("bsd68", "test001.png", 25.0)
    assert noise_seed("bsd68", "test001.png", 25) == 2647937964812971565
    seeds = {
        noise_seed(folder, image, sigma, run)
        for folder in ("a", "b")
        for image in ("1.png", "2.png")
        for sigma in (15, 25)
        for run in (0, 1)
    }
    assert len(seeds) == 16


def test_crop_keeps_everything_but_the_size():
    sample = Sample(
        np.ones((9, 12), np.float32), np.zeros((9, 12), np.float32), 219, 25, "video_range"
    )
    crop = sample.crop(10)
    assert crop.noisy.shape == crop.clean.shape == (9, 10)
    assert (crop.data_range, crop.sigma, crop.noise) == (219, 25, "video_range")


def test_a_protocol_is_known_by_its_name():
    for protocol in (*PROTOCOLS.values(), COLOUR):
        assert protocol_named(protocol.name) is protocol
    with pytest.raises(KeyError):
        protocol_named("video")


def test_a_protocol_is_known_by_its_noise():
    assert (protocol_of("gaussian"), protocol_of("video_range")) == (STANDARD, PAPER)


def test_planes_have_the_range_of_the_noise_model():
    assert [protocol.data_range for protocol in (STANDARD, PAPER, COLOUR)] == [255, 219, 255]


def test_protocols_do_not_change():
    with pytest.raises(FrozenInstanceError):
        STANDARD.rounded = True


def test_an_image_of_a_set_has_the_noise_of_its_folder_and_name(tiny_dataset):
    image = tiny_dataset.images[0]
    sample = STANDARD.sample(tiny_dataset, image, 25)
    again = STANDARD.prepare(image.read(), 25, noise_seed("tiny", "gray.png", 25))
    np.testing.assert_array_equal(sample.noisy, again.noisy)


def test_outputs_in_colour_are_not_rounded():
    clean = np.full((16, 16, 3), 100, np.float32)
    psnr, _ = COLOUR.score(clean + 0.25, clean)
    assert psnr == pytest.approx(20 * np.log10(255 / 0.25))
