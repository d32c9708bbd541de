"""The hybrid U-Net, and the denoiser around it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hybrid.behaviour import Behaviour
from hybrid.exact import exact
from hybrid.filtered import filtered
from hybrid.hybrid_denoiser import HybridDenoiser
from hybrid.networks import build
from hybrid.weights import load_into
from raisr import HashSpec, denoise
from raisr.colour import opponent_planes, rgb_planes
from raisr.noise import add_gaussian_noise
from tests.images import scene

SPEC = HashSpec.preset("csconv")
MANY = Behaviour(sigma=75.0, sigma_min=0.0, classes="denoised", spec=SPEC)
IMAGE = scene((70, 93), 3)
COLOUR = np.stack([scene((70, 93), seed) for seed in (3, 4, 5)], -1)


def network_of(channels=1, **options):
    torch.manual_seed(0)
    options = {"features": 8, "blocks": (1, 1, 1), "num_classes": 72, **options}
    return build("unet", channels=channels, **options)


@pytest.fixture(params=[1, 3], ids=["gray", "colour"])
def channels(request):
    return request.param


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request):
    return request.param


@pytest.fixture
def denoiser(channels):
    return HybridDenoiser(network_of(channels), MANY)


@pytest.fixture
def noisy(channels):
    return add_gaussian_noise(IMAGE if channels == 1 else COLOUR, 20, seed=0)


def call(denoiser, noisy, **options):
    axis = -1 if noisy.ndim == 3 else None
    return denoiser.denoise(noisy, 20, channel_axis=axis, data_range=255, **options)


@pytest.mark.parametrize("tile", [8, 40])
def test_tiles_make_no_difference(channels, precision, noisy, tile):
    denoiser = HybridDenoiser(network_of(channels), MANY, precision=precision)
    np.testing.assert_array_equal(call(denoiser, noisy, tile=tile), call(denoiser, noisy))


def test_threads_make_no_difference(channels, precision, noisy):
    denoiser = HybridDenoiser(network_of(channels), MANY, precision=precision)
    one = call(denoiser, noisy)
    torch.set_num_threads(2)
    try:
        np.testing.assert_array_equal(call(denoiser, noisy), one)
    finally:
        torch.set_num_threads(1)


def test_bfloat16_rounds_what_is_added_to_the_image_alone(channels, denoiser, noisy):
    """The image itself, rounded to bfloat16, would be wrong by 0.5 gray levels."""
    rough = HybridDenoiser(network_of(channels), MANY, precision="bfloat16")
    wide, narrow = call(denoiser, noisy), call(rough, noisy)
    assert not np.array_equal(narrow, wide)
    added = np.abs(wide - noisy).max()
    assert np.abs(narrow - wide).max() < 0.02 * added


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision must be one of auto, float32, bfloat16, got"):
        HybridDenoiser(network_of(), MANY, precision="half")


def test_nothing_beyond_the_reach_matters():
    network = network_of(blocks=(1, 2, 3), num_classes=None, filtered=False).double()
    side = 2 * network.reach + 17
    image = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    level = torch.full((1, 1, 1, 1), 0.1, dtype=torch.float64)
    middle = side // 2 // 8 * 8
    furthest = 0
    for row in range(middle, middle + 8):
        (gradient,) = torch.autograd.grad(network(image, level)[0, 0, row, row], image)
        seen = gradient[0, 0].abs().amax(0).nonzero().flatten() - row
        furthest = max(furthest, int(seen.abs().max()))
    assert furthest == network.reach


def test_it_begins_as_its_twin_without_filters(channels, noisy):
    plain = network_of(channels, num_classes=None, filtered=False)
    hybrid = network_of(channels)
    load_into(hybrid, plain.state_dict())
    wanted = call(HybridDenoiser(plain, replace(MANY, classes=None, spec=None)), noisy)
    np.testing.assert_allclose(call(HybridDenoiser(hybrid, MANY), noisy), wanted, atol=2e-3)


@pytest.mark.parametrize("filtered", [False, True])
def test_faint_noise_is_left_to_filters_that_the_network_sees(filtered):
    denoiser = HybridDenoiser(network_of(filtered=filtered), MANY)
    levels = torch.full((1, 1, 1, 1), 0.5 / 255)
    with torch.inference_mode():
        alone = denoiser(torch.from_numpy(IMAGE / 255).float()[None, None], levels) * 255
    found = denoiser.denoise(IMAGE.astype(np.float32), 0.5, data_range=255)
    assert np.allclose(found, alone[0, 0].numpy(), atol=1e-2) != filtered


def test_filters_are_those_of_raisr(channels, noisy):
    axis = None if channels == 1 else -1
    wanted = denoise(noisy, 20, model="best", channel_axis=axis, data_range=255)
    if channels == 1:
        np.testing.assert_array_equal(filtered(noisy[None], 20)[0], wanted)
    else:
        found = rgb_planes(filtered(opponent_planes(np.moveaxis(noisy, -1, 0)), 20))
        # Rounding on the way there and back moves a few pixels to other classes.
        assert np.mean(np.abs(np.moveaxis(found, 0, -1) - wanted) < 0.01) > 0.98


def test_the_tensor_gives_what_the_array_gives(denoiser, noisy, channels):
    planes = noisy[None] if channels == 1 else opponent_planes(np.moveaxis(noisy, -1, 0))
    given = torch.from_numpy(planes / np.float32(255))[None]
    out = denoiser(given, torch.full((1, 1, 1, 1), 20 / 255)).detach()[0].numpy() * 255
    out = out[0] if channels == 1 else np.moveaxis(rgb_planes(out), 0, -1)
    np.testing.assert_allclose(out, call(denoiser, noisy), atol=2e-3)


def test_the_exact_form_is_the_network():
    network = network_of(features=16).eval()
    generator = torch.Generator().manual_seed(0)
    image, done = torch.rand(2, 1, 2, 41, 37, generator=generator).unbind(2)
    classes = torch.randint(72, (2, 41, 37), generator=generator)
    given = image[:, None, 0], torch.full((2, 1, 1, 1), 0.1), done[:, None, 0], classes
    with torch.no_grad():
        torch.testing.assert_close(exact(network)(*given), network(*given), rtol=0, atol=1e-5)


def test_sigma_0_gives_back_the_image(denoiser, noisy):
    axis = -1 if noisy.ndim == 3 else None
    out = denoiser.denoise(noisy, 0, channel_axis=axis, data_range=255)
    np.testing.assert_array_equal(out, noisy)
    assert not np.shares_memory(out, noisy)


def test_a_colour_network_wants_three_colours():
    denoiser = HybridDenoiser(network_of(3), MANY)
    for image, axis in ((IMAGE, None), (COLOUR[..., :2], -1)):
        with pytest.raises(ValueError, match="this network is for three colours"):
            denoiser.denoise(image, 20, channel_axis=axis)


def test_a_gray_network_denoises_colours_in_the_opponent_space():
    denoiser, noisy = HybridDenoiser(network_of(1), MANY), add_gaussian_noise(COLOUR, 20, seed=0)
    out = call(denoiser, noisy)
    brightness, *differences = opponent_planes(np.moveaxis(noisy, -1, 0))
    root, middle = np.float32(3**0.5), np.float32(127.5)
    mean = denoiser.denoise(brightness / root, 20 / 3**0.5, data_range=255)
    others = [denoiser.denoise(d + middle, 20, data_range=255) - middle for d in differences]
    wanted = rgb_planes(np.stack([mean * root, *others]))
    np.testing.assert_allclose(out, np.moveaxis(wanted, 0, -1), atol=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": (1, 1)}, "blocks must be three numbers"),
        ({"special": 3}, "special must be 1 or 2, got 3"),
        ({"width": 3}, "network 'unet'"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build("unet", **options)


def test_the_faintest_noise_is_left_to_the_filters(channels, noisy):
    denoiser = HybridDenoiser(network_of(channels), MANY)
    axis = None if channels == 1 else -1
    planes = noisy[None] if channels == 1 else opponent_planes(np.moveaxis(noisy, -1, 0))
    done = filtered(planes, 0.01)
    wanted = done[0] if channels == 1 else np.moveaxis(rgb_planes(done), 0, -1)
    found = denoiser.denoise(noisy, 0.01, channel_axis=axis, data_range=255)
    np.testing.assert_allclose(found, wanted, atol=0.05)
