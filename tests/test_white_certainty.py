"""White noise is told from texture by how levels of blocks differ, over places and over scales."""

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from raisr import denoise, estimate_noise, estimate_sigma
from raisr.denoising import white_level
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise
from raisr.white_certainty import certainty, fit_certainty_weights, shipped_weights

CONSTANT = np.r_[1.0, np.zeros(9)]
TEXTURES = {"brick": data.brick(), "grass": data.grass(), "gravel": data.gravel()}
PHOTOGRAPHS = {"camera": data.camera(), "cat": data.chelsea()[..., 1], "coins": data.coins()}


def noise(sigma=5.0, shape=(200, 200)):
    return add_gaussian_noise(np.full(shape, 120.0), sigma, 0)


def found(image):
    return estimate_noise(image, data_range=255)


def test_only_ratios_of_levels_count():
    weights = np.random.default_rng(0).normal(0, 0.3, 10)
    told = [certainty(5.0 * k, found(noise() * k), weights) for k in (0.1, 1, 30)]
    np.testing.assert_allclose(told, told[0], rtol=1e-3)
    assert 0 < told[0] < 1


def test_weights_meet_logarithms_of_ratios_scale_by_scale():
    estimate = found(noise())
    for scale, row in enumerate(estimate.quantiles[:, 0]):
        for place, quantile in enumerate(row):
            weights = np.zeros(10)
            weights[1 + 3 * scale + place] = 0.2
            told = 1 / (1 + (4.0 / quantile) ** 0.2)
            assert certainty(4.0, estimate, weights) == pytest.approx((told - 0.1) / 0.6)
    assert [certainty(4, estimate, k * CONSTANT) for k in (-9, -2.2, 0.9, 9)] == [0, 0, 1, 1]
    assert certainty(4, estimate, 0 * CONSTANT) == pytest.approx((0.5 - 0.1) / 0.6)


def test_where_blocks_are_few_it_is_as_sure_as_of_noise():
    estimate = found(noise())
    tiny = replace(estimate, quantiles=np.zeros((3, 1, 3)))
    assert certainty(5.0, tiny, -9 * CONSTANT) == 1
    finest = estimate.quantiles * [[[1]], [[0]], [[0]]]
    halving = estimate.quantiles[0] * [[[1]], [[0.5]], [[0.25]]]
    weights = np.random.default_rng(0).normal(0, 0.3, 10)
    told = [certainty(5.0, replace(estimate, quantiles=q), weights) for q in (finest, halving)]
    assert told[0] == told[1] != certainty(5.0, estimate, weights)


def test_weights_are_learned_that_tell_noise_from_texture():
    rng = np.random.default_rng(0)
    images = [TEXTURES["grass"][k : k + 200, : 200 + k] for k in range(0, 200, 20)]
    images += [image + rng.normal(0, 20, image.shape) for image in images]
    seen = [(estimate_sigma(image.astype(np.float32)), found(image)) for image in images]
    weights = fit_certainty_weights(seen, np.repeat([0.0, 1.0], 10), np.ones(20))
    told = [certainty(*one, weights) for one in seen]
    assert max(told[:10]) < 0.2
    assert min(told[10:]) > 0.8


@pytest.mark.parametrize("name", [*TEXTURES, *PHOTOGRAPHS])
@pytest.mark.parametrize("every", [1, 2])
def test_a_photograph_without_noise_stays(name, every):
    image = (TEXTURES | PHOTOGRAPHS)[name]
    if every == 2:
        height, width = (side // 2 * 2 for side in image.shape)
        parts = image[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        image = np.rint(parts).astype(np.uint8)
    for model in ("fast", "best"):
        out = denoise(image, model=model)
        assert np.array_equal(out, image) or psnr(out, image) > 45


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("sigma", [5, 10, 25])
def test_noise_is_all_removed(name, sigma):
    image = PHOTOGRAPHS[name]
    noisy = add_gaussian_noise(image, sigma, 0)
    assert psnr(denoise(noisy, data_range=255), image) > (
        psnr(denoise(noisy, estimate_sigma(noisy), data_range=255), image) - 0.05
    )
    if sigma > 5:
        assert white_level(noisy) == estimate_sigma(noisy)


def test_the_shipped_weights_are_finite():
    assert shipped_weights().shape == (10,)
    assert np.isfinite(shipped_weights()).all()
