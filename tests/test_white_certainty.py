"""White noise is told from texture by how levels of blocks differ, over places and over scales."""

from itertools import product

import numpy as np
import pytest
from skimage import data

from raisr import denoise, estimate_sigma
from raisr.block_details import BlockLevels, block_levels
from raisr.denoising import white_level
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise
from raisr.validate import as_channels
from raisr.white_certainty import certainty, fit_certainty_weights, shipped_weights

CONSTANT = np.r_[1.0, np.zeros(15)]
TEXTURES = {"brick": data.brick(), "grass": data.grass(), "gravel": data.gravel()}
PHOTOGRAPHS = {"camera": data.camera(), "cat": data.chelsea()[..., 1], "coins": data.coins()}


def noise(sigma=5.0, shape=(200, 200)):
    return add_gaussian_noise(np.full(shape, 120.0), sigma, 0)


def blocks(image):
    (channel,) = as_channels(image, None, 255)
    return block_levels(channel)


def test_only_ratios_of_levels_count():
    weights = np.r_[-1.0, np.random.default_rng(0).normal(0, 0.1, 15)]
    told = [certainty(5.0 * k, blocks(noise() * k), weights) for k in (0.1, 1, 30)]
    np.testing.assert_allclose(told, told[0], rtol=1e-3)
    assert 0 < told[0] < 1


def test_weights_meet_logarithms_of_quantiles():
    found = blocks(noise())
    seen = [levels / 4.0 for levels in found.levels] + found.left
    for row, values in enumerate(seen):
        for place, share in enumerate((0.05, 0.2, 0.5)):
            weights = np.zeros(16)
            weights[0], weights[1 + 3 * row + place] = -1, 0.2
            told = 1 / (1 + np.e * np.quantile(values, share) ** -0.2)
            assert certainty(4.0, found, weights) == pytest.approx((told - 0.1) / 0.4)
    assert [certainty(4, found, k * CONSTANT) for k in (-9, -2.2, 0, 9)] == [0, 0, 1, 1]


def test_where_blocks_are_few_it_is_as_sure_as_of_noise():
    found = blocks(noise())
    (finest, *coarser), left = found
    assert certainty(5.0, BlockLevels([finest[:15], *coarser], left), -9 * CONSTANT) == 1
    few = BlockLevels([finest, finest[:9], finest[:2]], [left[0][:9], left[1][:0]])
    halves = BlockLevels([finest, finest / 2, finest / 4], [np.full(20, 0.5)] * 2)
    weights = np.r_[-1.0, np.random.default_rng(0).normal(0, 0.1, 15)]
    told = [certainty(5.0, which, weights) for which in (few, halves, found)]
    assert told[0] == told[1] != told[2]


def test_weights_are_learned_that_tell_noise_from_texture():
    rng = np.random.default_rng(0)
    images = [TEXTURES["grass"][k : k + 200, : 200 + k] for k in range(0, 200, 20)]
    images += [image + rng.normal(0, 20, image.shape) for image in images]
    seen = [(estimate_sigma(image.astype(np.float32)), blocks(image)) for image in images]
    weights = fit_certainty_weights(seen, np.repeat([0.0, 1.0], 10), np.ones(20))
    told = [certainty(*one, weights) for one in seen]
    assert max(told[:10]) < 0.2
    assert min(told[10:]) > 0.8


@pytest.mark.parametrize(
    ("name", "every"),
    [*product([*TEXTURES, *PHOTOGRAPHS], [1]), *product(["brick", "gravel", *PHOTOGRAPHS], [2])],
)
def test_a_photograph_without_noise_stays(name, every):
    """Grass at half its size is as noise is, and not among them."""
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


def test_noise_that_is_told_is_not_doubted():
    image = TEXTURES["grass"]
    assert psnr(denoise(image), image) > 45
    told = denoise(image, noise="white")
    np.testing.assert_allclose(told, denoise(image, estimate_sigma(image)), atol=1)
    assert psnr(told, image) < 45


def test_the_shipped_weights_are_finite():
    assert shipped_weights().shape == (16,)
    assert np.isfinite(shipped_weights()).all()
