"""The command that measures pages."""

import dataclasses
import json

import numpy as np
import pytest

from comparisons import documents
from comparisons.documents import gain, lines, main, noisy_image
from raisr import denoise, estimate_noise
from raisr.metrics import psnr


@pytest.fixture
def results(monkeypatch, tmp_path):
    path = tmp_path / "documents.json"
    few = dataclasses.replace(documents.HELD_BACK_PAGES, count=2, side=48)
    monkeypatch.setattr(documents, "RESULTS", path)
    monkeypatch.setattr(documents, "HELD_BACK_PAGES", few)
    coloured = dataclasses.replace(documents.HELD_BACK_COLOURED, count=2, side=48)
    monkeypatch.setattr(documents, "HELD_BACK_COLOURED", coloured)
    return path


def test_it_measures_every_case(results, capsys):
    main(["--sigma", "10"])
    found = json.loads(results.read_text())["found"]
    assert len(found) == 24
    assert len({(f["model"], f["kind"], f["eight_bits"], f["told"]) for f in found}) == 24
    assert all(entry["pages"] == 2 and entry["least"] <= entry["mean"] for entry in found)
    assert "lines" in capsys.readouterr().out


@pytest.mark.parametrize("eight_bits", [False, True])
def test_the_gain_is_that_of_the_denoiser(eight_bits):
    def nothing(noisy, **_):
        assert (noisy.dtype == np.uint8) is eight_bits
        return noisy

    def clean(noisy, **_):
        return np.where(lines() > 0, 254, 0)

    assert 0 <= gain(lines(), 10, 0, eight_bits=eight_bits, denoise=nothing) < 4
    assert gain(lines(), 10, 0, eight_bits=eight_bits, denoise=clean) > 15


def test_noise_that_seems_of_photons_too_strong_for_the_page_is_white():
    page = documents.HELD_BACK_COLOURED.page(15)
    noisy = noisy_image(
        page, 25, documents.HELD_BACK_COLOURED.noise_seed(15, 25.0), eight_bits=False
    )
    options = {"channel_axis": -1, "data_range": 255}
    assert estimate_noise(noisy, channel_axis=-1).kind == "photon"
    with pytest.raises(ValueError, match="too strong"):
        denoise(noisy, noise="photon", **options)
    found, told = (denoise(noisy, level, **options) for level in (None, 25))
    assert psnr(found, told) > 30  # the noise itself has 20 dB
