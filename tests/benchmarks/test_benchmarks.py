import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.__main__ import CASES, main
from benchmarks.case import Case, Contender, Goal, colour_mosaic, matrix_product, mosaic
from benchmarks.exported import _model
from benchmarks.kernels import fitted_spec, opencv_classes, opencv_strips
from benchmarks.report import Result, goal_table, metadata, speed_table, thread_table
from benchmarks.timing import Timing, interleaved
from raisr import HashSpec, hash_image


def test_contenders_take_turns_with_every_number_of_threads(monkeypatch):
    monkeypatch.setattr("benchmarks.timing._SHORTEST", 1e-12)
    calls = []
    contenders = {
        "a": Contender(lambda threads: calls.append(f"a{threads}")),
        "b": Contender(lambda threads: calls.append(f"b{threads}"), serial=True),
    }
    found = interleaved(contenders, (1, 2), rounds=3)
    one_round = ["a1", "a2", "b1"]
    assert calls == ["a1", "a1", "a2", "a2", "b1", "b1", *one_round * 3]
    assert set(found) == {("a", 1), ("a", 2), ("b", 1)}
    assert len(found["a", 2].wall) == 3


def test_a_contender_over_its_budget_drops_out_after_three_rounds(monkeypatch):
    monkeypatch.setattr("benchmarks.timing._SHORTEST", 1e-12)
    found = interleaved({"a": Contender(lambda _: None)}, rounds=9, budget=0)
    assert len(found["a", 1].wall) == 3


def test_disturbed_turns_are_repeated_while_there_is_patience(monkeypatch):
    monkeypatch.setattr("benchmarks.timing._SHORTEST", 1e-12)
    busy = itertools.count(step=100)  # seconds of other processes between any two looks
    monkeypatch.setattr("benchmarks.timing._busy_seconds", lambda: next(busy))
    calls = []
    contenders = {"a": Contender(lambda _: calls.append("a"))}
    found = interleaved(contenders, rounds=3, patience=0.2)
    assert len(calls) > 2 + 3
    assert len(found["a", 1].wall) == 3
    assert min(found["a", 1].others) > 1


def test_times_of_a_part_of_the_work_are_scaled(monkeypatch):
    seconds = itertools.count()
    clock = SimpleNamespace(
        perf_counter=lambda: next(seconds), process_time=lambda: 0, sleep=lambda _: None
    )
    monkeypatch.setattr("benchmarks.timing.time", clock)
    contender = matrix_product(2 * 1024**3 * 1.25)
    assert contender.work == pytest.approx(2 / 2.5)
    found = interleaved({"product": contender}, rounds=3)["product", 1]
    assert found.wall == pytest.approx([1 / contender.work] * 3)


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    assert Timing((1.0, 4.0, 9.0), (), ()).over(Timing((2.0, 2.0, 2.0, 2.0), (), ())) == 2


def test_the_image_is_a_noisy_mosaic_of_any_size():
    image = mosaic(300 * 300)
    assert image.shape == (300, 300)
    assert image.dtype == np.float32
    assert 20 < np.std(image - np.roll(image, 1, axis=1)) / np.sqrt(2) < 60


def test_a_mosaic_in_colour_is_of_bytes():
    image = colour_mosaic(300 * 300, 12)
    assert (image.shape, image.dtype) == ((300, 300, 3), np.uint8)
    assert (image[..., 0] != image[..., 1]).mean() > 0.5


@pytest.fixture
def shared_exports(monkeypatch, exported):
    """Networks are written once for these tests and for those of `hybrid.export`."""
    monkeypatch.setattr("benchmarks.exported._model", lambda name: exported(name).read_bytes())


def test_a_model_is_what_export_writes(monkeypatch):
    monkeypatch.setattr("hybrid.load", lambda name: f"network of {name}")
    monkeypatch.setattr("hybrid.export", lambda network, path: path.write_text(network))
    assert _model("some") == b"network of some"


