"""Small image sets and stand-in methods for the tests of the comparisons."""

from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from comparisons.measure.denoisers import Denoiser, Method
from raisr.datasets import Dataset, ImageFile


def smooth_image(seed, shape):
    """A uint8 image of soft blobs."""
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = uniform_filter(noise, (9, 9, *[0] * (len(shape) - 2)), mode="wrap")
    return np.uint8(np.clip(128 + 300 * smooth, 0, 255))


@pytest.fixture
def tiny_dataset(tmp_path):
    """Two small images in files, one gray and one in colour."""
    shapes = {"gray.png": (40, 56), "colour.png": (48, 40, 3)}
    images = []
    for seed, (name, shape) in enumerate(shapes.items()):
        path = tmp_path / "tiny" / name
        path.parent.mkdir(exist_ok=True)
        iio.imwrite(path, smooth_image(seed, shape))
        images.append(ImageFile(name, path))
    return Dataset("tiny", "Tiny", "two small images", "tiny", tuple(images))


@pytest.fixture
def box_filter():
    """A stand-in method: the mean of 3x3 pixels."""
    return Denoiser(lambda sample, threads: uniform_filter(sample.noisy, 3), "box", kflops=0.018)


@pytest.fixture
def stand_ins(monkeypatch, box_filter):
    """Build the box filter in place of every filter bank; networks are not trained."""
    from comparisons.measure import methods

    for name, method in methods.METHODS.items():
        if name != "noisy":
            stand_in = box_filter if name.startswith("raisr") else None
            built = replace(method, build=lambda protocol, sigma, stand_in=stand_in: stand_in)
            monkeypatch.setitem(methods.METHODS, name, built)
    assert isinstance(methods.METHODS["raisr_n"], Method)
