"""denoise_stream: tile by tile, the bits of the whole; resumed, refused, bounded."""

import numpy as np
import pytest

import raisr
from raisr import denoise, denoise_stream, streaming
from raisr.models import MODELS
from raisr.noise import add_camera_noise, add_gaussian_noise, add_poisson_gaussian_noise
from raisr.stabilisation import PhotonNoise
from tests.banks import random_bank
from tests.images import noisy_scene, scene


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(streaming, "_SIDE", 48)


def streamed(image, *arguments, **options):
    out = np.full_like(image, 77)
    told = denoise_stream(image, out, *arguments, **options)
    return out, told


def assert_same(image, *arguments, channel_axis=None, axes=None, **options):
    expected = denoise(image, *arguments, channel_axis=channel_axis, **options)
    found, told = streamed(image, *arguments, axes=axes, **options)
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(found, image)
    return told


def colour_scene(shape=(150, 131)):
    return np.stack([scene(shape, seed) for seed in range(3)], axis=-1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sigma", [0.1, None, 0.003])
def test_gray(model, dtype, sigma):
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = (noisy_scene((150, 131)).clip(0, 255) / 255 * white).astype(dtype)
    assert_same(image, sigma and sigma * white, model=model)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sigma", [20, None, (10, 20, 30), (2, 2, 60)])
@pytest.mark.parametrize(("axis", "axes"), [(-1, "YXS"), (0, "SYX"), (1, "YSX")])
def test_colour(model, sigma, axis, axes):
    image = np.moveaxis(add_gaussian_noise(colour_scene(), 20, seed=0).clip(0, 255), -1, axis)
    assert_same(image.astype(np.uint8), sigma, model=model, channel_axis=axis, axes=axes)


@pytest.mark.parametrize("kind", ["camera", "mosaic"])
@pytest.mark.parametrize("model", MODELS)
def test_noise_of_a_camera(model, kind):
    image = add_camera_noise(colour_scene((197, 163)), 0.01, seed=0)
    (told,) = assert_same(image, model=model, noise=kind, channel_axis=-1, axes="YXS")
    assert told["step"] == kind
