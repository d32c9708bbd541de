"""The shipped weights, each against its golden output; and publishing new ones."""

import hashlib
import math

import numpy as np
import pytest
import torch

from comparisons import publish as publishing
from comparisons.measure.methods import METHODS
from comparisons.measure.networks import training_facts
from comparisons.measure.protocol import PROTOCOLS
from comparisons.training_runs import CONFIGS
from hybrid import zoo
from hybrid.classifiers import DenoisedClassifier, HashClassifier, PCNClassifier
from hybrid.networks import build
from hybrid.training.config import TrainingConfig
from hybrid.training.loop import train
from hybrid.training.tasks import task_of
from hybrid.weights import load_tensors, save_tensors
from raisr import HashSpec

every_entry = pytest.mark.parametrize("entry", zoo.list_weights(), ids=lambda entry: entry.name)


@every_entry
def test_the_golden_output(entry):
    network, header = zoo.load_network(entry.name)
    tensors, _ = load_tensors(publishing.GOLDEN / entry.path.name)
    wanted = tensors.pop("output")
    with torch.inference_mode():
        given = [tensors[name] for name in ("noisy", *network.inputs)]
        torch.testing.assert_close(network(*given), wanted, atol=1e-4, rtol=1e-4)
    assert header["model"] == entry.provenance["model"]


@every_entry
def test_an_entry_says_where_it_comes_from(entry):
    facts = entry.provenance
    assert (
        TrainingConfig.from_dict(
            {key: facts[key] for key in TrainingConfig.__dataclass_fields__ if key in facts}
            | {"spec": "csconv"}
        ).network_spec.to_dict()
        == facts["spec"]
    )
    assert facts["steps"] > 0
    assert facts["seconds"] > 0
    assert len(facts["git_commit"]) == 40  # from a clean tree
    assert "BSDS500" in entry.licence
    for metrics in entry.metrics.values():
        assert 20 < metrics["psnr"] < 40


@every_entry
def test_an_entry_is_what_its_run_file_describes(entry):
    run = entry.provenance["name"]  # of weights that went on: another one than theirs
    described = TrainingConfig.read(CONFIGS / f"{run}.toml").to_dict()
    fields = described.keys() & entry.provenance.keys() - {"spec"}
    assert {"steps", "init", "sigma"} < fields
    assert {key: entry.provenance[key] for key in fields} == {key: described[key] for key in fields}


@every_entry
def test_files_are_small(entry):
    assert entry.path.stat().st_size < 10e6


def test_a_damaged_file_is_found(shelf):
    entry = publish(shelf, "plain")
    entry.path.write_bytes(entry.path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="is damaged: its SHA-256 is"):
        zoo.load("plain")


