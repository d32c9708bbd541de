"""The table of real noise: its cases, its measurement, and that the committed one is whole."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons import real_noise
from comparisons.real_noise import CASES, FLOATS, GAINS, METHODS, RESULT, main, measure, table
from raisr.io import write_image
from raisr.noise import add_gaussian_noise
from raisr.provenance import read_json


@pytest.fixture
def small(monkeypatch, tmp_path):
    """One case of one small image, and two methods; a folder like that of cc15."""
    rng = np.random.default_rng(0)
    noisy, clean = rng.integers(0, 256, (2, 24, 30, 3), dtype=np.uint8)
    for name in ("a_real.png", "a_mean.png"):
        write_image(tmp_path / name, clean if "mean" in name else noisy)
    monkeypatch.setattr(real_noise, "CASES", {"one": lambda: iter([(noisy, clean)])})
    few = {name: METHODS[name] for name in ("noisy", "raisr fast")}
    monkeypatch.setattr(real_noise, "METHODS", few)
    monkeypatch.setattr(real_noise, "RESULT", tmp_path / "result.json")
    return tmp_path


def test_each_case_has_every_fourth_photograph(monkeypatch, tiny_dataset):
    five = replace(tiny_dataset, images=(tiny_dataset.images[1],) * 5)
    monkeypatch.setattr(real_noise, "load_dataset", lambda name: five)
    errors = []
    for case in CASES.values():
        pairs = list(case())
        assert len(pairs) == 2
        for noisy, clean in pairs:
            assert (noisy.dtype, noisy.shape) == (np.uint8, clean.shape)
            np.testing.assert_array_equal(clean, five.images[0].read())
        errors.append(np.mean((noisy.astype(float) - clean) ** 2))
    cameras, photons = errors[: len(GAINS)], errors[len(GAINS) :]
    assert cameras == sorted(cameras)
    assert photons == sorted(photons, reverse=True)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "noisy"])
def test_every_method_removes_noise(name):
    clean = np.full((40, 48, 3), (90, 120, 150), np.uint8)
    noisy = add_gaussian_noise(clean, 10, seed=0).round().clip(0, 255).astype(np.uint8)
    out = METHODS[name](noisy)
    assert out.shape == clean.shape
    assert np.std(out.astype(float) - clean) < 0.7 * np.std(noisy.astype(float) - clean)


def test_what_is_measured(small):
    found = measure(small)
    assert list(found["psnr"]) == ["one", "cc15", FLOATS]
    assert found["psnr"]["one"] == found["psnr"]["cc15"]
    rounded, floats = (found["psnr"][case]["raisr fast"] for case in ("cc15", FLOATS))
    assert 0 < abs(rounded - floats) < 0.1
    assert set(found["seconds_per_megapixel"]) == {"noisy", "raisr fast"}
    assert list(measure(None)["psnr"]) == ["one"]


def test_the_command_writes_and_prints(small, capsys):
    main(["--cc15", str(small)])
    out = capsys.readouterr().out
    assert "| raisr fast |" in out
    assert "| TWSC | - | - | 37.81 | - |" in out
    assert read_json(small / "result.json")["psnr"]["one"]["noisy"] > 0


def test_the_committed_result_has_every_case():
    result = read_json(RESULT)
    assert list(result["psnr"]) == [*CASES, "cc15", FLOATS]
    assert len(table(result).columns) == len(CASES) + 4
    best = {case: scores["raisr best"] for case, scores in result["psnr"].items()}
    for case, scores in result["psnr"].items():
        assert best[case] >= max(v for k, v in scores.items() if "NL-means" in k), case
