"""The command that learns filters for Intel's library."""

from comparisons import learn_intel
from comparisons.measure.store import COMMITTED
from raisr import IntelFilters
from raisr.provenance import read_json


def test_it_writes_a_folder_and_its_score(monkeypatch, tmp_path, tiny_dataset, capsys):
    monkeypatch.setattr(learn_intel, "load_dataset", lambda *_, **__: tiny_dataset)
    monkeypatch.setattr(learn_intel, "RESULTS", tmp_path / "result.json")
    learn_intel.main([str(tmp_path / "filters")])
    assert IntelFilters.load(tmp_path / "filters").stages[0].spec.shape == (24, 3, 3)
    found = read_json(tmp_path / "result.json")
    assert found["metadata"]["training_images"] == len(tiny_dataset)
    assert set(found["psnr"]) == {"bicubic", "intel"}
    assert "x2" in capsys.readouterr().out


def test_committed_filters_beat_interpolation():
    found = read_json(COMMITTED / learn_intel.RESULTS.name)["psnr"]
    assert found["intel"] > found["bicubic"] + 1
