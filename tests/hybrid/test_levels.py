"""One network for every noise level."""

import numpy as np
import pytest
import torch

from hybrid.classifiers import HashClassifier
from hybrid.denoiser import ClassSpecificDenoiser, NetworkDenoiser
from hybrid.levels import REFERENCE, at_reference, estimated_levels, gain
from hybrid.models import build
from raisr import estimate_sigma
from raisr.noise import add_gaussian_noise
from tests.images import scene

CLEAN = scene((60, 70), 3)
ALL_LEVELS = {"sigma": 75.0, "sigma_min": 0, "normalized": True}


@pytest.fixture
def edsr():
    torch.manual_seed(0)
    network = build("edsr", features=4, blocks=2)
    network.exit.weight.data *= 20  # untrained, it would hardly change an image
    return network


def noisy_image(sigma, shape=CLEAN.shape):
    return np.float32(add_gaussian_noise(CLEAN[: shape[0], : shape[1]], sigma, seed=0) / 255)


def test_noise_of_any_level_becomes_that_of_reference():
    levels = torch.tensor([5, 12.5, 25, 75]) / 255
    torch.testing.assert_close(gain(levels) * levels, torch.full((4,), REFERENCE))
    assert gain(torch.tensor(0.0)) == gain(torch.tensor(4 / 255)) == 5


def test_each_image_has_a_level_of_its_own():
    images = np.stack([noisy_image(sigma) for sigma in (10, 40)])[:, None]
    found = estimated_levels(torch.from_numpy(images))
    assert (found.shape, found.dtype) == ((2, 1, 1, 1), torch.float32)
    wanted = [estimate_sigma(image[0]) for image in images]
    np.testing.assert_allclose(found.flatten(), wanted, rtol=1e-6)


def test_a_network_that_changes_nothing_gives_the_image_back():
    image = torch.rand(3, 1, 8, 8)
    levels = torch.tensor([0, 0.1, 0.3])[:, None, None, None]
    torch.testing.assert_close(at_reference(lambda scaled: scaled, image, levels), image)


def test_at_the_level_of_reference_nothing_changes(edsr):
    noisy = noisy_image(25)
    plain, scaled = (NetworkDenoiser(edsr, known) for known in ({}, ALL_LEVELS))
    wanted = plain.denoise(noisy)
    np.testing.assert_allclose(scaled.denoise(noisy, 25 / 255), wanted, atol=1e-5)


@pytest.mark.parametrize("factor", [0.3, 2.5])
@pytest.mark.parametrize("told", [True, False])
def test_contrast_of_image_and_noise_does_not_matter(edsr, factor, told):
    denoiser, noisy = NetworkDenoiser(edsr, ALL_LEVELS), noisy_image(25)
    level = 25 / 255 if told else None
    wanted = 0.5 + factor * (denoiser.denoise(noisy, level) - 0.5)
    assert np.abs(wanted - noisy).max() > 0.1
    found = denoiser.denoise(0.5 + factor * (noisy - 0.5), level and factor * level)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_an_untold_level_is_estimated_for_every_channel(edsr):
    denoiser = NetworkDenoiser(edsr, ALL_LEVELS)
    planes = [noisy_image(sigma) for sigma in (10, 40)]
    found = denoiser.denoise(np.stack(planes, -1), channel_axis=-1)
    for plane, out in zip(planes, np.moveaxis(found, -1, 0), strict=True):
        np.testing.assert_array_equal(out, denoiser.denoise(plane, estimate_sigma(plane)))
        np.testing.assert_array_equal(out, denoiser.denoise(plane, tile=32))


def test_tensors_give_what_arrays_give():
    torch.manual_seed(0)
    network = build("edsr", features=4, blocks=1, num_classes=72)
    denoisers = (
        NetworkDenoiser(build("edsr", features=4, blocks=1), ALL_LEVELS),
        ClassSpecificDenoiser(network, HashClassifier("csconv"), ALL_LEVELS),
    )
    noisy = noisy_image(50)
    for denoiser in denoisers:
        found = denoiser(torch.from_numpy(noisy)[None, None]).detach()[0, 0].numpy()
        np.testing.assert_allclose(found, denoiser.denoise(noisy), atol=1e-5)


def test_an_estimate_beyond_what_the_network_knows_is_refused(edsr):
    with pytest.raises(ValueError, match="sigma 0 to 75, got .* is data_range wrong"):
        NetworkDenoiser(edsr, ALL_LEVELS).denoise(noisy_image(25) * 255)


@pytest.mark.parametrize("image", [np.zeros((1, 1)), np.full((40, 40), 0.7), CLEAN])
def test_images_without_noise(edsr, image):
    assert np.isfinite(NetworkDenoiser(edsr, ALL_LEVELS).denoise(image)).all()
