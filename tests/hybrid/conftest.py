"""One thread for torch, and small images in place of every training set."""

import imageio.v3 as iio
import numpy as np
import pytest
import torch

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
