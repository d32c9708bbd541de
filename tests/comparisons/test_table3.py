import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import raisr
from comparisons import study, table3
from comparisons.measure import gradients
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.published import paper_rows
from comparisons.measure.store import ResultKey
from hybrid.networks import build
from hybrid.networks.pcn import PCN
from hybrid.training.config import TrainingConfig
from hybrid.training.data import as_input
from hybrid.weights import save_tensors
from raisr.datasets import load_dataset
from raisr.noise import Sample
from tests.images import scene

PAPER = PROTOCOLS["paper"]
unit = st.floats(0, 1, exclude_max=True)


def maps(orientation, strength=0.0, coherence=0.0):
    return np.array([orientation, strength, coherence]).reshape(3, 1, 1)


@pytest.mark.data
def test_errors_are_near_those_of_the_paper():
    dataset = load_dataset("cbsd68")
    for sigma in (15, 25, 50):
        samples = [PAPER.sample(dataset, image, sigma) for image in list(dataset)[::2]]
        errors = [gradients.noisy_errors(sample, table3.TABLE.shave) for sample in samples]
        printed = paper_rows("table3", sigma)["RAISR+N"].cells["cbsd68"][0]
        assert np.mean([each["linear"] for each in errors]) == pytest.approx(printed, rel=0.08)
    # What is clean is the same at every level.
    found = [gradients.clean_means(sample, table3.TABLE.shave) for sample in samples]
    means = {name: np.mean([each[name] for each in found]) for name in found[0]}
    errors = [gradients.constant_errors(each, table3.TABLE.shave, means) for each in samples]
    assert np.mean([each["linear"] for each in errors]) == pytest.approx(0.046, abs=0.001)


@given(unit, unit)
def test_circular_error_is_the_shorter_way_round(a, b):
    errors = gradients.statistics_errors(maps(a), maps(b))
    way = abs(a - b)
    assert errors["linear"] == pytest.approx(way**2 / 3)
    assert errors["circular"] == pytest.approx(min(way, 1 - way) ** 2 / 3, abs=1e-12)


@given(unit, unit)
def test_strength_and_coherence_count_the_same_both_ways(strength, coherence):
    errors = gradients.statistics_errors(maps(0.3, strength, coherence), maps(0.3))
    wanted = (strength**2 + coherence**2) / 3
    assert errors == {"linear": pytest.approx(wanted), "circular": pytest.approx(wanted)}


def test_noisy_errors_vanish_without_noise():
    plane = np.random.default_rng(0).uniform(16, 235, (30, 40)).astype(np.float32)
    errors = gradients.noisy_errors(Sample(plane, plane, 219, 25, "video_range"), shave=6)
    assert errors == {"linear": 0, "circular": 0, "accuracy": 1}


def test_strength_is_that_of_the_paper_under_its_protocol():
    # A ramp of 2 gray levels a pixel: the paper's strength is the gradient of Y / 255.
    plane = np.tile(np.arange(30, dtype=np.float32) * 2 + 16, (30, 1))
    strength = gradients.statistics(plane, PAPER.data_range, shave=6)[1]
    np.testing.assert_allclose(strength, 2 / 255, rtol=1e-4)


def test_shave_leaves_out_the_border():
    plane = np.random.default_rng(0).uniform(0, 255, (30, 40)).astype(np.float32)
    whole = gradients.statistics(plane, 255, shave=0)
    np.testing.assert_array_equal(gradients.statistics(plane, 255, shave=6), whole[:, 6:24, 6:34])
    with pytest.raises(ValueError, match="shave of 15 pixels leaves nothing of 30 x 40"):
        gradients.statistics(plane, 255, shave=15)


def test_the_constant_is_the_best_one():
    plane = np.random.default_rng(0).uniform(0, 255, (40, 40)).astype(np.float32)
    sample = Sample(plane, plane, 255, 25, "gaussian")
    means = gradients.clean_means(sample, shave=6)
    best = gradients.constant_errors(sample, 6, means)
    assert best["linear"] == pytest.approx(
        float(np.mean(gradients.statistics(plane, 255, 6).var(axis=(1, 2))))
    )
    for name in ("orientation", "strength", "coherence"):
        worse = gradients.constant_errors(sample, 6, {**means, name: means[name] + 0.05})
        assert worse["linear"] > best["linear"]


