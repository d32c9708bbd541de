"""How sure it is that there is noise of a camera: photographs with it, and clean ones."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage import data

from raisr import denoise, estimate_noise
from raisr.camera_certainty import (
    camera_certainty,
    fit_camera_certainty,
    shipped_camera_weights,
)
from raisr.camera_models import camera_filters
from raisr.estimation import noise_of, plane_details
from raisr.metrics import psnr
from raisr.noise import add_camera_noise, add_gaussian_noise
from raisr.validate import as_channels
from tests.test_white_chroma import PHOTOGRAPHS


def seen(image):
    channels = as_channels(image, -1, 255)
    return noise_of(channels), plane_details(channels)


CAMERAS = [{"demosaic": "bilinear"}, {"demosaic": "edge", "smoothing": 0.5}]


def photographed(name, gain, **camera):
    return add_camera_noise(PHOTOGRAPHS[name], gain, 0, **camera)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("light", [1.0, 0.3])
def test_noise_of_a_camera_is_sure(name, camera, light):
    clean = np.rint(light * PHOTOGRAPHS[name]).astype(np.uint8)
    assert estimate_noise(add_camera_noise(clean, 0.01, 0, **camera), channel_axis=-1).camera == 1


@pytest.mark.parametrize("model", ["fast", "best"])
@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_a_photograph_without_noise_stays(name, every, model):
    image = getattr(data, name)()
    if every == 2:
        height, width = (side // 2 * 2 for side in image.shape[:2])
        parts = image[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
        image = np.rint(parts.mean(axis=(1, 3))).astype(np.uint8)
    out = denoise(image, model=model, channel_axis=-1)
    assert np.array_equal(out, image) or psnr(out, image) > 45


def test_what_is_told_is_what_the_estimate_has():
    found, planes = seen(photographed("cat", 0.002, **CAMERAS[1]))
    share = camera_certainty(found, planes, shipped_camera_weights())
    assert found.camera == share
    assert camera_filters("fast", "camera", found)[1] == share
    unit = replace(found, unit=1 / 255)
    for name in ("mean_levels", "roughness"):
        unit = replace(unit, **{name: getattr(found, name) / 255})
    assert camera_certainty(unit, planes, shipped_camera_weights()) == pytest.approx(share)


def test_what_is_in_few_places_is_none_however_sure():
    found, planes = seen(photographed("cat", 0.02, **CAMERAS[0]))
    assert camera_certainty(found, planes, shipped_camera_weights()) == 1
    shares = [
        camera_certainty(replace(found, unevenness=uneven), planes, np.r_[9.0, np.zeros(64)])
        for uneven in (2.5, 2.9, 3.3, np.inf)
    ]
    assert shares == pytest.approx([1, 0.5, 0, 0])


@pytest.mark.parametrize(("told", "share"), [(0.2, 0), (0.5, 0.5), (0.8, 1)])
def test_a_half_is_in_doubt(told, share):
    found, planes = seen(photographed("cat", 0.02, **CAMERAS[0]))
    weights = np.r_[np.log(told / (1 - told)), np.zeros(64)]
    assert camera_certainty(found, planes, weights) == pytest.approx(share)


def test_of_small_images_noise_has_to_be_even_or_strong():
    found, planes = seen(photographed("cat", 0.02, **CAMERAS[0])[:30, :30])
    for uneven, level, share in (
        (0.7, 1, 1),
        (1.0, 1, 0.5),
        (1.5, 1, 0),
        (1.5, 4, 0.5),
        (1.5, 6, 1),
    ):
        levels = np.zeros((3, 3))
        levels[1, 1:] = level / 2, level / 2
        one = replace(found, unevenness=uneven, levels=levels)
        assert camera_certainty(one, planes, np.r_[9.0, np.zeros(64)]) == pytest.approx(share)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("fill", [(0, 0), (0, 255), (1, 0), (2, 0)])
def test_a_channel_that_is_constant_does_not_tell(name, fill):
    image = PHOTOGRAPHS[name].copy()
    image[..., fill[0]] = fill[1]
    out = denoise(image, channel_axis=-1)
    assert np.array_equal(out, image) or psnr(out, image) > 40


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
@pytest.mark.parametrize(("sigma", "quality"), [(8, 90), (12, 85)])
def test_white_noise_whose_chroma_jpeg_has_smoothed_goes(name, sigma, quality):
    clean = getattr(data, name)()
    memory = io.BytesIO()
    noisy = np.rint(add_gaussian_noise(clean, sigma, 0)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(memory, "JPEG", quality=quality, subsampling="4:2:0")
    before = np.array(Image.open(memory))
    assert psnr(denoise(before, channel_axis=-1), clean) > psnr(before, clean) + 1


def test_weights_are_learned_that_tell_cameras():
    images = [
        add_camera_noise(np.rot90(image, k), gain, k, **CAMERAS[k % 2])
        for k in range(4)
        for gain in (0.0, 0.02)
        for image in PHOTOGRAPHS.values()
    ]
    is_camera = [gain > 0 for _ in range(4) for gain in (0.0, 0.02) for _ in PHOTOGRAPHS]
    learned = [seen(image) for image in images]
    weights = fit_camera_certainty(learned, is_camera)
    told = np.array([camera_certainty(*one, weights) for one in learned])
    np.testing.assert_array_equal(told > 0.5, is_camera)


def test_noise_that_is_told_is_not_doubted():
    image = PHOTOGRAPHS["cat"]
    found = estimate_noise(image, channel_axis=-1)
    assert (found.kind, found.camera) == ("camera", 0)
    np.testing.assert_array_equal(denoise(image, channel_axis=-1), image)
    assert camera_filters("fast", "camera", found, told=True)[1] == 1
    assert psnr(denoise(image, noise="camera", channel_axis=-1), image) < 45
