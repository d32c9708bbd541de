"""White noise in photographs in colour, told by their chroma; what cameras leave is none."""

import numpy as np
import pytest
from skimage import data

import hybrid
from raisr import denoise, estimate_noise
from raisr.estimation import plane_details
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, add_gaussian_noise, add_poisson_gaussian_noise
from raisr.noise_estimate import NoiseEstimate
from raisr.treatment import treatment_of
from raisr.validate import as_channels
from raisr.white_certainty import shipped_weights


def halved(image):
    height, width = (side // 2 * 2 for side in image.shape[:2])
    parts = image[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    return np.rint(parts.mean(axis=(1, 3))).astype(np.uint8)


PHOTOGRAPHS = {  # with noise of 0.8 of their own
    "cat": halved(data.chelsea()),
    "coffee": halved(data.coffee()),
    "astronaut": halved(data.astronaut()),
}


def in_eight_bits(image):
    return np.rint(image).clip(0, 255).astype(np.uint8)


def estimate(image):
    return estimate_noise(image, channel_axis=-1, data_range=255)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("sigma", [2, 3, 5, 10])
def test_faint_noise_is_removed_as_if_it_were_told(name, sigma):
    clean = PHOTOGRAPHS[name]
    noisy = in_eight_bits(add_gaussian_noise(clean, sigma, 0))
    found = estimate(noisy)
    assert treatment_of(found) == "white"
    assert found.white_chroma == pytest.approx(np.hypot(sigma, 0.8), rel=0.15)
    for run in (denoise, hybrid.denoise):
        told = psnr(run(noisy, sigma, channel_axis=-1), clean)
        assert psnr(run(noisy, channel_axis=-1), clean) > told - 0.6


@pytest.mark.parametrize(("name", "gain"), [("cat", 0.3), ("cat", 1.0), ("coffee", 1.0)])
def test_noise_of_photons_is_told_by_chroma(name, gain):
    clean = PHOTOGRAPHS[name]
    found = estimate(add_poisson_gaussian_noise(clean, 255 / gain, 0))
    assert treatment_of(found) == "photon"
    assert found.photons.gain == pytest.approx(gain, rel=0.25)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("demosaic", ["bilinear", "edge"])
@pytest.mark.parametrize("gain", [0.0, 0.001, 0.01])
def test_no_camera_leaves_white_noise(name, demosaic, gain):
    noisy = add_camera_noise(PHOTOGRAPHS[name], gain, 0, demosaic=demosaic, smoothing=0.5)
    found = estimate(noisy)
    assert found.white_chroma == 0
    assert treatment_of(found) not in ("white", "photon")


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_has_none(name):
    assert estimate(PHOTOGRAPHS[name]).white_chroma == 0


def estimate_of(luma, chroma, whiteness, **further):
    levels = np.array([[luma, *chroma], [0.0] * 3, [0.0] * 3])
    whiteness = np.array(whiteness)
    return NoiseEstimate(levels, np.empty(0), np.empty(0), whiteness=whiteness, **further)


def test_all_levels_become_that_of_chroma():
    found = estimate_of(9.0, (2.0, 2.0), (0, 1, 1))
    assert found.without_texture([8.0, 8.0, 8.0]) == pytest.approx([2, 2, 2])
    assert found.without_texture([1.0, 1.0, 1.0]) == [1, 1, 1]
    assert found.without_texture([0.0, 0.0, 0.0]) == [0, 0, 0]
    different = np.array([5.0, 5.0, 25.0])
    planes = np.sqrt([(25 + 625) / 2, (25 + 4 * 25 + 625) / 6])
    told = estimate_of(9.0, planes, (0, 1, 1)).without_texture((1.5 * different).tolist())
    np.testing.assert_allclose(told, different)


@pytest.mark.parametrize(
    "found",
    [
        estimate_of(9.0, (2.0, 2.0), (1, 1, 0.4)),
        estimate_of(9.0, (2.0, 0.5), (1, 1, 1)),
        estimate_of(9.0, (2.0, 2.0), (1, 1, 1), mosaic=0.5),
        NoiseEstimate(np.full((3, 1), 2.0), np.empty(0), np.empty(0)),
    ],
)
def test_levels_stay_where_chroma_does_not_tell(found):
    assert found.white_chroma == 0
    assert found.without_texture([8.0, 7.0, 6.0]) == [8, 7, 6]


def test_the_level_is_in_the_unit_of_the_image():
    noisy = add_gaussian_noise(PHOTOGRAPHS["coffee"], 5, 0)
    gray_levels, unit = estimate(noisy), estimate_noise(noisy / 255, channel_axis=-1)
    assert unit.white_chroma == pytest.approx(gray_levels.white_chroma / 255, rel=1e-3)
    found = unit.without_texture([9.0] * 3)
    assert found == pytest.approx(gray_levels.without_texture([9.0] * 3), rel=1e-3)


def test_small_images_do_not_tell():
    noisy = add_gaussian_noise(PHOTOGRAPHS["coffee"][:30, :30], 10, 0)
    assert estimate(noisy).white_chroma == 0


def test_details_of_chroma_are_those_of_the_estimate():
    noisy = add_gaussian_noise(PHOTOGRAPHS["coffee"], 10, 0)
    levels = [level for level, _ in plane_details(as_channels(noisy, -1, 255))[1:]]
    np.testing.assert_allclose(levels, [10, 10], rtol=0.1)
    assert shipped_weights("chroma").shape == (16,)
