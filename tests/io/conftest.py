"""A stack of planes in files, what is made of it, and tiles smaller than it."""

import numpy as np
import pytest
import tifffile

from raisr import denoise, streaming
from tests.io.stacks import STACK, write_zarr


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(streaming, "_SIDE", 64)


@pytest.fixture
def tiled(tmp_path):
    """A stack in a tiled TIFF, by the name of its path."""
    path = tmp_path / "a.tif"
    options = {"tile": (32, 48), "compression": "zlib", "metadata": {"axes": "ZYX"}}
    tifffile.imwrite(path, STACK, photometric="minisblack", **options)
    return path


@pytest.fixture
def chunked(tmp_path):
    return write_zarr(tmp_path / "a.zarr", STACK, (2, 40, 50), dimension_names=list("zyx"))


@pytest.fixture(scope="session")
def expected():
    """The stack, denoised as what fits in memory is."""
    return np.stack([denoise(plane, 20) for plane in STACK])
