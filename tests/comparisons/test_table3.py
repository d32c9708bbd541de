import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons import table3
from comparisons.protocol import PROTOCOLS, Sample
from comparisons.published import paper_rows

PAPER = PROTOCOLS["paper"]
unit = st.floats(0, 1, exclude_max=True)


def maps(orientation, strength=0.0, coherence=0.0):
    return np.array([orientation, strength, coherence]).reshape(3, 1, 1)


@pytest.mark.data
def test_errors_are_near_those_of_the_paper(tmp_path):
    table3.main(["--datasets", "cbsd68", "--output", str(tmp_path)])
    for sigma in (15, 25, 50):
        folder = tmp_path / "results" / "table3" / f"paper_{sigma}" / "cbsd68"
        mean = json.loads((folder / "raisr_n.json").read_text())["mean"]
        printed = paper_rows("table3", sigma)["RAISR+N"].cells["cbsd68"][0]
        assert mean["linear"] == pytest.approx(printed, rel=0.08)
        constant = json.loads((folder / "constant.json").read_text())["mean"]["linear"]
        assert constant == pytest.approx(0.046, abs=0.001)


@given(unit, unit)
def test_circular_error_is_the_shorter_way_round(a, b):
    errors = table3.statistics_errors(maps(a), maps(b))
    way = abs(a - b)
    assert errors["linear"] == pytest.approx(way**2 / 3)
    assert errors["circular"] == pytest.approx(min(way, 1 - way) ** 2 / 3, abs=1e-12)


@given(unit, unit)
def test_strength_and_coherence_count_the_same_both_ways(strength, coherence):
    errors = table3.statistics_errors(maps(0.3, strength, coherence), maps(0.3))
    wanted = (strength**2 + coherence**2) / 3
    assert errors == {"linear": pytest.approx(wanted), "circular": pytest.approx(wanted)}


def test_noisy_errors_vanish_without_noise():
    plane = np.random.default_rng(0).uniform(16, 235, (30, 40)).astype(np.float32)
    errors = table3.noisy_errors(Sample(plane, plane, 219, 25, "paper"), shave=6)
    assert errors == {"linear": 0, "circular": 0}


def test_strength_is_that_of_the_paper_under_its_protocol():
    # A ramp of 2 gray levels a pixel: the paper's strength is the gradient of Y / 255.
    plane = np.tile(np.arange(30, dtype=np.float32) * 2 + 16, (30, 1))
    strength = table3.statistics(plane, PAPER.data_range, shave=6)[1]
    np.testing.assert_allclose(strength, 2 / 255, rtol=1e-4)


def test_shave_leaves_out_the_border():
    plane = np.random.default_rng(0).uniform(0, 255, (30, 40)).astype(np.float32)
    whole = table3.statistics(plane, 255, shave=0)
    np.testing.assert_array_equal(table3.statistics(plane, 255, shave=6), whole[:, 6:24, 6:34])
    with pytest.raises(ValueError, match="shave of 15 pixels leaves nothing of 30 x 40"):
        table3.statistics(plane, 255, shave=15)


def test_the_constant_is_the_best_one():
    plane = np.random.default_rng(0).uniform(0, 255, (40, 40)).astype(np.float32)
    sample = Sample(plane, plane, 255, 25, "standard")
    means = table3.clean_means(sample, shave=6)
    best = table3.constant_errors(sample, 6, means)
    assert best["linear"] == pytest.approx(
        float(np.mean(table3.statistics(plane, 255, 6).var(axis=(1, 2))))
    )
    for name in ("orientation", "strength", "coherence"):
        worse = table3.constant_errors(sample, 6, {**means, name: means[name] + 0.05})
        assert worse["linear"] > best["linear"]


def test_the_circular_constant_is_the_mean_direction():
    plane = np.tile(np.arange(30, dtype=np.float32), (30, 1))
    sample = Sample(plane, plane, 255, 25, "standard")
    means = table3.clean_means(sample, shave=6)
    direction = math.atan2(means["sine"], means["cosine"]) / (2 * math.pi) % 1
    assert direction == pytest.approx(means["orientation"], abs=1e-6)
    assert table3.constant_errors(sample, 6, means)["circular"] == pytest.approx(0, abs=1e-6)


@pytest.fixture
def tiny(monkeypatch, tiny_dataset):
    monkeypatch.setattr(table3, "load_dataset", lambda name, **_: tiny_dataset)
    monkeypatch.setattr(table3, "COMMITTED", tiny_dataset.images[0].path.parent / "none")


def test_a_run_prints_our_rows_and_the_papers(tiny, tmp_path, capsys):
    table3.main(["--sigma", "25", "--shave", "4", "--output", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    for text in ("protocol paper", "RAISR+N, here", "constant, here", "not trained", "0.068"):
        assert text in printed
    stored = tmp_path / "out" / "results" / "table3" / "paper_25" / "tiny" / "raisr_n.json"
    result = json.loads(stored.read_text())
    assert result["metadata"]["shave"] == 4
    assert 0 < result["mean"]["circular"] < result["mean"]["linear"] < 0.3
    assert {path.suffix for path in (tmp_path / "out").glob("table3.*")} == {".md", ".tex", ".json"}


def test_stored_results_render_without_computing(tiny, tmp_path, monkeypatch):
    arguments = ["--protocol", "standard", "--sigma", "25", "--output"]
    table3.main([*arguments, str(tmp_path / "one")])
    folder = tmp_path / "one" / "results" / "table3" / "standard_25"
    (folder / "tiny").rename(folder / "sample")
    monkeypatch.setattr(table3, "evaluate", lambda *_, **__: pytest.fail("computes"))
    stored = str(tmp_path / "one" / "results")
    table3.main([*arguments, str(tmp_path / "two"), "--from-results", stored])
    content = json.loads((tmp_path / "two" / "table3.json").read_text())
    mean = json.loads((folder / "sample" / "raisr_n.json").read_text())["mean"]
    assert content[0]["sections"][0]["rows"][0] == [
        "RAISR+N, here",
        f"{mean['linear']:.3f}",
        f"{mean['circular']:.3f}",
    ]


def test_the_paper_s_numbers_stand_under_its_protocol_only():
    standard = table3.build_table(PROTOCOLS["standard"], ["cbsd68"], [25.0], {})
    assert [row[0] for row in standard.sections[0].rows] == [
        "RAISR+N, here",
        "constant, here",
        "PCN, here",
    ]
    paper = table3.build_table(PAPER, ["cbsd68"], [15.0, 30.0], {})
    assert ("PCN, paper", "0.030", "-", "-", "-") in paper.sections[0].rows
