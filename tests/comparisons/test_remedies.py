"""The table of runs that start alike."""

import pytest

from comparisons import remedies
from hybrid.weights import save_tensors

FACTS = {
    "classes": None,
    "bins": {},
    "class_sigma": None,
    "init": "start",
    "steps": 4000,
    "total_steps": 18000,
    "seed": 0,
    "seconds": 60,
    "git_commit": "0" * 40,
    "cpu": "a processor",
}


def runs(folder, **psnr):
    for run, value in psnr.items():
        (folder / run).mkdir()
        header = FACTS | {"scores": {"psnr": value}}
        save_tensors(folder / run / "weights.safetensors", {}, header)
    return folder


def test_gains_are_against_the_plain_network(tmp_path):
    found = remedies.collect(runs(tmp_path, remedy_plain=28.7, remedy_none=28.75))
    rows = {row[0]: row[1:] for row in remedies.build_table(found).sections[0].rows}
    assert rows["EDSR16, no classes"] == ("28.700", "", "4,000", "18,000")
    assert rows["PCN+N, 8x3x3: the paper's classes"][:2] == ("28.750", "+0.050")
    assert rows["PCN+N, 4x2x2"][0] == "not trained"


def test_runs_are_added_to_those_known(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(remedies, "PATH", tmp_path / "remedies.json")
    for name, psnr in (("remedy_plain", 28.0), ("remedy_none", 28.5)):
        (tmp_path / name).mkdir()
        remedies.main(["--runs", str(runs(tmp_path / name, **{name: psnr}))])
    assert "+0.500" in capsys.readouterr().out


def test_committed_runs_are_from_clean_trees_and_of_equal_steps():
    known = remedies.read_json(remedies.PATH) or {}
    if not known:
        pytest.skip("no runs are committed")
    assert len({facts["total_steps"] for facts in known.values()}) == 1
    assert all(len(facts["git_commit"]) == 40 for facts in known.values())
