"""Squared error by the true class."""

from dataclasses import replace

import numpy as np
import pytest

import raisr
from comparisons import study, where
from comparisons.measure.denoisers import Denoiser, Method
from comparisons.measure.protocol import PROTOCOLS
from tests.images import scene

PROTOCOL = PROTOCOLS["standard"]
NAMES = [f"{a}/{b}" for a in ("low", "middle", "high") for b in ("low", "middle", "high")]


def test_errors_go_to_the_bin_of_the_clean_pixel():
    sample = PROTOCOL.prepare(scene(), 25, 0)
    found = where.errors_by_bin(sample, Denoiser(lambda sample, threads: sample.noisy, "noisy"))
    strength, coherence = raisr.gradient_statistics(sample.clean, "csconv", data_range=255)[1:]
    edges = [0.2 / 3, 0.4 / 3], [1 / 3, 2 / 3]
    bins = 3 * np.digitize(strength, edges[0]) + np.digitize(coherence, edges[1])
    errors = (np.clip(sample.noisy, 0, 255).astype(float) - sample.clean) ** 2
    for index, name in enumerate(NAMES):
        assert found[f"pixels {name}"] == np.sum(bins == index)
        assert found[f"error {name}"] == pytest.approx(errors[bins == index].sum())


def test_changes_are_against_the_plain_network():
    names = ["pixels low/low", "error low/low"]
    zeros = {f"{kind} {name}": 0.0 for kind in ("pixels", "error") for name in NAMES}

    def result(label, error):
        zero = {key: 1.0 if key.startswith("error") else 0.0 for key in zeros}
        images = [zero | dict(zip(names, (50.0, error / 2), strict=True)) for _ in range(2)]
        return {"metadata": {"label": label}, "images": images}

    results = {"edsr16": result("EDSR16", 100.0), "cs_edsr": result("CS-EDSR", 90.0)}
    rows = where.build_table(PROTOCOL, 25.0, "bsd68", results).sections[0].rows
    assert rows[0] == ("low/low", "100.0%", "86.2%", "-10.0%")
    assert rows[1] == ("low/middle", "0.0%", "1.7%", "+0.0%")
    assert rows[-1] == ("all", "100.0%", "100.0%", "-8.6%")


def test_a_run_writes_results_that_render_alone(tmp_path, monkeypatch, tiny_dataset, capsys):
    def row(label, weight):
        def run(sample, threads):
            return weight * sample.noisy + (1 - weight) * sample.clean

        denoiser = Denoiser(run, label, facts={"steps": 5})
        return Method(label, label, lambda protocol, sigma: denoiser)

    rows = {"edsr16": row("plain", 1.0), "cs_edsr": row("classes", 0.5)}
    none = Method("none", "none", lambda protocol, sigma: None)
    monkeypatch.setattr(where, "METHODS", dict.fromkeys(where.ROWS, none) | rows)
    monkeypatch.setattr(study, "load_dataset", lambda name, **_: replace(tiny_dataset, name=name))
    where.main(["--output", str(tmp_path / "out")])
    assert "-75.0%" in capsys.readouterr().out
    stored = str(tmp_path / "out" / "results")
    where.main(["--output", str(tmp_path / "again"), "--from-results", stored])
    assert "-75.0%" in capsys.readouterr().out


def test_nothing_is_shown_without_the_plain_network():
    assert where.build_table(PROTOCOL, 25.0, "bsd68", {}).sections[0].rows == ()
