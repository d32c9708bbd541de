"""One thread for torch, small images in place of every training set, and faults while it runs."""

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from hybrid.training import loop as training
from hybrid.training.tasks import Denoising
from raisr.datasets import Dataset, ImageFile
from tests.images import scene

# The networks of the tests are tiny, and other tests run beside them.
torch.set_num_threads(1)


@pytest.fixture
def tiny_set(monkeypatch, tmp_path):
    """Five small images, two of them in colour, in place of every set of images."""
    images = []
    for seed in range(5):
        image = scene((40, 44), seed)
        if seed >= 3:
            image = np.stack([image, scene((40, 44), seed + 5), image[::-1]], axis=-1)
        path = tmp_path / "images" / f"{seed}.png"
        path.parent.mkdir(exist_ok=True)
        iio.imwrite(path, image)
        images.append(ImageFile(path.name, path))
    tiny = Dataset("tiny", "Tiny", "five small images", "tiny", tuple(images))
    monkeypatch.setattr(
        "hybrid.training.pictures.load_dataset", lambda name, *, download=False: tiny
    )
    return tiny


@pytest.fixture
def frequent_log(monkeypatch):
    """A line of the log every 10 steps."""
    monkeypatch.setattr(training, "_LOG_EVERY", 10)


@pytest.fixture
def at_step(monkeypatch):
    """Do something to the loss of one call of `Denoising.loss`, counted from 1."""

    def arrange(step, action):
        calls = []
        loss = Denoising.loss

        def wrapped(self, network, batch):
            calls.append(1)
            value = loss(self, network, batch)
            return action(network, value) if len(calls) == step else value

        monkeypatch.setattr(Denoising, "loss", wrapped)

    with monkeypatch.context() as monkeypatch:
        yield arrange
