"""denoise with the shipped models: dtypes, colour, sizes, noise levels, quality, threads."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage import data

from raisr import denoise, estimate_sigma
from raisr.cascade import run_stages
from raisr.clipping import unclipped_means
from raisr.denoising import LADDER, MODELS, bank_for, bank_path
from raisr.filtering import FilterBank, Stage
from raisr.metrics import psnr
from raisr.models import colour_bank_for
from raisr.noise import add_gaussian_noise
from raisr.validate import GrayImage
from tests.banks import CSCONV, delta_bank, random_bank
from tests.images import noisy_scene, random_bytes, scene

each_model = pytest.mark.parametrize("model", MODELS)


@each_model
@pytest.mark.parametrize("sigma", [7, 25, 60])
def test_noise_of_photographs_is_reduced(model, sigma):
    clean = data.camera()[120:280, 160:340]
    noisy = add_gaussian_noise(clean, sigma, seed=0)
    gain = psnr(denoise(noisy, sigma, model=model, data_range=255), clean) - psnr(noisy, clean)
    assert gain > {7: 2, 25: 6, 60: 9}[sigma]


def test_the_best_model_is_better():
    clean = data.camera()
    noisy = add_gaussian_noise(clean, 25, seed=0)
    fast, best = (denoise(noisy, 25, model=model, data_range=255) for model in MODELS)
    assert psnr(best, clean) > psnr(fast, clean) + 0.1


@each_model
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_shape_dtype_and_input_stay(dtype, axis, model):
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = noisy_scene((20, 24)).clip(0, 255) / 255 * white
    image = image if axis is None else np.stack([image, image / 2, white - image], axis)
    image = image.astype(dtype)
    before = image.copy()
    out = denoise(image, white / 10, model=model, channel_axis=axis)
    assert out.dtype == dtype
    assert out.shape == image.shape
    assert not np.shares_memory(out, image)
    assert not np.array_equal(out, image)
    np.testing.assert_array_equal(image, before)


@each_model
@pytest.mark.parametrize("sigma", [None, 20])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (2, 3), (5, 4), (7, 65)])
def test_any_size(shape, sigma, model):
    image = random_bytes(shape)
    assert denoise(image, sigma, model=model).shape == shape
    colour = np.stack([image] * 3, axis=-1)
    assert denoise(colour, sigma, model=model, channel_axis=-1).shape == (*shape, 3)


@each_model
def test_one_image_in_any_type_gives_one_result(model):
    image = np.rint(noisy_scene().clip(0, 255))
    expected = denoise(image.astype(np.float32), 25, model=model, data_range=255)
    for dtype, white in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)):
        scaled = (image.astype(np.float64) * (white / 255)).astype(dtype)
        found = denoise(scaled, 25 * white / 255, model=model)
        found = found * (255 / white)
        if np.issubdtype(dtype, np.integer):
            # Two sigmas from black and white, what clipping took may be given back.
            wanted, mended = expected.clip(0, 255), unclipped_means(expected, 25, 255)
            near = np.abs(wanted - 127.5) > 127.5 - 50.5
            atol = 1e-3 + 127.5 / white
            np.testing.assert_allclose(found[~near], wanted[~near], atol=atol)
            between = found.clip(np.minimum(wanted, mended), np.maximum(wanted, mended))
            np.testing.assert_allclose(found[near], between[near], atol=3 * atol)
        else:
            np.testing.assert_allclose(found, expected, atol=1e-3 + 1e-6 * 255 / white)


@pytest.mark.parametrize("bias", [-100, 100])
def test_integers_are_clipped_and_floats_are_not(bias):
    (stage,) = delta_bank().stages
    bank = FilterBank([Stage(stage.spec, stage.filters, np.full(72, bias))])
    image = random_bytes()
    np.testing.assert_array_equal(
        denoise(image, model=bank), (image.astype(int) + bias).clip(0, 255)
    )
    np.testing.assert_allclose(
        denoise(image / 255, model=bank), (image + float(bias)) / 255, atol=1e-6
    )


@each_model
@pytest.mark.parametrize("channels", [2, 4])
def test_other_channels_than_three_are_images_of_their_own(channels, model):
    image = random_bytes((channels, 40, 50)).astype(np.float32)
    found = denoise(image, 25, model=model, channel_axis=0, data_range=255)
    for plane, out in zip(image, found, strict=True):
        np.testing.assert_array_equal(out, denoise(plane, 25, model=model, data_range=255))


@each_model
def test_channels_of_different_noise_are_images_of_their_own(model):
    image, sigmas = random_bytes((3, 20, 30)).astype(np.float32), (5, 0, 25)
    found = denoise(image, sigmas, model=model, channel_axis=0, data_range=255)
    for plane, sigma, out in zip(image, sigmas, found, strict=True):
        np.testing.assert_array_equal(out, denoise(plane, sigma, model=model, data_range=255))


@each_model
def test_one_level_for_each_channel_may_be_the_same(model):
    image = random_bytes((20, 30, 3))
    options = {"model": model, "channel_axis": -1}
    expected = denoise(image, 25, **options)
    np.testing.assert_array_equal(denoise(image, [25, 25, 25], **options), expected)


@each_model
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_gray_in_three_channels_stays_gray(dtype, model):
    image = np.repeat(noisy_scene()[..., None], 3, axis=2).clip(0, 255).astype(dtype)
    # Its noise is that of one channel, and not three times independent.
    alone = denoise(image[..., 0], 25, model=model, data_range=255)
    for sigma in (25, [25, 25, 25]):
        out = denoise(image, sigma, model=model, channel_axis=-1, data_range=255)
        for channel in range(3):
            np.testing.assert_array_equal(out[..., channel], alone)
    bank = colour_bank_for(model, 25, 25, 25)
    out = bank.apply(image, data_range=255)
    np.testing.assert_array_equal(out[..., 0], out[..., 1])
    np.testing.assert_array_equal(out[..., 0], out[..., 2])


@each_model
@pytest.mark.parametrize("colour", [(230, 20, 20), (10, 10, 200), (0, 255, 128)])
def test_flat_areas_keep_their_colour(colour, model):
    clean = np.broadcast_to(np.float32(colour), (200, 200, 3))
    noisy = add_gaussian_noise(clean, 25, seed=0)
    out = denoise(noisy, 25, model=model, channel_axis=-1, data_range=255)
    shift = out.mean(axis=(0, 1)) - noisy.mean(axis=(0, 1))
    chroma = shift - shift.mean()
    assert np.abs(chroma).max() < 0.1
    assert np.abs(shift).max() < 0.5


@each_model
def test_colour_does_not_depend_on_threads_or_layout(model):
    image = np.stack([noisy_scene((300, 1000), seed=seed) for seed in range(3)])
    options = {"model": model, "data_range": 255}
    one, three = (denoise(image, 25, channel_axis=0, num_threads=n, **options) for n in (1, 3))
    np.testing.assert_array_equal(one, three)
    last = np.ascontiguousarray(np.moveaxis(image, 0, -1))
    np.testing.assert_array_equal(
        np.moveaxis(denoise(last, 25, channel_axis=-1, **options), -1, 0), one
    )


@each_model
@pytest.mark.parametrize(("sigma", "rung"), [(1.5, 2), (1, 2), (100, 75), (300, 75)])
def test_beyond_the_ladder_the_image_is_scaled_to_its_end(sigma, rung, model):
    image = noisy_scene(sigma=sigma)
    planes, outs = [GrayImage(image, rung / sigma)], [np.empty(image.shape, np.float32)]
    run_stages(bank_for(model, rung).stages, planes, outs, 255, 1)
    found = denoise(image, sigma, model=model, data_range=255)
    assert (
        np.isclose(found, outs[0] * (sigma / rung), atol=0.01 * max(1, sigma / rung)).mean() > 0.98
    )


@each_model
def test_one_channel_is_a_gray_image(model):
    image = noisy_scene()
    gray = denoise(image, 25, model=model, data_range=255)
    out = denoise(image[..., None], 25, model=model, channel_axis=-1, data_range=255)
    np.testing.assert_array_equal(out, gray[..., None])


@each_model
def test_colour_is_denoised_better_together(model):
    clean = data.astronaut()[:200, 100:300]
    noisy = add_gaussian_noise(clean, 25, seed=0)
    options = {"model": model, "data_range": 255}
    together = denoise(noisy, 25, channel_axis=-1, **options)
    alone = [denoise(channel, 25, **options) for channel in np.moveaxis(noisy, -1, 0)]
    assert psnr(together, clean) > psnr(np.stack(alone, axis=-1), clean)


@pytest.mark.parametrize("model", [*MODELS, random_bank()])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float64])
def test_sigma_0_returns_a_copy(dtype, model):
    image = np.random.default_rng(0).uniform(0, 200, (9, 11)).astype(dtype)
    out = denoise(image, 0, model=model)
    np.testing.assert_array_equal(out, image)
    assert not np.shares_memory(out, image)


@pytest.mark.parametrize("sigma", [1e-13, 1e-40, 1e-300])
def test_levels_next_to_nothing_change_next_to_nothing(sigma):
    image = np.stack([scene((20, 30), seed) for seed in range(3)], axis=-1) / 255
    np.testing.assert_allclose(denoise(image, sigma, channel_axis=-1), image, atol=1e-6)
    np.testing.assert_allclose(denoise(image[..., 0], sigma), image[..., 0], atol=1e-6)


@each_model
@pytest.mark.parametrize("sigma", LADDER)
def test_at_a_rung_the_shipped_bank_is_used(model, sigma):
    shipped, used = FilterBank.load(bank_path(model, sigma)), bank_for(model, sigma)
    for a, b in zip(shipped.stages, used.stages, strict=True):
        assert a.spec == b.spec
        np.testing.assert_array_equal(a.filters, b.filters)
        np.testing.assert_array_equal(a.bias, b.bias)


@each_model
@pytest.mark.parametrize("sigma", [6.0, 12.5, 27.0, 74.0])
def test_between_rungs_everything_lies_between(model, sigma):
    upper = np.searchsorted(LADDER, sigma)
    low, high = (bank_for(model, LADDER[i]) for i in (upper - 1, upper))
    weight = (sigma - LADDER[upper - 1]) / (LADDER[upper] - LADDER[upper - 1])
    for a, middle, b in zip(low.stages, bank_for(model, sigma).stages, high.stages, strict=True):
        mixed = (1 - weight) * a.filters + weight * b.filters
        np.testing.assert_allclose(middle.filters, mixed, atol=1e-6)
        for name in ("strength_edges", "coherence_edges"):
            edges = np.array([getattr(stage.spec, name) for stage in (a, middle, b)])
            np.testing.assert_allclose(edges[1], edges[0] ** (1 - weight) * edges[2] ** weight)


@each_model
def test_the_result_changes_steadily_with_sigma(model):
    noisy = noisy_scene(sigma=25)
    outs = [denoise(noisy, s, model=model, data_range=255) for s in (24.9, 25, 25.1, 35)]
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(outs)]
    assert max(steps[:2]) < 0.1 * steps[2]


@each_model
def test_below_the_lowest_rung_the_result_tends_to_the_image(model):
    image = noisy_scene(sigma=3)
    changes = [
        np.abs(denoise(image, sigma, model=model, data_range=255) - image).mean()
        for sigma in (5, 2.5, 1, 0.1, 0.001)
    ]
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] < 1e-3


@each_model
def test_without_sigma_it_is_estimated(model):
    noisy = add_gaussian_noise(64 + scene((100, 120)) / 2, 10, seed=0).astype(np.uint8)
    expected = denoise(noisy, estimate_sigma(noisy), model=model)
    np.testing.assert_array_equal(denoise(noisy, model=model), expected)


@pytest.mark.parametrize(
    ("model", "sigma"), [("slow", 5), ("fast", 0), ("best", -1), ("fast", 1021)]
)
def test_there_is_no_bank_for_other_models_and_levels(model, sigma):
    with pytest.raises(
        ValueError,
        match=r"model must be one of fast, best|sigma must be above 0|sigma, given or est",
    ):
        bank_for(model, sigma)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_constant_images_stay(value):
    image = np.full((20, 30), value, np.uint8)
    np.testing.assert_array_equal(denoise(image), image)
    assert np.abs(denoise(image, 25).astype(int) - image).max() <= 2


def test_a_bank_of_ones_own_is_applied_as_it_is():
    image, bank = noisy_scene(), random_bank(CSCONV, CSCONV)
    expected = bank.apply(image, data_range=255)
    np.testing.assert_array_equal(denoise(image, model=bank, data_range=255), expected)
    np.testing.assert_array_equal(denoise(image, 99999, model=bank, data_range=255), expected)
    colour = denoise(np.stack([image, 2 * image]), model=bank, channel_axis=0, data_range=255)
    np.testing.assert_array_equal(colour[0], expected)
    np.testing.assert_array_equal(colour[1], bank.apply(2 * image, data_range=255))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma": -1}, "sigma must be finite and not negative, got -1"),
        ({"sigma": -5, "model": delta_bank()}, "sigma must be finite and not negative, got -5"),
        ({"sigma": np.nan, "model": delta_bank()}, "sigma must be finite and not negative"),
        ({"sigma": True}, "sigma must be finite and not negative, got True"),
        ({"sigma": "25"}, "sigma must be finite and not negative, got '25'"),
        ({"sigma": 0, "model": "slow"}, 'model must be "fast", "best" or a FilterBank'),
        ({"sigma": np.nan}, "sigma must be finite and not negative, got nan"),
        ({"sigma": np.inf}, "sigma must be finite and not negative, got inf"),
        ({"sigma": 1021}, r"sigma, given or estimated, is 1021 gray .* at most 1020 .*data_range"),
        ({"sigma": [5, 5]}, "sigma must be one number or 1, got 2"),
        (
            {"model": "slow"},
            'model must be "fast", "best" or a FilterBank or ColourBank, got \'slow\'',
        ),
        ({"model": None}, 'model must be "fast", "best" or a FilterBank or ColourBank, got None'),
    ],
)
def test_denoise_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        denoise(random_bytes(), **options)


def test_a_sigma_in_another_unit_is_refused():
    with pytest.raises(ValueError, match="is 6375 gray levels of 255.*is data_range right"):
        denoise(noisy_scene() / 255, 25)


@pytest.mark.parametrize("sigma", [2, 10, 25, 50])
def test_sigma_is_estimated_in_the_unit_of_the_image(sigma):
    noisy = add_gaussian_noise(np.full((200, 300), 128.0), sigma, seed=0)
    assert estimate_sigma(noisy) == pytest.approx(sigma, rel=0.03)
    assert estimate_sigma(noisy / 255) == pytest.approx(sigma / 255, rel=0.03)
    wide = (noisy.clip(0, 255) * 257).astype(np.uint16)
    assert estimate_sigma(wide) == pytest.approx(sigma * 257, rel=0.03)
    photograph = add_gaussian_noise(data.camera(), sigma, seed=0)
    assert estimate_sigma(photograph) == pytest.approx(sigma, abs=2)


@pytest.mark.parametrize("level", [0, 37, 200, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_constant_areas_tell_nothing_of_noise(level, dtype):
    noisy = add_gaussian_noise(np.full((200, 200), 128.0), 20, seed=0).astype(dtype)
    noisy[:, :130] = level
    assert estimate_sigma(noisy) == pytest.approx(20, rel=0.05)


def test_estimates_of_channels_are_averaged():
    flat = np.full((200, 300), 128.0)
    image = np.stack([add_gaussian_noise(flat, sigma, seed=sigma) for sigma in (5, 15)], axis=1)
    assert estimate_sigma(image, channel_axis=1) == pytest.approx(10, rel=0.03)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_no_noise_is_found_where_none_can_be(shape):
    assert estimate_sigma(random_bytes(shape)) == 0
    assert estimate_sigma(np.full((30, 30), 7.0)) == 0


@each_model
def test_python_threads_may_denoise_at_once(model):
    images = [noisy_scene((60, 3000), seed=seed) for seed in range(6)]
    bank = random_bank(CSCONV, CSCONV)

    def both(image):
        options = {"data_range": 255, "num_threads": 2}
        return denoise(image, 30, model=model, **options), bank.apply(image, **options)

    alone = [both(image) for image in images]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(both, images))
    np.testing.assert_array_equal(together, alone)


@pytest.fixture
def drawing():
    """Text in three colours on white, and a framed box: edges, and no noise."""
    picture = Image.new("RGB", (320, 200), "white")
    pen = ImageDraw.Draw(picture)
    for line, colour in enumerate(["black", (200, 0, 0), (0, 0, 160)] * 3):
        pen.text((8, 8 + 20 * line), "The quick brown fox jumps over 1234567890", fill=colour)
    pen.rectangle((200, 100, 300, 180), fill=(240, 200, 60), outline="black")
    return np.asarray(picture)


@pytest.mark.parametrize("model", ["fast", "best"])
def test_a_drawing_stays_as_it_is(drawing, model):
    black_and_white = np.where(drawing[..., 0] > 128, 255, 0).astype(np.uint8)
    for image, axis in ((drawing, -1), (drawing[..., 0], None), (black_and_white, None)):
        found = denoise(image, model=model, channel_axis=axis)
        np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("model", ["fast", "best"])
@pytest.mark.parametrize("sigma", [1, 3, 5, 10])
def test_faint_noise_is_removed_and_colours_stay(model, sigma):
    """A saturated picture: where brightness is flat, colours have edges."""
    clean = data.rocket()[:240, 160:400]
    noisy = add_gaussian_noise(clean, sigma, seed=0)
    found = denoise(noisy, sigma, model=model, channel_axis=-1, data_range=255)
    assert psnr(found, clean) > psnr(noisy, clean) + 0.3


def test_a_clean_photograph_hardly_changes():
    for clean in (data.rocket(), data.astronaut(), data.coffee(), data.chelsea()):
        # Half the size: what JPEG did to these pictures is gone.
        small = clean[: len(clean) // 2 * 2, : clean.shape[1] // 2 * 2].astype(np.float32)
        small = small.reshape(len(small) // 2, 2, -1, 2, 3).mean((1, 3)).round().astype(np.uint8)
        assert psnr(denoise(small, channel_axis=-1), small) >= 45
