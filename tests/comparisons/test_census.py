"""The command that measures mixing by the census transform."""

from comparisons import census
from raisr.provenance import read_json


def test_it_measures_both_models_with_and_without(monkeypatch, tmp_path, tiny_dataset, capsys):
    monkeypatch.setattr(census, "load_dataset", lambda *_, **__: tiny_dataset)
    monkeypatch.setattr(census, "RESULTS", tmp_path / "census.json")
    census.main([])
    found = read_json(tmp_path / "census.json")["psnr"]
    for scores in found.values():
        assert set(scores) == {"fast", "fast_census", "best", "best_census"}
        assert scores["fast"] != scores["fast_census"]
    assert "x4" in capsys.readouterr().out
