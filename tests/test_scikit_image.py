"""scikit-image finds the parameters of `raisr.denoise` as it does those of its own denoisers."""

import numpy as np
import pytest
from skimage import data
from skimage.restoration import calibrate_denoiser, denoise_invariant

import raisr
from raisr.metrics import psnr

SIGMAS = np.array([5, 15, 25, 35, 60])


def sample(dtype, image, part):
    """Return a photograph with noise of sigma 25, in any type, and without, in gray levels."""
    clean = image[part]
    noisy = raisr.noise.add_gaussian_noise(clean, 25, seed=0)
    if dtype == np.uint8:
        return noisy.round().clip(0, 255).astype(dtype), clean
    return (noisy / 255).astype(dtype), clean


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_calibration_finds_the_noise_of_a_gray_image(dtype):
    noisy, clean = sample(dtype, data.camera(), np.s_[100:228, 150:290])
    # scikit-image hands on images of [0, 1], whatever their type is.
    parameters = {"sigma": SIGMAS / 255, "model": ["fast", "best"]}
    best, (tried, losses) = calibrate_denoiser(
        noisy, raisr.denoise, parameters, stride=4, extra_output=True
    )
    chosen = tried[int(np.argmin(losses))]
    assert 255 * chosen["sigma"] == pytest.approx(25, abs=11)
    out = best(noisy)
    assert out.shape == clean.shape
    before = psnr(noisy if dtype == np.uint8 else 255 * noisy, clean)
    assert psnr(255 * out, clean) > before + 4


def test_calibration_of_a_colour_image():
    noisy, clean = sample(np.float32, data.astronaut(), np.s_[20:120, 180:280])
    parameters = {"sigma": SIGMAS / 255, "channel_axis": [-1]}
    best = calibrate_denoiser(noisy, raisr.denoise, parameters, stride=4)
    assert psnr(255 * best(noisy), clean) > psnr(255 * noisy, clean) + 5


@pytest.mark.parametrize("told", [{}, {"sigma": 25 / 255}])
def test_the_invariant_version_never_sees_the_pixel_itself(told):
    noisy, clean = sample(np.float64, data.camera(), np.s_[100:164, 150:214])
    out = denoise_invariant(noisy, raisr.denoise, stride=4, denoiser_kwargs=told)
    assert psnr(255 * out, clean) > psnr(255 * noisy, clean) + 4
    if told:  # an estimate looks at all pixels
        other = noisy.copy()
        other[30, 31] += 0.4
        changed = denoise_invariant(other, raisr.denoise, stride=4, denoiser_kwargs=told)
        assert changed[30, 31] == out[30, 31]
        assert not np.array_equal(changed, out)
