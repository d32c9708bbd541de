import json
import sys

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.cases import CASES, mosaic
from benchmarks.timing import interleaved


def test_contenders_take_turns():
    calls = []
    found = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] * 4
    assert found["a"].rounds == 3
    assert found["a"].quartiles[0] <= found["a"].wall <= found["a"].quartiles[1]


def test_the_image_is_a_noisy_mosaic_of_any_size():
    image = mosaic(300 * 300)
    assert image.shape == (300, 300)
    assert image.dtype == np.float32
    assert 20 < np.std(image - np.roll(image, 1, axis=1)) / np.sqrt(2) < 60


@pytest.mark.parametrize("name", CASES)
def test_every_case_runs_and_names_its_reference(name):
    case = CASES[name](mosaic(64 * 64), 1)
    assert case.reference in case.contenders
    for contender in case.contenders.values():
        contender()


def test_the_command_writes_the_table_and_the_raw_timings(tmp_path, monkeypatch, capsys):
    arguments = ["benchmarks", "apply7", "--megapixels", "0.01", "--threads", "1", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--output", str(tmp_path)])
    main()
    assert "apply 7x7, 72 filters" in capsys.readouterr().out
    raw = json.loads((tmp_path / "benchmarks_raw.json").read_text())
    assert raw["cases"][0]["seconds"]["raisr"]["wall"] > 0
