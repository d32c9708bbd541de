"""Poisson-Gaussian noise: its transform, the inverse, and denoising with nothing told."""

import numpy as np
import pytest
from skimage import data

from raisr import PhotonNoise, denoise, estimate_noise
from raisr.metrics import psnr
from raisr.noise import add_gaussian_noise, add_poisson_gaussian_noise
from raisr.stabilisation import anscombe, inverse_anscombe

PEAK = 30
NOISE = PhotonNoise(255 / PEAK)


def converted(image, dtype):
    """An image on 0..255 in another type, and by how much its values are larger."""
    unit = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    if dtype == "float32":
        return image * np.float32(unit), unit
    return np.rint(image * unit).clip(0, np.iinfo(dtype).max).astype(dtype), unit


@pytest.mark.parametrize("noise", [NOISE, PhotonNoise(2.0, 6.0), PhotonNoise(1.0, 2.0, 100.0)])
@pytest.mark.parametrize("light", [40, 120, 230])
def test_the_transform_makes_noise_white_and_the_inverse_is_unbiased(noise, light):
    rng = np.random.default_rng(0)
    photons = rng.poisson(light / noise.gain, 400_000) * noise.gain
    seen = photons + noise.offset + noise.sigma * rng.standard_normal(photons.shape)
    assert seen.std() == pytest.approx(noise.deviation(light + noise.offset), rel=0.01)
    stable = anscombe(seen, noise)
    assert stable.std() == pytest.approx(1, abs=0.06)
    found = inverse_anscombe(np.float32([stable.mean(dtype=np.float64)]), noise)
    assert found[0] == pytest.approx(light + noise.offset, rel=0.01)


def test_the_algebraic_inverse_would_be_too_dark():
    counts = np.random.default_rng(0).poisson(1.0, 400_000)
    mean = anscombe(counts, PhotonNoise(1.0)).mean(dtype=np.float64)
    assert mean**2 / 4 - 3 / 8 < 0.85
    assert inverse_anscombe(np.float32([mean]), PhotonNoise(1.0))[0] == pytest.approx(1, abs=0.05)


