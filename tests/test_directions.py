"""Noise bends chroma in all directions, edges between two colours in one."""

import numpy as np
import pytest
from skimage import data

from raisr import estimate_noise
from raisr.bends import halved
from raisr.block_details import details
from raisr.colour import OPPONENT
from raisr.directions import across, directions, share_across
from raisr.noise import add_camera_noise, add_gaussian_noise
from tests.pages import LOOKS, blurred, resized


def of_image(image):
    chroma = np.moveaxis(image @ OPPONENT.T[:, 1:], -1, 0).astype(np.float32)
    return [
        directions(*(details(plane, np.zeros_like(plane)) for plane in planes))
        for planes in (chroma, [halved(plane) for plane in chroma])
    ]


@pytest.mark.parametrize("sigma", [1, 20])
def test_white_noise_is_as_strong_across(sigma):
    finest, coarser = of_image(add_gaussian_noise(np.zeros((512, 512, 3)), sigma, 0))
    assert across([finest]) == pytest.approx(sigma, rel=0.02)
    assert across([coarser]) == pytest.approx(sigma / 2, rel=0.05)
    assert 0.7 < share_across([coarser]) < 0.8


def test_noise_in_one_colour_has_one_direction():
    noise = add_gaussian_noise(np.zeros((256, 256, 1)), 9, 0) * [1, 0.4, -2]
    finest, coarser = of_image(noise)
    assert across([finest]) < 0.1
    assert share_across([coarser]) < 0.01


def test_of_few_pixels_nothing_is_told():
    found = of_image(np.random.default_rng(0).normal(size=(9, 40, 3)))
    assert np.isinf(across([found[0]]))
    assert share_across([found[1]]) == 1


@pytest.mark.parametrize("look", ["red on black", "dark theme", "yellow on blue"])
@pytest.mark.parametrize("draw", [blurred, resized])
def test_soft_text_in_colour_is_no_noise_of_a_camera(draw, look):
    found = estimate_noise(draw(look, 12), channel_axis=-1)
    assert found.kind in ("none", "white")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("sigma", [3, 8])
def test_across_edges_white_noise_is_told(look, sigma):
    noisy = add_gaussian_noise(blurred(look, 12), sigma, 0)
    found = estimate_noise(noisy, channel_axis=-1, data_range=255)
    assert found.across == pytest.approx(sigma, rel=0.15)
    assert found.kind == "white"


@pytest.mark.parametrize("gain", [0.003, 0.012, 0.03])
@pytest.mark.parametrize("demosaic", ["bilinear", "edge"])
@pytest.mark.parametrize("quality", [75, 92])
def test_noise_of_a_camera_has_all_directions(gain, demosaic, quality):
    options = {"demosaic": demosaic, "quality": quality, "smoothing": 0.3}
    noisy = add_camera_noise(data.astronaut()[:256, 100:356], gain, 0, **options)
    found = estimate_noise(noisy, channel_axis=-1)
    assert found.colours > 0.4
    assert not found.is_drawn
    assert found.kind in ("camera", "mosaic")
