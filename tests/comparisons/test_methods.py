import subprocess
import sys

import numpy as np
import pytest

from comparisons.learn_banks import ROWS, TrainingPairs, learn_bank, main
from comparisons.measure import filters, networks
from comparisons.measure.classical import CLASSICAL
from comparisons.measure.filters import bank_path
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS
from hybrid import zoo
from hybrid.behaviour import Behaviour
from hybrid.denoiser import NetworkDenoiser
from hybrid.networks import build
from raisr.datasets import load_dataset


@pytest.fixture
def banks(monkeypatch, tmp_path):
    monkeypatch.setattr(filters, "BANKS", tmp_path / "banks")
    return tmp_path / "banks"


@pytest.fixture
def learned(banks, tiny_dataset, monkeypatch):
    """Banks of every row, learned from the two small images."""
    monkeypatch.setattr("comparisons.learn_banks.load_dataset", lambda *_, **__: tiny_dataset)
    main(["--protocol", "standard,paper", "--sigma", "25"])
    return banks


NETWORKS = [name for name, method in METHODS.items() if method.family == "network"]


@pytest.mark.parametrize("name", ["hybrid", "hybrid_told"])
def test_the_default_network_is_for_every_level(name):
    row = METHODS[name]
    assert [row.build(PROTOCOLS["standard"], sigma).facts["weights"] for sigma in (15.0, 33.0)] == [
        "unet_base"
    ] * 2
    assert not row.defined("paper", 25.0)
    assert not row.defined("standard", 80.0)


@pytest.mark.parametrize("name", [name for name in NETWORKS if not name.startswith("hybrid")])
def test_a_network_without_weights_is_not_trained(name, monkeypatch, tmp_path):
    monkeypatch.delenv("RAISR_PEERS", raising=False)
    monkeypatch.setattr(networks, "RUNS", tmp_path)
    monkeypatch.setattr(zoo, "list_weights", list)
    assert METHODS[name].build(PROTOCOLS["standard"], 33.0) is None


class Listening(NetworkDenoiser):
    """Keeps what it is asked for."""

    def denoise(self, image, sigma=None, *, ensemble, **options):
        self.asked = {"sigma": sigma, "ensemble": ensemble}
        return image


FACTS = {"name": "x", "steps": 5, "batch": 4, "crop": 96}


def test_the_default_network_is_told_the_level_or_not():
    network = Listening(build("edsr", features=4, blocks=1), Behaviour(), FACTS)
    sample = PROTOCOLS["standard"].prepare(np.full((30, 40), 128, np.uint8), 20.0, seed=5)
    for told, sigma in ((True, 20.0), (False, None)):
        networks.network_denoiser(network, told=told).run(sample)
        assert network.asked["sigma"] == sigma
    fingerprints = {networks.network_denoiser(network, told=t).fingerprint for t in (True, False)}
    assert len(fingerprints) == 2


def test_an_ensemble_is_asked_for_and_costs_as_many_times():
    network = Listening(build("edsr", features=4, blocks=1), Behaviour(), FACTS)
    alone, eight = (networks.network_denoiser(network, ensemble=size) for size in (1, 8))
    eight.run(PROTOCOLS["standard"].prepare(np.full((30, 40), 128, np.uint8), 20.0, seed=5))
    assert network.asked["ensemble"] == 8
    assert eight.kflops == 8 * alone.kflops
    assert eight.fingerprint != alone.fingerprint


@pytest.mark.parametrize("row", CLASSICAL)
def test_a_classical_peer_that_is_not_installed_is_told(row, monkeypatch):
    method = METHODS[row]
    monkeypatch.setattr("comparisons.measure.classical.find_spec", lambda name: None)
    monkeypatch.setattr("comparisons.measure.denoisers.find_spec", lambda name: None)
    assert method.build(PROTOCOLS["standard"], 25.0) is None
    assert method.find(PROTOCOLS["standard"], 25.0) == "not installed"


def test_the_registry_loads_no_library_of_a_peer():
    code = "import sys, comparisons.measure.methods; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    roots = {name.partition(".")[0] for name in loaded.split()}
    assert not roots & {"bm3d", "cv2", "skimage", "torch"}


def test_labels_are_unique():
    labels = [method.label for method in METHODS.values()]
    assert len(set(labels)) == len(labels)
    assert {method.plain for method in METHODS.values()} <= {"", *METHODS}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_without_a_bank_is_not_trained(banks, row):
    assert METHODS[row].build(PROTOCOLS["standard"], 25.0) is None


