"""Files that the commands work on."""

import numpy as np
import pytest

from raisr import FilterBank, HashSpec, Stage
from raisr.io import write_image
from tests.cli.commands import COLOUR, GRAY


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
