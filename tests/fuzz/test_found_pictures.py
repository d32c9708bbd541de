"""What fuzzing found in pictures, and in noise."""

import numpy as np
import pytest
import tifffile

from raisr import noise
from raisr.io import read_image


@pytest.mark.parametrize("samples", [1, 2])
def test_colours_of_fewer_samples_are_refused(tmp_path, samples):
    path = tmp_path / "a.tif"
    pixels = np.zeros((7, 9, samples), np.uint8)
    extra = ["unspecified"] if samples == 2 else None
    gray = {"photometric": "minisblack", "extrasamples": extra}
    tifffile.imwrite(path, pixels if samples == 2 else pixels[..., 0], **gray)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["PhotometricInterpretation"].overwrite(2)
        if samples == 2:
            file.pages.first.tags["ExtraSamples"].overwrite((), dtype=3)
    with pytest.raises(ValueError, match="damaged: RGB pixels of"):
        read_image(path)


@pytest.mark.parametrize("image", [np.ones(3, np.complex64), np.array("5", "S1"), None])
@pytest.mark.parametrize("add", [noise.add_gaussian_noise, noise.add_poisson_gaussian_noise])
def test_noise_is_added_to_real_numbers(image, add):
    with pytest.raises(TypeError, match="image must be of real numbers, got"):
        add(image, 25, seed=0)
    with pytest.raises(TypeError, match="image must be of real numbers, got"):
        noise.add_camera_noise(np.full((4, 4, 3), 1j), 0.01, seed=0)


def test_noise_is_added_to_a_single_number():
    for add in (noise.add_gaussian_noise, noise.add_poisson_gaussian_noise):
        found = add(100.0, 25, seed=0)
        assert isinstance(found, np.ndarray)
        assert (found.shape, found.dtype) == ((), np.float32)


@pytest.mark.parametrize("sigma", [-1, np.nan, np.inf, "25", None, True])
def test_noise_has_a_level(sigma):
    with pytest.raises(ValueError, match="sigma must be finite and not negative"):
        noise.add_gaussian_noise(np.ones(3), sigma, seed=0)
    with pytest.raises(ValueError, match="sigma must be finite and not negative"):
        noise.add_poisson_gaussian_noise(np.ones(3), 100, seed=0, sigma=sigma)


def test_a_small_file_of_more_pixels_than_memory_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((7, 9), np.uint8), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            file.pages.first.tags[name].overwrite(60000)
    with pytest.raises(ValueError, match="the file is damaged or ends too early"):
        read_image(path)
