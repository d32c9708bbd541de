"""One network for many noise levels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hybrid.behaviour import Behaviour
from hybrid.class_specific import ClassSpecificDenoiser
from hybrid.classifiers import HashClassifier
from hybrid.denoiser import NetworkDenoiser
from hybrid.levels import REFERENCE, at_reference, gain
from hybrid.networks import build
from raisr import estimate_sigma
from raisr.noise import add_gaussian_noise
from tests.images import scene

CLEAN = scene((60, 70), 3)
MANY_LEVELS = Behaviour(sigma=75.0, sigma_min=0)


@pytest.fixture
def edsr():
    torch.manual_seed(0)
    network = build("edsr", features=4, blocks=2)
    network.exit.weight.data *= 20  # untrained, it would hardly change an image
    return network


def noisy_image(sigma):
    return np.float32(add_gaussian_noise(CLEAN, sigma, seed=0) / 255)


def test_noise_of_any_level_becomes_that_of_reference():
    levels = torch.tensor([5, 12.5, 25, 75]) / 255
    torch.testing.assert_close(gain(levels) * levels, torch.full((4,), REFERENCE))
    assert gain(torch.tensor(0.0)) == gain(torch.tensor(4 / 255)) == 5


def test_a_network_that_changes_nothing_gives_the_image_back():
    image = torch.rand(3, 1, 8, 8)
    levels = torch.tensor([0, 0.1, 0.3])[:, None, None, None]
    torch.testing.assert_close(at_reference(lambda scaled: scaled, image, levels), image)
    assert at_reference(lambda scaled: scaled, image, None) is image


def test_at_the_level_of_reference_nothing_changes(edsr):
    noisy = noisy_image(25)
    plain, scaled = (NetworkDenoiser(edsr, known) for known in (None, MANY_LEVELS))
    wanted = plain.denoise(noisy)
    np.testing.assert_allclose(scaled.denoise(noisy, 25 / 255), wanted, atol=1e-5)


@pytest.mark.parametrize("factor", [0.3, 2.5])
@pytest.mark.parametrize("told", [True, False])
def test_contrast_of_image_and_noise_does_not_matter(edsr, factor, told):
    denoiser, noisy = NetworkDenoiser(edsr, MANY_LEVELS), noisy_image(25)
    level = 25 / 255 if told else None
    found = denoiser.denoise(noisy, level)
    assert np.abs(found - noisy).max() > 0.1
    scaled = denoiser.denoise(0.5 + factor * (noisy - 0.5), level and factor * level)
    np.testing.assert_allclose(scaled, 0.5 + factor * (found - 0.5), atol=1e-4)


def test_an_untold_level_is_estimated_for_every_channel(edsr):
    denoiser = NetworkDenoiser(edsr, MANY_LEVELS)
    planes = [noisy_image(sigma) for sigma in (10, 40)]
    found = denoiser.denoise(np.stack(planes, -1), channel_axis=-1)
    for plane, out in zip(planes, np.moveaxis(found, -1, 0), strict=True):
        np.testing.assert_array_equal(out, denoiser.denoise(plane, estimate_sigma(plane)))
        np.testing.assert_array_equal(out, denoiser.denoise(plane, tile=32))


def test_an_estimate_below_all_levels_is_taken_for_the_lowest(edsr):
    denoiser = NetworkDenoiser(edsr, replace(MANY_LEVELS, sigma_min=30))
    noisy = noisy_image(10)
    np.testing.assert_array_equal(denoiser.denoise(noisy), denoiser.denoise(noisy, 30 / 255))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tensors_give_what_arrays_give(dtype):
    torch.manual_seed(0)
    network = build("edsr", features=4, blocks=1, num_classes=72)
    denoisers = (
        NetworkDenoiser(build("edsr", features=4, blocks=1), MANY_LEVELS),
        ClassSpecificDenoiser(network, HashClassifier("csconv"), MANY_LEVELS),
    )
    planes = np.stack([noisy_image(sigma) for sigma in (15, 50)])
    images = torch.from_numpy(planes)[:, None].to(dtype)
    atol = 1e-5 if dtype == torch.float32 else 0.03
    for denoiser in denoisers:
        wanted = np.stack([denoiser.denoise(plane[0].float().numpy()) for plane in images])
        found = denoiser.to(dtype)(images).detach()[:, 0].float()
        np.testing.assert_allclose(found, wanted, atol=atol)


@pytest.mark.filterwarnings("ignore:image has values far above white")
def test_an_estimate_beyond_all_levels_is_refused(edsr):
    with pytest.raises(ValueError, match="sigma 0 to 75, got .* is data_range wrong"):
        NetworkDenoiser(edsr, MANY_LEVELS).denoise(noisy_image(25) * 255)


@pytest.mark.parametrize("image", [np.zeros((1, 1)), np.full((40, 40), 0.7), CLEAN])
def test_images_without_noise(edsr, image):
    assert np.isfinite(NetworkDenoiser(edsr, MANY_LEVELS).denoise(image)).all()
