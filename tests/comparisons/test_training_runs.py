"""The tables of the runs that have ended."""

import re
import shutil

import pytest

from comparisons import training_runs
from hybrid.weights import save_tensors
from raisr.provenance import read_json

FACTS = {
    "noise": "gaussian",
    "sigma": 25,
    "init": "runs/start/weights.safetensors",
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
    found = training_runs.collect(runs(tmp_path, remedy_plain=28.7, remedy_none=28.75, other=1))
    assert list(found) == ["remedy_none", "remedy_plain"]
    rows = {row[0]: row[1:] for row in training_runs.remedies_table(found).sections[0].rows}
    assert rows["EDSR16, no classes"] == ("28.700", "-", "4,000", "18,000")
    assert rows["PCN+N, 8x3x3: the paper's classes"][:2] == ("28.750", "+0.050")
    assert rows["PCN+N, 8x3x3, a shared part of filters"][0] == "not trained"
    rows = training_runs.runs_table(found).sections[0].rows
    assert rows[0] == (
        "`remedy_none`",
        "gaussian",
        "25",
        "`start`",
        "4,000",
        "18,000",
        "60",
        "cpu",
        "28.750",
    )


def test_runs_tell_the_device(tmp_path):
    for name, device in (("remedy_none", {"gpu": "a GPU"}), ("remedy_plain", {"device_name": "B"})):
        (tmp_path / name).mkdir()
        header = FACTS | {"scores": {}} | device
        save_tensors(tmp_path / name / "weights.safetensors", {}, header)
    rows = training_runs.runs_table(training_runs.collect(tmp_path)).sections[0].rows
    assert [row[-2] for row in rows] == ["a GPU", "B"]


def test_what_is_planned_has_not_ended():
    ended = {
        "kpn_start_standard_25": FACTS | {"init": None, "steps": 3000},
        "remedy_plain": FACTS,  # of another start than its file tells now
    }
    rows = {row[0]: row[1:] for row in training_runs.plan_table(ended).sections[0].rows}
    assert "`kpn_start_standard_25`" not in rows
    planned = rows["`kpn_plus_start_standard_25`"]
    assert planned == ("gaussian", "25", "nothing", "3,000", "2 of 64x64")
    assert "`remedy_plain`" in rows
    assert rows["`cs_edsr16_blind`"][1] == "0 to 75"
    assert len(rows) == len(list(training_runs.CONFIGS.glob("*.toml"))) - 1


def test_a_run_that_ended_as_its_time_was_over_is_not_planned(monkeypatch, tmp_path):
    shutil.copy(training_runs.CONFIGS / "unet_base_colour.toml", tmp_path)
    monkeypatch.setattr(training_runs, "CONFIGS", tmp_path)
    ended = FACTS | {"init": "unet_small_colour", "steps": 22215}
    for seconds, planned in ((6600, False), (6000, True)):
        table = training_runs.plan_table({"unet_base_colour": ended | {"seconds": seconds}})
        assert ("`unet_base_colour`" in [row[0] for row in table.sections[0].rows]) is planned


def test_nothing_planned_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(training_runs, "CONFIGS", tmp_path)
    assert training_runs.plan_table({}).sections[0].rows == (("none", *["-"] * 5),)


def test_the_leak_is_told_beside_its_plain_network():
    runs = {
        name: FACTS | {"scores": {"psnr": psnr}}
        for name, psnr in (("edsr16_standard_50", 25.5), ("cs_edsr16_draw25_standard_50", 26.0))
    }
    rows = [row[1:3] for row in training_runs.leak_table(runs).sections[0].rows]
    assert rows == [
        ("25.500", "-"),
        ("not trained", "-"),
        ("not trained", "-"),
        ("26.000", "+0.500"),
    ]


def test_twins_stand_side_by_side():
    runs = {
        name: FACTS | {"scores": {"psnr": psnr}}
        for name, psnr in (("carn16_standard_25", 28.5), ("cs_carn16_pcn_standard_25", 28.625))
    }
    rows = {row[0]: row[1:] for row in training_runs.pairs_table(runs).sections[0].rows}
    assert rows["CARN16"] == ("28.500", "28.625", "+0.125", "18,000")
    assert rows["EDSR16"] == ("not trained", "not trained", "-", "-")


def test_runs_are_added_to_those_known(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training_runs, "PATH", tmp_path / "runs.json")
    for name in ("remedy_plain", "remedy_none"):
        shutil.copy(training_runs.CONFIGS / f"{name}.toml", tmp_path)
    monkeypatch.setattr(training_runs, "CONFIGS", tmp_path)
    for name, psnr in (("remedy_plain", 28.0), ("remedy_none", 28.5)):
        (tmp_path / name).mkdir()
        training_runs.main(["--runs", str(runs(tmp_path / name, **{name: psnr}))])
    assert "+0.500" in capsys.readouterr().out


def test_the_committed_remedies_had_equal_steps():
    known = read_json(training_runs.PATH)
    remedies = [facts for name, facts in known.items() if name.startswith("remedy_")]
    assert {facts["total_steps"] for facts in remedies} == {18000}


@pytest.mark.parametrize("name", list(read_json(training_runs.PATH) or {}))
def test_committed_runs_tell_their_code(name):
    facts = read_json(training_runs.PATH)[name]
    assert re.fullmatch(r"[0-9a-f]{7,40}\+?", facts["git_commit"])
    assert (training_runs.CONFIGS / f"{name}.toml").is_file()
