"""The mean of what a network makes of an image turned and mirrored."""

import numpy as np
import pytest
import skimage.data

import hybrid
from hybrid import zoo
from hybrid.ensemble import SIZES, mean_of_positions
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise
from tests.images import noisy_scene

PLANES = np.random.default_rng(0).standard_normal((3, 5, 8)).astype(np.float32)


def weighted(planes, guides):
    """Treat every pixel by its place, which turning changes."""
    rows, columns = planes.shape[1:]
    return planes * np.arange(rows * columns, dtype=np.float32).reshape(rows, columns) + 1


def position(planes, turns, mirrored):
    planes = planes[:, :, ::-1] if mirrored else planes
    return np.rot90(planes, turns, (1, 2))


def back(planes, turns, mirrored):
    planes = np.rot90(planes, -turns, (1, 2))
    return planes[:, :, ::-1] if mirrored else planes


def test_eight_are_all_positions():
    every = [(turns, mirrored) for turns in range(4) for mirrored in (False, True)]
    expected = np.mean([back(weighted(position(PLANES, *p), None), *p) for p in every], axis=0)
    found = mean_of_positions(8, weighted, PLANES, None)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_what_no_position_changes_stays(size):
    found = mean_of_positions(size, lambda planes, _: 2 * planes, PLANES, None)
    np.testing.assert_allclose(found, 2 * PLANES, rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_so_many_are_looked_at_in_places_of_their_own(size):
    seen = []

    def run(planes, guides):
        np.testing.assert_array_equal(guides, planes + 1)
        seen.append(planes.tobytes())
        return planes.copy()

    mean_of_positions(size, run, PLANES, PLANES + 1)
    assert len(set(seen)) == len(seen) == size


@pytest.mark.parametrize("turns", range(4))
def test_of_eight_the_result_turns_with_the_image(turns):
    noisy, network = noisy_scene((33, 46), 25), hybrid.load("unet_base")
    found, expected = (
        network.denoise(np.rot90(noisy, k), 25, data_range=255, ensemble=8) for k in (turns, 0)
    )
    np.testing.assert_allclose(found, np.rot90(expected, turns), atol=1e-2)


def test_classes_are_those_of_the_turned_image():
    noisy, network = noisy_scene((40, 56), 25), hybrid.load("unet_small")
    options = {"sigma": 25, "data_range": 255}
    turned = network.denoise(noisy[::-1, ::-1].T, **options).T[::-1, ::-1]
    mean = (network.denoise(noisy, **options) + turned) / 2
    np.testing.assert_allclose(network.denoise(noisy, ensemble=2, **options), mean, atol=1e-3)


def test_a_guide_is_turned_too():
    noisy, guide = noisy_scene((40, 56), 25), noisy_scene((40, 56), 3)
    network = hybrid.load("cs_edsr16_clean_standard_25")
    both = [
        network.denoise(image, guide=other, data_range=255)
        for image, other in ((noisy, guide), (noisy[::-1, ::-1].T, guide[::-1, ::-1].T))
    ]
    found = network.denoise(noisy, guide=guide, data_range=255, ensemble=2)
    np.testing.assert_allclose(found, (both[0] + both[1].T[::-1, ::-1]) / 2, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [15, 50])
def test_models_that_take_longer_are_better(channels, sigma):
    clean = skimage.data.astronaut()[:256, :256, :channels]
    noisy = add_gaussian_noise(clean, sigma, seed=0)
    scores = [
        psnr(hybrid.denoise(noisy, sigma, model=model, channel_axis=-1, data_range=255), clean)
        for model in ("small", "base", "finest")
    ]
    assert np.diff(scores).min() > 0.02


@pytest.mark.parametrize("size", [0, 3, 16, -1, 2.0, "8", None, [2], np.array(2)])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="ensemble must be one of 1, 2, 4, 8, got"):
        hybrid.load("unet_base").denoise(np.zeros((8, 8)), 0.1, ensemble=size)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2)])
def test_any_size_of_an_image(shape):
    image = np.full(shape, 100, np.uint8)
    image.setflags(write=False)
    found = zoo.load("unet_base").denoise(image, 5, ensemble=8)
    assert found.shape == shape
    assert found.dtype == np.uint8
