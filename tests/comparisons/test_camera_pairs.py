"""Pairs of photographs to train a network on."""

import numpy as np

from comparisons import camera_pairs
from raisr.datasets import Dataset, ImageFile
from raisr.io import list_images, read_image, write_image
from raisr.metrics import psnr
from tests.images import scene


def test_pairs_lie_on_each_other_and_repeat(monkeypatch, tmp_path):
    images = []
    for seed in range(7):
        path = tmp_path / "set" / f"{seed}.png"
        path.parent.mkdir(exist_ok=True)
        write_image(path, np.dstack([scene((60, 70), seed)] * 3).astype(np.uint8))
        images.append(ImageFile(f"train/{path.name}", path))
    tiny = Dataset("bsd400", "", "", "tiny", tuple(images))
    monkeypatch.setattr(camera_pairs, "load_dataset", lambda name, *, download: tiny)
    for folder in ("a", "b"):
        camera_pairs.main([str(tmp_path / folder), "--times", "2"])
    names = list_images(tmp_path / "a")
    held = [name for name in names if name.parts[0] == "held"]
    assert {name.name for name in held} == {"train_5.png"}
    assert len(names) == 2 * (1 + 2 * 6)
    for name in names:
        pixels, _ = read_image(tmp_path / "a" / name)
        again, _ = read_image(tmp_path / "b" / name)
        np.testing.assert_array_equal(pixels, again)
        if name.parts[1] == "noisy":
            clean, _ = read_image(tmp_path / "a" / name.parts[0] / "clean" / name.name)
            assert 12 < psnr(pixels, clean) < 50
    taken = [read_image(tmp_path / "a" / n / "noisy" / "train_0.png")[0] for n in ("0", "1")]
    assert (taken[0] != taken[1]).any()