@pytest.mark.usefixtures("shared_exports")
@pytest.mark.parametrize("name", CASES)
def test_every_case_runs_and_its_goals_are_of_contenders(name):
    case = CASES[name](mosaic(64 * 64))
    assert {*case.subjects, *case.goals} <= set(case.contenders)
    for contender in case.contenders.values():
        assert contender.work > 0
        contender.run(1)


@pytest.mark.parametrize("pipeline", [opencv_classes, opencv_strips])
def test_the_opencv_pipelines_find_the_classes_of_raisr(pipeline, monkeypatch):
    monkeypatch.setattr("benchmarks.kernels._STRIP", 200 * 60)
    image = mosaic(200 * 200)
    spec = fitted_spec(image, HashSpec(window=7, weighting="gaussian", gaussian_sigma=1.5))
    inside = np.s_[8:-8, 8:-8]
    ours = hash_image(image, spec, data_range=255)[inside]
    assert len(np.unique(ours)) == 72
    assert np.mean(pipeline(image, spec)[inside] == ours) > 0.98


@pytest.mark.usefixtures("shared_exports")
@pytest.mark.parametrize("name", ["onnx_base", "onnx_small", "onnx_cs_edsr"])
def test_exported_networks_do_the_same_work(name):
    case = CASES[name](mosaic(70 * 70))
    found = case.contenders["onnxruntime"].run(1)
    np.testing.assert_allclose(found, case.contenders["hybrid, float32"].run(1), rtol=0, atol=0.01)


@pytest.fixture
def result():
    """A run of two seconds a megapixel, half of the peer's, and 1.8 times faster in two threads."""
    case = Case(
        "work",
        16 * 2**20,
        {"raisr": Contender(print), "peer": Contender(print, serial=True)},
        goals={"peer": Goal(0.4), "raisr": Goal(8, "speed")},
        absent={"BM3D": "not installed"},
    )
    seconds = {("raisr", 1): 2.0, ("raisr", 2): 2 / 1.8, ("peer", 1): 4.0}
    return Result(case, {key: Timing((s, s), (s, s), (0, 0)) for key, s in seconds.items()})


def test_goals_are_met_or_missed(result):
    (section,) = goal_table([result]).sections
    assert [row[1:] for row in section.rows] == [
        ("<= 0.4x", "0.5x", "missed"),
        (">= 8 Mpixel/s", "8.39 Mpixel/s", "met"),
    ]
    (gains,) = thread_table([1, 2], [result]).sections
    assert gains.rows[0][1:] == ("2", "1.80x", ">= 1.85: missed")


def test_rows_of_absent_and_of_serial_peers(result):
    rows = {row[0]: row for row in speed_table(2, [result], {}).sections[0].rows}
    assert rows["BM3D"][1] == "not installed"
    assert rows["peer"][5] == "0.278x"


def test_metadata_says_machine_versions_and_commit():
    assert {"cpu", "core", "cores", "numba", "opencv-python-headless", "torch", "commit"} <= set(
        metadata()
    )


def test_the_command_writes_the_tables_and_the_raw_timings(tmp_path, capsys):
    arguments = ["apply7", "--megapixels", "0.01", "--threads", "1", "--rounds", "1"]
    arguments += ["--patience", "0.1"]
    main([*arguments, "--output", str(tmp_path)])
    assert "apply 7x7, 72 filters" in capsys.readouterr().out
    raw = json.loads((tmp_path / "benchmarks_raw.json").read_text())
    assert raw["metadata"]["cores"] > 0
    (result,) = raw["results"]
    assert {row["contender"] for row in result["seconds"]} >= {"raisr"}
    assert all(len(row["wall"]) == 1 for row in result["seconds"])


@pytest.mark.parametrize("arguments", [["nothing"], ["--megapixels", "0"], ["--threads", "0"]])
def test_wrong_options_are_one_line(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err.count("\n") == 1
