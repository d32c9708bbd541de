"""The benchmark of learning on workers, on a few small images."""

import json

import numpy as np
import pytest

from benchmarks import workers
from raisr.datasets import Dataset, ImageFile
from raisr.io import write_image
from tests.images import colour_scene


@pytest.mark.usefixtures("forked_workers")
@pytest.mark.filterwarnings("default")  # of the cluster's own
def test_times_of_one_worker_and_of_two(tmp_path, monkeypatch):
    images = []
    for index in range(4):
        images.append(ImageFile(f"{index}.png", tmp_path / f"{index}.png"))
        write_image(images[-1].path, np.roll(colour_scene((64, 80)), index, axis=2))
    few = Dataset("few", "Few", "four small images", "few", tuple(images))
    monkeypatch.setattr(workers, "load_dataset", lambda name: few)
    monkeypatch.setitem(workers._OPTIONS, "size", 3)
    workers._learn(workers._Pairs(images), workers._OPTIONS)  # compiles, for all workers
    workers.main(["--dataset", "sample", "--rounds", "1", "--output", str(tmp_path)])
    raw = json.loads((tmp_path / "workers_raw.json").read_text())
    assert raw["protocol"]["stages"] == 2
    assert {name: len(found["seconds"]) for name, found in raw["workers"].items()} == {
        "1": 1,
        "2": 1,
    }
    assert all(found["allowed"][0] > 0 for found in raw["workers"].values())
    table = (tmp_path / "workers.md").read_text()
    assert ">= 1.8: " in table