def test_the_circular_constant_is_the_mean_direction():
    plane = np.tile(np.arange(30, dtype=np.float32), (30, 1))
    sample = Sample(plane, plane, 255, 25, "gaussian")
    means = gradients.clean_means(sample, shave=6)
    direction = math.atan2(means["sine"], means["cosine"]) / (2 * math.pi) % 1
    assert direction == pytest.approx(means["orientation"], abs=1e-6)
    assert gradients.constant_errors(sample, 6, means)["circular"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_accuracy_is_that_of_the_class_maps(protocol):
    sample = protocol.prepare(scene((60, 70), 0), 25.0, seed=1)
    found, right = (
        raisr.hash_image(plane, "csconv", data_range=sample.data_range)[6:-6, 6:-6]
        for plane in (sample.noisy, sample.clean)
    )
    accuracy = gradients.noisy_errors(sample, shave=6)["accuracy"]
    assert accuracy == pytest.approx((found == right).mean(), abs=5e-3)
    assert 0.02 < accuracy < 0.9


def test_accuracy_counts_pixels():
    truth = np.stack([np.array([[0.1, 0.3, 0.6, 0.9]]), np.full((1, 4), 0.1), np.full((1, 4), 0.5)])
    estimate = truth.copy()
    estimate[0, 0, 0] = 0.2  # another orientation
    assert gradients.class_accuracy(estimate, truth) == 0.75
    estimate[2, 0, 3] = 0.9  # another coherence
    assert gradients.class_accuracy(estimate, truth) == 0.5


class Knowing(PCN):
    """A PCN that knows the truth about one image."""

    def __init__(self, maps):
        super().__init__()
        self.maps = torch.tensor(maps).float()

    def forward(self, noisy):
        orientation, strength, coherence = self.maps
        angle = 2 * math.pi * orientation
        return torch.stack([coherence * angle.cos(), coherence * angle.sin(), strength])[None]


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_a_network_that_knows_the_truth_has_no_error(protocol):
    sample = protocol.prepare(scene((60, 70), 0), 25.0, seed=1)
    truth = gradients.statistics(sample.clean, sample.data_range, shave=0)
    errors = gradients.Predictor(Knowing(truth), "knowing", {}).errors(sample, shave=6)
    assert errors["circular"] == pytest.approx(0, abs=1e-6)
    assert errors["accuracy"] == pytest.approx(1, abs=0.02)


def test_a_network_predicts_from_the_noisy_image():
    sample = PAPER.prepare(scene((40, 44), 0), 25.0, seed=1)
    network = build("pcn").eval()
    with torch.no_grad():
        wanted = PCN.statistics(network(as_input(sample.noisy)))
    found = gradients.predicted_statistics(network, sample, shave=4)
    np.testing.assert_allclose(found, torch.cat(wanted)[:, 4:-4, 4:-4], atol=1e-6)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Untrained weights in place of all others; call it with the name of the network."""

    def save(model):
        config = TrainingConfig(name="own", model=model, steps=5, warmup=1)
        header = {**config.to_dict(), "spec": config.network_spec.to_dict(), "total_steps": 7}
        save_tensors(tmp_path / "own", build(model).state_dict(), header)
        for module in (gradients, table3):
            monkeypatch.setattr(module, "find_weights", lambda name: str(tmp_path / "own"))

    return save


def test_a_predictor_tells_its_cost_and_training(weights):
    weights("pcn")
    predictor = gradients.Predictor.load(PAPER, 25.0)
    facts = {"weights": "own", "steps": 7, "batch": "4 crops of 96x96"}
    assert predictor.facts == {"kflops_per_pixel": pytest.approx(2.8), **facts}
    weights("edsr")
    with pytest.raises(ValueError, match="own: wanted the weights of a pcn, got 'edsr'"):
        gradients.Predictor.load(PAPER, 25.0)


@pytest.fixture
def tiny(monkeypatch, tiny_dataset):
    monkeypatch.setattr(study, "load_dataset", lambda name, **_: tiny_dataset)
    for module in (gradients, table3):
        monkeypatch.setattr(module, "find_weights", lambda name: None)
    monkeypatch.setattr(table3, "COMMITTED", tiny_dataset.images[0].path.parent / "none")


def test_a_run_prints_our_rows_and_the_papers(tiny, tmp_path, capsys):
    table3.main(["--sigma", "25", "--shave", "4", "--output", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    for text in ("protocol paper", "RAISR+N, here", "constant, here", "not trained", "0.068"):
        assert text in printed
    stored = tmp_path / "out" / "results" / "table3" / "paper_25" / "tiny" / "raisr_n.json"
    result = json.loads(stored.read_text())
    assert result["metadata"]["shave"] == 4
    denoised = json.loads(stored.with_name("raisr_d.json").read_text())["mean"]
    assert denoised["accuracy"] > result["mean"]["accuracy"]
    assert 0 < result["mean"]["circular"] < result["mean"]["linear"] < 0.3
    assert {path.suffix for path in (tmp_path / "out").glob("table3.*")} == {".md", ".tex", ".json"}


def test_a_run_measures_the_network(tiny, weights, tmp_path, capsys):
    weights("pcn")
    table3.main(["--sigma", "25", "--shave", "4", "--output", str(tmp_path / "out")])
    stored = tmp_path / "out" / "results" / "table3" / "paper_25" / "tiny" / "pcn.json"
    result = json.loads(stored.read_text())
    assert set(result["mean"]) == {"linear", "circular", "accuracy"}
    assert (result["metadata"]["steps"], result["metadata"]["weights"]) == (7, "own")


def test_steps_and_cost_of_the_levels_stand_in_one_cell():
    def result(steps):
        mean = {"linear": 0.03, "circular": 0.02, "accuracy": 0.1234}
        return {"mean": mean, "metadata": {"shave": 6, "steps": steps, "kflops_per_pixel": 2.8}}

    found = {
        ResultKey("table3", "standard", sigma, "bsd68", "pcn"): result(steps)
        for sigma, steps in ((15.0, 2000), (25.0, 3000))
    }
    built = table3.build_table(PROTOCOLS["standard"], ["bsd68"], [15.0, 25.0, 50.0, 60.0], found)
    row = dict(zip(built.columns, built.sections[0].rows[2], strict=True))
    assert row["accuracy 15"] == "12.3%"
    assert (row["accuracy 50"], row["accuracy 60"]) == ("not measured", "not trained")
    assert (row["steps"], row["kFLOPs/pixel"]) == ("2,000 / 3,000", "2.8")


def test_stored_results_render_without_computing(tiny, tmp_path, monkeypatch):
    arguments = ["--protocol", "standard", "--sigma", "25", "--output"]
    table3.main([*arguments, str(tmp_path / "one")])
    folder = tmp_path / "one" / "results" / "table3" / "standard_25"
    (folder / "tiny").rename(folder / "sample")
    for module in (study, table3):
        monkeypatch.setattr(module, "evaluate", lambda *_, **__: pytest.fail("computes"))
    stored = str(tmp_path / "one" / "results")
    table3.main([*arguments, str(tmp_path / "two"), "--from-results", stored])
    content = json.loads((tmp_path / "two" / "table3.json").read_text())
    mean = json.loads((folder / "sample" / "raisr_n.json").read_text())["mean"]
    assert content[0]["sections"][0]["rows"][0] == [
        "RAISR+N, here",
        f"{mean['linear']:.3f}",
        f"{mean['circular']:.3f}",
        f"{mean['accuracy']:.1%}",
        "-",
        "-",
    ]


def test_the_paper_s_numbers_stand_under_its_protocol_only():
    standard = table3.build_table(PROTOCOLS["standard"], ["cbsd68"], [25.0], {})
    assert standard.sections == (), "nothing was measured"
    paper = table3.build_table(PAPER, ["cbsd68"], [15.0, 30.0], {})
    assert ("PCN, paper", "0.030", *["-"] * 6, "2.8") in paper.sections[0].rows
