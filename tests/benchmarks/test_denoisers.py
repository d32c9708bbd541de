import numpy as np
import pytest

from benchmarks.case import corner, mosaic
from benchmarks.denoisers import DENOISERS, find
from benchmarks.tuning import GRIDS, settings_of
from comparisons.measure.classical import CLASSICAL
from raisr.noise import Sample


@pytest.mark.parametrize("name", [name for name in DENOISERS if name != "BM3D"])
def test_every_denoiser_keeps_gray_levels_and_removes_noise(name):
    present, absent = find([name])
    if name not in present:
        pytest.skip(f"{name} cannot run here: {absent[name]}")
    clean = np.full((48, 64), 100, np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape).astype(np.float32)
    out = present[name].run(Sample(noisy, clean, 255, 25.0, "gaussian"))
    assert out.shape == clean.shape
    assert out.dtype == np.float32
    assert abs(out.mean() - 100) < 3
    assert out.std() < 18


def test_absent_denoisers_say_why(monkeypatch):
    monkeypatch.delenv("RAISR_PEERS", raising=False)
    assert find(["DnCNN"]) == ({}, {"DnCNN": "no dncnn_25.safetensors in RAISR_PEERS"})
    assert find(["EDSR16"], 33.0) == ({}, {"EDSR16": "not trained"})
    found, absent = find(["EDSR16"])
    assert (list(found), absent) == (["EDSR16"], {})
    monkeypatch.setattr("comparisons.measure.denoisers.find_spec", lambda name: None)
    assert find(["DnCNN"]) == ({}, {"DnCNN": "not installed"})


@pytest.mark.parametrize("row", GRIDS)
def test_settings_in_use_are_of_the_grid_that_was_searched(row):
    assert CLASSICAL[row].settings in list(settings_of(GRIDS[row]))


def test_corner_is_contiguous_and_not_larger_than_the_image():
    image = mosaic(64 * 64)
    assert corner(image, 40 * 40).shape == (40, 40)
    assert corner(image, 10**9).shape == image.shape
    assert corner(image, 100).flags.c_contiguous