def test_the_noisy_row_is_the_input(tiny_dataset):
    sample = PROTOCOLS["standard"].prepare(tiny_dataset.images[0].read(), 25, 0)
    denoiser = METHODS["noisy"].build(PROTOCOLS["standard"], 25.0)
    assert denoiser.run(sample) is sample.noisy
    assert denoiser.as_is


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_learned_rows_denoise(learned, tiny_dataset, protocol):
    sample = protocol.prepare(tiny_dataset.images[0].read(), 25.0, seed=5)
    noisy, _ = protocol.score(sample.noisy, sample.clean, as_is=True)
    for row in ROWS:
        denoiser = METHODS[row].build(protocol, 25.0)
        output = denoiser.run(sample)
        assert output.shape == sample.noisy.shape
        assert protocol.score(output, sample.clean)[0] > noisy + 3
        assert denoiser.kflops == pytest.approx(0.098)


def test_a_changed_bank_has_another_fingerprint(learned):
    path = bank_path(PROTOCOLS["standard"], 25.0, "raisr_n")
    assert path.name == "standard_25_raisr_n.safetensors"
    before = METHODS["raisr_n"].build(PROTOCOLS["standard"], 25.0).fingerprint
    path.write_bytes(bank_path(PROTOCOLS["paper"], 25.0, "raisr_n").read_bytes())
    assert METHODS["raisr_n"].build(PROTOCOLS["standard"], 25.0).fingerprint != before


def test_only_the_oracle_sees_the_clean_image(learned, tiny_dataset):
    from dataclasses import replace

    sample = PROTOCOLS["standard"].prepare(tiny_dataset.images[0].read(), 25.0, seed=5)
    other = replace(sample, clean=np.zeros_like(sample.clean))
    same = {
        row: np.array_equal(denoiser.run(sample), denoiser.run(other))
        for row in ROWS
        if (denoiser := METHODS[row].build(PROTOCOLS["standard"], 25.0))
    }
    assert same == {"raisr_n": True, "raisr_c": False}


def test_banks_say_how_they_were_learned(tiny_dataset):
    bank = learn_bank(tiny_dataset, PROTOCOLS["paper"], 25.0, "raisr_c")
    facts = bank.info()["metadata"]
    assert (facts["row"], facts["protocol"], facts["sigma"]) == ("raisr_c", "paper", 25.0)
    assert (facts["training_set"], facts["training_images"]) == ("tiny", 2)
    assert "non-commercial" in facts["terms"]
    assert bank.stages[0].spec.shape == (8, 3, 3)
    assert bank.stages[0].size == 7


def test_training_pairs_are_the_same_in_every_pass(tiny_dataset):
    pairs = TrainingPairs(tiny_dataset, PROTOCOLS["standard"], 25.0, oracle=True)
    assert len(pairs) == 2
    for first, again in zip(pairs, pairs, strict=True):
        assert len(first) == 3
        assert first[2] is first[1]
        np.testing.assert_array_equal(first[0], again[0])


@pytest.mark.parametrize("row", ["raisr_fast", "raisr_best"])
@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_shipped_models_denoise(row, protocol):
    image = load_dataset("sample").images[0].read()[:160, :160]
    sample = protocol.prepare(image, 25.0, seed=5)
    noisy, _ = protocol.score(sample.noisy, sample.clean, as_is=True)
    denoiser = METHODS[row].build(protocol, 25.0)
    assert protocol.score(denoiser.run(sample), sample.clean)[0] > noisy + 6
    assert denoiser.kflops > 0


def test_beyond_the_ladder_the_models_are_not_trained():
    assert METHODS["raisr_fast"].build(PROTOCOLS["standard"], 75.0)
    assert METHODS["raisr_fast"].build(PROTOCOLS["standard"], 76.0) is None
    assert METHODS["raisr_fast"].build(PROTOCOLS["paper"], 65.0) is None  # 75.7 of 255


class Telling(NetworkDenoiser):
    """Returns what would be classified."""

    def denoise(self, image, sigma=None, *, guide, **options):
        return image if guide is None else guide


def classified(sample, **known):
    network = build("edsr", features=4, blocks=1)
    return networks.network_denoiser(Telling(network, Behaviour(**known), FACTS)).run(sample)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_only_the_leak_sees_another_draw_of_the_noise(protocol):
    sample = protocol.prepare(np.full((100, 120), 128, np.uint8), 50.0, seed=5)
    assert classified(sample, classes="a_pcn") is sample.noisy
    assert classified(sample, classes="a_pcn", class_sigma=None) is sample.noisy
    assert classified(sample, classes="clean") is sample.clean
    drawn = classified(sample, classes="a_pcn", class_sigma=25)
    np.testing.assert_array_equal(drawn, classified(sample, classes="a_pcn", class_sigma=25))
    noise, other = drawn - sample.clean, sample.noisy - sample.clean
    assert noise.std() == pytest.approx(25, rel=0.02)
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.03


def test_weights_that_are_not_shipped_come_from_their_run(monkeypatch, tmp_path):
    shipped = zoo.list_weights()[0].name
    monkeypatch.setattr(networks, "RUNS", tmp_path)
    for name in ("own", shipped):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.safetensors").touch()
    assert networks.find_weights("own") == str(tmp_path / "own" / "weights.safetensors")
    assert networks.find_weights(shipped) == shipped
    assert networks.find_weights("none") is None
