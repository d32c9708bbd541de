"""Orientation, strength and coherence against the eigenvalue oracle and against theory."""

import numpy as np
import pytest

from raisr import GradientStatistics, HashSpec, gradient_statistics
from raisr.hashing import PRESETS
from tests.images import noisy_scene, random_bytes, scene
from tests.reference.gradients import statistics

SPECS = PRESETS | {
    "presmoothed": HashSpec(presmooth=0.25),
    "wide": HashSpec(window=21, weighting="gaussian", gaussian_sigma=5, strength="eigenvalue"),
    "narrow": HashSpec(window=3, presmooth=0.1),
}
IMAGES = {
    "8-bit scene": (scene(), None, 255),
    "16-bit noise": (random_bytes().astype(np.uint16) * 257, None, 65535),
    "float scene": (noisy_scene(), 255, 255),
    "float on [0, 1]": (noisy_scene() / 255, None, 1),
    "two rows": (noisy_scene((2, 40)), 255, 255),
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize(("image", "data_range", "white"), IMAGES.values(), ids=IMAGES)
def test_statistics_equal_the_oracle(image, data_range, white, spec):
    found = gradient_statistics(image, spec, data_range=data_range)
    orientation, strength, coherence = statistics(image, spec, white)
    np.testing.assert_allclose(found.strength, strength, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.coherence, coherence, rtol=1e-4, atol=1e-3)
    turn = np.abs(found.orientation - orientation)
    anisotropy = 2 * coherence / (1 + coherence**2)
    np.testing.assert_array_less(np.minimum(turn, 1 - turn) * anisotropy, 1e-5)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 150, 179])
def test_orientation_is_the_angle_of_the_gradient_from_the_row_axis(degrees):
    y, x = np.mgrid[:32, :32] / 32
    angle = np.radians(degrees)
    image = (y * np.cos(angle) + x * np.sin(angle)) / 2
    found = gradient_statistics(image)
    turn = np.abs(found.orientation[16, 16] - degrees / 180)
    assert min(turn, 1 - turn) < 1e-5
    assert found.coherence[16, 16] == pytest.approx(1, abs=1e-2)


def test_strength_is_in_the_unit_of_the_paper():
    slope = 6  # gray levels a pixel
    ramp = np.tile(np.arange(32) * slope, (32, 1)).astype(np.uint8)
    full, video = 219 / 255 * slope / 255, slope / 255
    assert gradient_statistics(ramp).strength[16, 16] == pytest.approx(full, rel=1e-6)
    found = gradient_statistics(ramp, data_range=219).strength[16, 16]
    assert found == pytest.approx(video, rel=1e-6)
    squared = gradient_statistics(ramp, HashSpec(strength="eigenvalue")).strength[16, 16]
    assert squared == pytest.approx(video**2, rel=1e-6)


def test_flat_images_have_no_orientation_strength_or_coherence():
    found = gradient_statistics(np.full((9, 9), 200, np.uint8))
    assert isinstance(found, GradientStatistics)
    assert not any(plane.any() for plane in found)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_ranges_and_types(spec):
    found = gradient_statistics(random_bytes((70, 300)), spec)
    for plane in found:
        assert plane.shape == (70, 300)
        assert plane.dtype == np.float32
        assert plane.min() >= 0
    assert found.orientation.max() < 1
    assert found.coherence.max() <= 1
