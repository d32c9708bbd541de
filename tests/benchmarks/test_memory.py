import json

import pytest

from benchmarks.memory import MEASURES, main, peak_of


@pytest.mark.parametrize("name", [name for name in MEASURES if name.startswith("denoise")])
def test_peaks_are_bytes(name):
    found = peak_of(name, 10**5)
    assert 10**7 < found["before"] < 10**10
    assert found["peak"] > 10**7
    assert found["allowed"] > 10 * 10**5


def test_the_command_measures_in_fresh_processes(tmp_path, monkeypatch, capsys):
    names = list(MEASURES)
    monkeypatch.setattr(
        "benchmarks.memory._in_fresh_process",
        lambda name, pixels: {"before": 1e8, "peak": 2e8, "allowed": 1e8 - names.index(name)},
    )
    main(["--megapixels", "7", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "met" in printed
    assert "missed" in printed
    raw = json.loads((tmp_path / "memory_raw.json").read_text())
    assert raw["pixels"] == 7 * 10**6
    assert set(raw["bytes"]) == set(names)
