"""Files that the commands work on."""

import numpy as np
import pytest
from skimage import data

from raisr import FilterBank, HashSpec, Stage
from raisr.io import write_image
from raisr.noise import add_camera_noise, add_gaussian_noise, add_poisson_gaussian_noise
from tests.cli.commands import COLOUR, GRAY, PART, saved


@pytest.fixture
def bank(tmp_path):
    """Path of a bank that returns the image shifted by one pixel: its effect is known exactly."""
    spec = HashSpec.preset("csconv")
    filters = np.zeros((spec.num_classes, 1, 3, 3), np.float32)
    filters[:, 0, 1, 0] = 1
    path = tmp_path / "shift.safetensors"
    FilterBank([Stage(spec, filters, np.zeros(spec.num_classes, np.float32))]).save(path)
    return path


@pytest.fixture
def photos(tmp_path):
    """Folder of three images, one in a subfolder, and a note."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    write_image(folder / "a.png", GRAY)
    write_image(folder / "b.tif", COLOUR)
    write_image(folder / "sub" / "c.bmp", GRAY)
    (folder / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture
def pictures(tmp_path):
    """Names of pictures with each kind of noise."""
    return {
        "white": saved(tmp_path / "white.png", add_gaussian_noise(PART, 20, 0)),
        "camera": saved(tmp_path / "camera.png", add_camera_noise(PART, 0.01, 0, demosaic="edge")),
        "mosaic": saved(tmp_path / "mosaic.png", add_camera_noise(PART, 0.012, 0)),
        "photon": saved(tmp_path / "photon.png", add_poisson_gaussian_noise(data.coins(), 30, 0)),
        "grown": saved(tmp_path / "grown.png", add_poisson_gaussian_noise(PART, 300, 0, sigma=20)),
        "none": saved(tmp_path / "none.png", np.full((50, 50), 9)),
    }
