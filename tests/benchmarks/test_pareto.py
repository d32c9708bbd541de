import csv
import json

import pytest

from benchmarks.pareto import main
from benchmarks.pareto_plot import Point, front, save_plot


def point(name, seconds, psnr, family="classical"):
    return Point(name, family, psnr, 0.8, seconds, (seconds, seconds))


def test_the_front_holds_what_no_other_beats():
    points = [point("slow", 3, 30), point("bad", 2, 20), point("fast", 1, 25), point("tie", 1, 24)]
    assert [p.name for p in front(points)] == ["fast", "slow"]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_the_same_for_the_same_points(tmp_path, suffix):
    points = [point("a", 0.1, 28, "raisr"), point("b", 0.11, 28), point("c", 5, 29, "network")]
    first, second = tmp_path / f"1{suffix}", tmp_path / f"2{suffix}"
    for path in (first, second):
        save_plot(points, "bsd68", path)
    assert first.read_bytes() == second.read_bytes()


def test_every_method_is_labelled(tmp_path):
    points = [point(name, 1, 28) for name in ("one", "two", "three", "four", "five")]
    save_plot(points, "bsd68", tmp_path / "picture.svg")
    text = (tmp_path / "picture.svg").read_text()
    assert all(f">{p.name}<" in text for p in points)


def test_the_command_measures_and_says_who_is_absent(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "comparisons.measure.denoisers.find_spec", lambda name: name != "bm3d" or None
    )
    arguments = ["--dataset", "sample", "--denoisers", "raisr fast", "BM3D"]
    main([*arguments, "--output", str(tmp_path)])
    assert "not installed" in capsys.readouterr().out
    raw = json.loads((tmp_path / "pareto_sample_raw.json").read_text())
    assert raw["metadata"]["protocol"] == "standard"
    assert min(raw["denoisers"]["raisr fast"]["psnr"]) > 25
    with (tmp_path / "pareto_sample.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["denoiser"] == "raisr fast"
    assert float(row["seconds_per_megapixel"]) > 0
