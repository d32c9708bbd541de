"""The level of a camera's noise, told by weights that are learned."""

import numpy as np
import pytest
from skimage import data

from raisr import estimate_noise
from raisr.camera_levels import camera_levels, fit_level_weights, true_levels
from raisr.camera_models import GAINS, camera_bank_for, camera_filters
from raisr.colour import LUMA_NOISE, opponent_planes
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, add_gaussian_noise
from tests.images import random_bytes

VIVID = [[1.7, -0.6, -0.1], [-0.2, 1.5, -0.3], [0, -0.6, 1.6]]


def photographed(gain, image=None, **options):
    clean = data.astronaut()[:300, 80:380] if image is None else image
    options = {"demosaic": "edge", "quality": 96} | options
    noisy = add_camera_noise(clean, gain, 0, **options)
    return noisy, add_camera_noise(clean, 0, 0, **options | {"quality": None})


def planes(image):
    return list(opponent_planes(np.moveaxis(image, -1, 0)))


def test_true_levels_are_those_of_white_noise():
    clean = np.zeros((3, 400, 400), np.float32)
    noise = np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    scaled = noise * np.float32([3, 4, 9])[:, None, None]
    luma, chroma = true_levels(list(clean + scaled), list(clean))
    assert luma == pytest.approx(3, rel=0.02)
    assert chroma == pytest.approx(6, rel=0.02)  # the geometric mean


@pytest.fixture(scope="module")
def told():
    """Estimates, and the levels that some weights tell of them."""
    wanted = np.random.default_rng(0).normal(0, 0.1, (2, 17))
    noisy = [
        add_camera_noise(random_bytes((64, 64, 3), seed=seed), 0.02 * (seed + 1), seed)
        for seed in range(20)
    ]
    estimates = [estimate_noise(image, channel_axis=-1) for image in noisy]
    return estimates, np.array([camera_levels(found, wanted) for found in estimates])


def test_weights_are_found_again(told):
    estimates, levels = told
    found = fit_level_weights(estimates, levels)
    for estimate, level in zip(estimates, levels, strict=True):
        np.testing.assert_allclose(camera_levels(estimate, found), level, rtol=0.03)


def test_a_level_that_is_far_off_changes_little(told):
    estimates, levels = told
    wrong = levels.copy()
    wrong[7] *= 20
    found = fit_level_weights(estimates, wrong)
    for number, (estimate, level) in enumerate(zip(estimates, levels, strict=True)):
        if number != 7:
            np.testing.assert_allclose(camera_levels(estimate, found), level, rtol=0.15)


@pytest.mark.parametrize("gain", [0.002, 0.01, 0.03])
@pytest.mark.parametrize("smooth", [0, 2])
@pytest.mark.parametrize("vivid", [np.eye(3), VIVID])
def test_levels_that_are_told_do_as_well_as_true_ones(gain, smooth, vivid):
    noisy, clean = photographed(gain, chroma_smoothing=smooth, colour_matrix=vivid)
    bank, _ = camera_filters("best", "camera", estimate_noise(noisy, channel_axis=-1))
    assert bank.metadata["levels"][1] == bank.metadata["levels"][2]
    true = camera_bank_for("best", "camera", *true_levels(planes(noisy), planes(clean)))
    told, expected = (psnr(one.apply(noisy), clean) for one in (bank, true))
    assert told > expected - 0.12


@pytest.mark.parametrize("kind", GAINS)
@pytest.mark.parametrize("sigma", [10, 20])
def test_white_noise_that_is_told_to_be_of_a_camera_has_its_level(kind, sigma):
    noisy = add_gaussian_noise(np.full((128, 128, 3), 120.0), sigma, 0)
    found = estimate_noise(noisy, channel_axis=-1, data_range=255)
    bank, _ = camera_filters("fast", kind, found)
    ends = [camera_bank_for("fast", kind, level, level) for level in (0, 1000)]
    expected = np.clip([sigma * LUMA_NOISE, sigma], *(end.metadata["levels"][:2] for end in ends))
    np.testing.assert_allclose(bank.metadata["levels"][:2], expected, rtol=0.15)


def test_luma_and_chroma_have_levels_of_their_own():
    found = [
        camera_filters("best", "camera", estimate_noise(noisy, channel_axis=-1))[0]
        for noisy, _ in (photographed(0.01, chroma_smoothing=smooth) for smooth in (0, 3))
    ]
    luma, chroma, _ = np.transpose([bank.metadata["levels"] for bank in found])
    assert chroma[1] < 0.8 * chroma[0]
    assert abs(np.log(luma[1] / luma[0])) < 0.35


@pytest.mark.parametrize("kind", GAINS)
def test_the_unit_does_not_matter(kind):
    noisy, _ = photographed(0.01)
    found = [
        camera_filters("best", kind, estimate_noise(image, channel_axis=-1, data_range=white))
        for image, white in (
            (noisy, 255),
            (noisy.astype(np.uint16) * 257, 65535),
            (noisy.astype(np.float32), 255),  # not clipped, so what is black in it counts
        )
    ]
    for bank, share in found[1:]:
        np.testing.assert_allclose(
            bank.metadata["levels"], found[0][0].metadata["levels"], rtol=0.2
        )
        assert share == pytest.approx(found[0][1], abs=0.02)


@pytest.mark.parametrize("kind", GAINS)
@pytest.mark.parametrize("shape", [(2, 2), (5, 9), (12, 12), (24, 40)])
def test_tiny_images_have_some_level(kind, shape):
    noisy = add_camera_noise(random_bytes((*shape, 3)), 0.02, 0)
    bank, share = camera_filters("fast", kind, estimate_noise(noisy, channel_axis=-1))
    assert np.isfinite(bank.metadata["levels"]).all()
    assert 0 <= share <= 1
