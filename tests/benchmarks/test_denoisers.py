import numpy as np
import pytest

from benchmarks.case import corner, mosaic
from benchmarks.denoisers import DENOISERS
from benchmarks.tuning import GRIDS, settings_of

PRESENT = [name for name, denoiser in DENOISERS.items() if not denoiser.absent(25)]


@pytest.mark.parametrize("name", [name for name in PRESENT if name != "BM3D"])
def test_every_denoiser_keeps_gray_levels_and_removes_noise(name):
    clean = np.full((48, 64), 100, np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape).astype(np.float32)
    out = DENOISERS[name].run(noisy, 25.0, 1)
    assert out.shape == clean.shape
    assert out.dtype == np.float32
    assert abs(out.mean() - 100) < 3
    assert out.std() < 18


def test_absent_denoisers_say_why(monkeypatch):
    monkeypatch.setattr("benchmarks.denoisers.find_spec", lambda name: None)
    assert DENOISERS["DnCNN"].absent(25) == "not installed"
    monkeypatch.setattr("benchmarks.denoisers.find_spec", lambda name: object())
    monkeypatch.delenv("RAISR_PEERS", raising=False)
    assert DENOISERS["DnCNN"].absent(25) == "no dncnn_25.safetensors in RAISR_PEERS"
    assert DENOISERS["EDSR16"].absent(25) == ""
    assert DENOISERS["EDSR16"].absent(33) == "not trained"


@pytest.mark.parametrize("name", GRIDS)
def test_settings_in_use_are_of_the_grid_that_was_searched(name):
    assert DENOISERS[name].settings in list(settings_of(GRIDS[name]))


def test_corner_is_contiguous_and_not_larger_than_the_image():
    image = mosaic(64 * 64)
    assert corner(image, 40 * 40).shape == (40, 40)
    assert corner(image, 10**9).shape == image.shape
    assert corner(image, 100).flags.c_contiguous