def test_darkness_stays_dark():
    assert inverse_anscombe(anscombe(np.float32([-50.0, 0.0]), NOISE), NOISE) == pytest.approx(
        0, abs=1e-5
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colour", [False, True])
def test_nothing_told_is_nearly_as_good_as_the_truth(dtype, colour):
    clean = data.chelsea() if colour else data.camera()
    noisy, unit = converted(add_poisson_gaussian_noise(clean, PEAK, 0), dtype)
    axis = -1 if colour else None
    found = estimate_noise(noisy, channel_axis=axis)
    assert found.kind == "photon"
    assert found.photons.gain == pytest.approx(NOISE.gain * unit, rel=0.2)
    told = denoise(noisy, noise=NOISE.times(unit), channel_axis=axis)
    scores = [
        psnr(np.clip(out / unit, 0, 255), clean)
        for out in (
            denoise(noisy, channel_axis=axis),
            told,
            denoise(noisy, noise="white", channel_axis=axis),
        )
    ]
    assert scores[0] > scores[1] - 0.3
    assert scores[0] > scores[2] + 0.3


@pytest.mark.parametrize("sigma", [3, 10, 25, 50])
@pytest.mark.parametrize("image", [data.camera(), data.coins(), data.moon()])
def test_white_noise_is_none_of_photons(image, sigma):
    noisy = add_gaussian_noise(image, sigma, 0)
    for seen in (noisy / 255, noisy.round().clip(0, 255).astype(np.uint8)):
        assert estimate_noise(seen).kind == "white"
        if sigma > 3:  # of which some may be texture, unless it is told that it is noise
            np.testing.assert_array_equal(denoise(seen), denoise(seen, noise="white"))


def test_an_offset_is_told_with_the_noise():
    clean = data.camera().astype(np.float64)
    noisy = add_poisson_gaussian_noise(clean, PEAK, 0, sigma=4)
    plain = denoise(noisy, noise=PhotonNoise(255 / PEAK, 4), data_range=255)
    moved = denoise(noisy + 1000, noise=PhotonNoise(255 / PEAK, 4, 1000), data_range=255)
    assert np.abs(moved - 1000 - plain).mean() < 0.01


@pytest.mark.parametrize("gain", [1e-70, 1e-25, 1e-6, 1e-3])
@pytest.mark.parametrize("offset", [0, 1000])
def test_few_photons_beside_much_white_noise_are_white_noise(gain, offset):
    noisy = add_gaussian_noise(data.camera()[:200, :200], 20, 0) + offset
    found = denoise(noisy, noise=PhotonNoise(gain, 20, offset), data_range=255)
    wanted = denoise(noisy, 20, data_range=255)
    assert np.abs(found - wanted).mean() < 0.15  # a few pixels are of another class


@pytest.mark.parametrize("noise", [PhotonNoise(1e-70), PhotonNoise(1e-25), PhotonNoise(4, 0, 255)])
def test_noise_of_no_size_changes_nothing(noise):
    image = data.camera()[:100, :100]
    np.testing.assert_array_equal(denoise(image, noise=noise), image)


def falling():
    """Noise that is less where it is brighter."""
    ramp = np.linspace(40, 200, 200) + np.zeros((200, 1))
    return ramp + (220 - ramp) / 10 * np.random.default_rng(0).standard_normal(ramp.shape)


@pytest.mark.parametrize("image", [falling(), falling()[:9, :9], np.stack([falling()] * 3)])
def test_photons_that_do_not_fit_are_refused(image):
    axis = 0 if image.ndim == 3 else None
    with pytest.raises(ValueError, match="no such noise fits"):
        denoise(image, noise="photon", channel_axis=axis, data_range=255)


def test_photons_of_a_picture_without_noise_are_none():
    image = np.full((40, 40), 9, np.uint8)
    np.testing.assert_array_equal(denoise(image, noise="photon"), image)


@pytest.mark.parametrize("kind", ["camera", "mosaic"])
def test_a_gray_image_in_three_channels_has_no_noise_of_a_camera(kind):
    with pytest.raises(ValueError, match="three channels that differ"):
        denoise(np.stack([falling()] * 3), noise=kind, channel_axis=0, data_range=255)


@pytest.mark.parametrize("noise", [PhotonNoise(1e30), PhotonNoise(1e5, 3), PhotonNoise(1, 1e30)])
def test_noise_that_is_too_strong(noise):
    with pytest.raises(ValueError, match="too strong|at most 1020"):
        denoise(data.camera(), noise=noise)


@pytest.mark.parametrize("offset", [100, 1000])
@pytest.mark.parametrize("image", [data.coins(), data.coffee()[..., 1], data.rocket()[..., 1]])
def test_black_that_is_not_zero_is_found(image, offset):
    noisy = np.random.default_rng(0).poisson(image / 4).astype(np.uint16) * 4 + np.uint16(offset)
    found = estimate_noise(noisy)
    assert found.kind == "photon"
    assert found.photons.gain == pytest.approx(4, rel=0.25)
    assert found.photons.offset == pytest.approx(offset, abs=12)
    told = psnr(denoise(noisy, noise=PhotonNoise(4, 0, offset)) - float(offset), image)
    assert psnr(denoise(noisy) - float(offset), image) > told - 0.3


@pytest.mark.parametrize("sigma", [5, 20])
def test_white_noise_over_an_offset_is_none_of_photons(sigma):
    noisy = add_gaussian_noise(data.camera(), sigma, 0) + 200
    assert estimate_noise(noisy.astype(np.uint16)).kind == "white"


def test_flat_areas_keep_their_brightness():
    noisy = add_poisson_gaussian_noise(np.full((300, 300), 60.0), PEAK, 0)
    out = denoise(noisy, noise=NOISE, data_range=255)
    assert out.mean() == pytest.approx(noisy.mean(), rel=0.01)


def test_channels_of_other_numbers_are_denoised_one_by_one():
    image = add_poisson_gaussian_noise(data.camera()[:200, :200], PEAK, 0).astype(np.uint8)
    pair = np.stack([image, image.T])
    both = denoise(pair, noise=NOISE, channel_axis=0)
    np.testing.assert_array_equal(both[1], denoise(image.T, noise=NOISE))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": "pink"}, "noise must be one of white, photon, camera, mosaic or PhotonNoise"),
        ({"noise": "camera"}, "noise of a camera is in three channels that differ"),
        ({"noise": "photon", "sigma": 5}, "sigma is the level of white noise"),
        ({"noise": NOISE, "sigma": 5}, "sigma is the level of white noise"),
    ],
)
def test_denoise_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        denoise(np.zeros((8, 8), np.uint8), **options)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0,), "gain must be positive"),
        (("1",), "gain must be a finite number"),
        ((1, -1), "sigma must not be negative"),
        ((1, 0, np.inf), "offset must be a finite number"),
        ((1e-300,), "gain must be at least 1e-70"),
        ((1e300,), r"gain must be at most 1e\+70"),
        ((1, 1e200), r"sigma must be at most 1e\+70"),
    ],
)
def test_photon_noise_refuses(numbers, message):
    with pytest.raises(ValueError, match=message):
        PhotonNoise(*numbers)
