"""The benchmark of learning on workers, on a few images."""

import json

import pytest

from benchmarks import workers


@pytest.mark.filterwarnings("default")  # of the cluster's own
def test_times_of_one_worker_and_of_two(tmp_path, monkeypatch):
    monkeypatch.setitem(workers._OPTIONS, "size", 3)
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