def test_unknown_weights(shelf):
    publish(shelf, "plain")
    with pytest.raises(FileNotFoundError, match="no weights 'nothing'; the package holds plain"):
        zoo.load("nothing")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty registry, and a folder of runs."""
    monkeypatch.setattr(zoo, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(zoo, "REGISTRY", tmp_path / "weights" / "registry.json")
    monkeypatch.setattr(publishing, "GOLDEN", tmp_path / "golden")
    return tmp_path


def publish(shelf, name, model="edsr", classes=None, init=None, seed=0, **options):
    """Publish an untrained network as if a run had made it."""
    if model == "edsr":
        options = {"features": 4, "blocks": 1, **options}
    if classes:
        options["num_classes"] = 72
    config = TrainingConfig(
        name=name, model=model, steps=5, warmup=1, options=options, classes=classes, init=init
    )
    torch.manual_seed(seed)
    header = {**config.to_dict(), "spec": config.network_spec.to_dict()}
    save_tensors(shelf / "run", build(model, **options).state_dict(), header)
    return publishing.publish(shelf / "run", name, [], shelf / "cache")


def test_a_list_of_weights_reads_well():
    lines = [repr(entry) for entry in zoo.list_weights()]
    assert max(map(len, lines)) < 200
    assert any("edsr16_standard_25" in line and "60,000 steps" in line for line in lines)


def test_a_checkpoint_holds_no_network(shelf):
    publish(shelf, "plain")
    path = shelf / "golden" / "plain.safetensors"
    for refuse in (zoo.load, zoo.load_network, lambda name: publishing.main([name])):
        with pytest.raises(ValueError, match=f"{path} is no file of weights"):
            refuse(str(path))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"model": ["edsr"], "options": {}}, "no such network"),
        ({"model": "edsr", "options": [4]}, "no such network"),
        (
            {"model": "edsr", "options": {"features": 4, "blocks": 1, "num_classes": 72}},
            "its header does not tell classes",
        ),
    ],
)
def test_a_foreign_header_is_refused(tmp_path, header, message):
    options = {"features": 4, "blocks": 1, "num_classes": 72}
    save_tensors(tmp_path / "foreign", build("edsr", **options).state_dict(), header)
    with pytest.raises(ValueError, match=message):
        zoo.load(str(tmp_path / "foreign"))


@pytest.mark.parametrize("name", ["edsr16_standard_25", "cs_edsr16_pcn_standard_25", "unet_small"])
def test_an_unknown_precision_is_refused(name):
    with pytest.raises(ValueError, match="precision must be one of auto, float32, bfloat16, got"):
        zoo.load(name, precision="half")


def test_weights_that_lack_a_block_are_refused(tmp_path):
    path = tmp_path / "shallow.safetensors"
    tensors = build("edsr", features=4, blocks=1).state_dict()
    options = {"features": 4, "blocks": 2}
    save_tensors(path, tensors, {"model": "edsr", "options": options})
    with pytest.raises(ValueError, match="blocks.1.activation.weight"):
        zoo.load_network(str(path))


def test_an_interrupted_publication_changes_nothing(shelf, monkeypatch):
    before = publish(shelf, "plain")
    content = before.path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "_metrics", interrupt)
    with pytest.raises(KeyboardInterrupt):
        publish(shelf, "plain", blocks=2)
    assert zoo.list_weights() == [before]
    assert before.path.read_bytes() == content


def test_published_weights_are_found_and_loaded(shelf):
    entry = publish(shelf, "plain")
    assert [found.name for found in zoo.list_weights()] == ["plain"]
    assert zoo.list_weights()[0] == entry
    assert entry.sha256 == hashlib.sha256(entry.path.read_bytes()).hexdigest()
    denoiser = zoo.load("plain")
    assert denoiser.denoise(np.full((9, 9), 0.5)).shape == (9, 9)
    assert not any(parameter.requires_grad for parameter in denoiser.parameters())
    golden, _ = load_tensors(shelf / "golden" / "plain.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(denoiser.network(golden["noisy"]), golden["output"])


def test_half_precision_keeps_the_weights(shelf):
    entry = publish(shelf, "plain")
    tensors, _ = load_tensors(entry.path)
    original, _ = load_tensors(shelf / "run")
    for name, tensor in tensors.items():
        assert tensor.dtype == torch.float16
        torch.testing.assert_close(tensor.float(), original[name], rtol=1e-3, atol=1e-6)


def test_an_entry_is_replaced_and_others_stay(shelf):
    publish(shelf, "first")
    publish(shelf, "second")
    publish(shelf, "first", blocks=2)
    assert [entry.name for entry in zoo.list_weights()] == ["first", "second"]
    assert len(zoo.load("first").network.blocks) == 2


@pytest.mark.parametrize("source", ["clean", "noisy", "denoised", "tiny_pcn"])
def test_a_class_specific_network_finds_its_classifier(shelf, source):
    publish(shelf, "tiny_pcn", model="pcn")
    publish(shelf, "classes", classes=source)
    denoiser = zoo.load("classes")
    kinds = {"tiny_pcn": PCNClassifier, "denoised": DenoisedClassifier}
    assert type(denoiser.classifier) is kinds.get(source, HashClassifier)
    assert denoiser.classifier.spec.num_classes == 72
    if source == "denoised":
        assert denoiser.classifier.sigma == 25 / 255
        assert denoiser.classifier.white == 1


def test_a_network_for_every_level(tiny_set, shelf):
    config = TrainingConfig(
        "every_level",
        "edsr",
        steps=4,
        warmup=1,
        options={"features": 4, "blocks": 1, "num_classes": 72},
        classes="noisy",
        sigma=75,
        sigma_min=0,
        eight_bit=0.5,
        held_back=2,
        crop=16,
    )
    weights = train(config, shelf / "run")
    entry = publishing.publish(weights, "every_level", [tiny_set], shelf / "cache")
    assert list(entry.metrics) == [f"tiny, sigma {sigma}" for sigma in (15, 25, 50)]
    denoiser = zoo.load("every_level")
    image = np.random.default_rng(0).integers(0, 256, (20, 24)).astype(np.uint8)
    for sigma in (None, 0, 3, 75):
        assert denoiser.denoise(image, sigma).shape == image.shape
    with pytest.raises(ValueError, match="trained for sigma 0 to 75, got 120"):
        denoiser.denoise(image, 120)
    protocol = PROTOCOLS["standard"]
    scores = [
        protocol.score(denoiser.denoise(sample.noisy, data_range=255), sample.clean)[0]
        for sample in task_of(config, torch.device("cpu")).load(0)[1]
    ]
    validated = entry.provenance["scores"]["psnr"]
    assert np.mean(scores) == pytest.approx(validated, abs=1e-3)


def test_the_classifier_is_published_first(shelf):
    with pytest.raises(ValueError, match="the PCN 'other' must be published first"):
        publish(shelf, "classes", classes="other")
    assert zoo.list_weights() == []


def test_a_classifier_is_no_denoiser(shelf):
    publish(shelf, "plain")
    with pytest.raises(ValueError, match="wanted the weights of a pcn, got 'edsr'"):
        zoo.load_pcn("plain", HashSpec.preset("csconv"))


def test_a_row_is_measured_again_when_its_classifier_changes(shelf):
    publish(shelf, "tiny_pcn", model="pcn")
    publish(shelf, "cs_edsr16_pcn_standard_25", classes="tiny_pcn")
    row = METHODS["cs_edsr"]
    before = row.build(PROTOCOLS["standard"], 25.0).fingerprint
    assert row.build(PROTOCOLS["standard"], 25.0).fingerprint == before
    publish(shelf, "tiny_pcn", model="pcn", seed=1)
    assert row.build(PROTOCOLS["standard"], 25.0).fingerprint != before


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=list(PROTOCOLS))
def test_a_row_of_the_tables(shelf, protocol):
    assert METHODS["edsr16"].build(protocol, 25.0) is None
    publish(shelf, f"edsr16_{protocol.name}_25")
    publish(shelf, f"cs_edsr16_pcn_{protocol.name}_25", classes="clean")
    plain, oracle = (METHODS[row].build(protocol, 25.0) for row in ("edsr16", "cs_edsr"))
    image = np.random.default_rng(0).integers(0, 256, (32, 40)).astype(np.uint8)
    sample = protocol.prepare(image, 25.0, seed=1)
    for method in (plain, oracle):
        assert math.isfinite(protocol.score(method.run(sample), sample.clean)[0])
        assert method.kflops == pytest.approx(2 * 9 * (4 + 2 * 16 + 4) / 1000)
    assert plain.fingerprint != oracle.fingerprint
    assert plain.facts["batch"] == "4 crops of 96x96"


def test_a_row_tells_its_weights_and_all_its_steps(shelf):
    publish(shelf, "edsr16_standard_25")
    row = METHODS["edsr16"].build(PROTOCOLS["standard"], 25.0)
    assert row.facts["weights"] == "edsr16_standard_25"
    assert row.facts["steps"] == 5
    provenance = zoo.list_weights()[0].provenance
    assert training_facts(provenance | {"total_steps": 12})["steps"] == 12
