from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from comparisons.measure.protocol import PROTOCOLS
from hybrid.classes import quantize
from hybrid.networks.edsr import EDSR
from hybrid.networks.pcn import PCN
from hybrid.training.config import TrainingConfig
from hybrid.training.data import Batch, Crops, redraw, true_statistics
from hybrid.training.tasks import task_of
from hybrid.weights import save_tensors
from hybrid.zoo import load_pcn
from raisr import denoise, estimate_sigma, hash_image
from raisr.noise import NOISE_MODELS
from tests.images import scene

CPU = torch.device("cpu")
SAMPLES = [NOISE_MODELS["gaussian"].prepare(scene((24, 31), seed), 25, seed) for seed in range(2)]
CLASS_SPECIFIC = {"features": 4, "blocks": 1, "num_classes": 72}


def config_of(model="edsr", **values):
    return TrainingConfig("name", model, 300, **values)


def batch_of(config):
    task = task_of(config, CPU)
    return Crops(
        [scene((100, 100))],
        NOISE_MODELS[config.noise],
        config.sigmas,
        16,
        2,
        0,
        0,
        config.network_spec,
        task.statistics,
        task.guide,
        class_sigma=config.class_sigma,
    )(0)


@pytest.fixture
def pcn():
    """A network that predicts every orientation."""
    torch.manual_seed(0)
    network = PCN().requires_grad_(False)
    network.exit.bias -= network(torch.rand(1, 1, 32, 32)).mean((0, 2, 3))
    return network


@pytest.fixture
def pcn_file(pcn, tmp_path):
    path = tmp_path / "pcn.safetensors"
    spec = config_of("pcn").network_spec.to_dict()
    save_tensors(path, pcn.state_dict(), {"model": "pcn", "options": {}, "spec": spec})
    return str(path)


class Recorder(nn.Module):
    """Returns the image, and keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.images, self.classes = [], []

    def forward(self, noisy, classes=None):
        self.images.append(noisy)
        self.classes.append(classes)
        return noisy


class Oracle(nn.Module):
    """Predicts the statistics that it was told."""

    def __init__(self, *statistics):
        super().__init__()
        orientation, strength, coherence = (torch.as_tensor(s) for s in statistics)
        angle = 2 * torch.pi * orientation
        self.output = torch.stack([coherence * angle.cos(), coherence * angle.sin(), strength], -3)

    def forward(self, noisy):
        return self.output.expand(noisy.shape[0], -1, -1, -1)


def test_denoising_is_scored_by_l1_and_psnr():
    config = config_of()
    task, batch = task_of(config, CPU), batch_of(config)
    assert (task.guide, task.statistics) == (None, False)
    loss = task.loss(Recorder(), batch)
    wanted = (batch.noisy.double() - batch.clean.double()).abs().mean()
    assert loss.item() == pytest.approx(float(wanted))
    scores = [PROTOCOLS["standard"].score(s.noisy, s.clean)[0] for s in SAMPLES]
    found = task.validate(Recorder(), SAMPLES)
    assert found == {"psnr": pytest.approx(np.mean(scores), abs=1e-4)}


@pytest.mark.parametrize(
    ("model", "values"), [("edsr", {}), ("unet", {"sigma": 75.0, "sigma_min": 0.0, "crop": 16})]
)
def test_the_psnr_of_every_crop_counts_alike_whatever_its_level(model, values):
    task = task_of(config_of(model, loss="psnr", **values), CPU)
    clean = torch.full((2, 1, 16, 16), 0.5)
    noisy = clean + torch.tensor([0.01, 0.1])[:, None, None, None]
    levels = torch.tensor([0.01, 0.1])[:, None, None, None]
    batch = Batch(noisy, clean, levels if values else None, filtered=clean)
    found = task.loss(lambda image, *maps: image, batch)
    assert float(found) == pytest.approx(-(40 + 20) / 2, abs=0.05)


def test_where_levels_are_many_errors_are_measured_after_scaling():
    config = config_of(sigma=75.0, sigma_min=0.0)
    task, batch = task_of(config, CPU), batch_of(config)
    network = Recorder()
    factors = 25 / 255 / batch.levels.double().clamp(min=5 / 255)
    errors = factors * (batch.noisy.double() - batch.clean.double()).abs()
    assert task.loss(network, batch).item() == pytest.approx(float(errors.mean()), rel=1e-5)
    scaled = 0.5 + factors * (batch.noisy.double() - 0.5)
    torch.testing.assert_close(network.images[0].double(), scaled, atol=1e-5, rtol=0)
    task.validate(network, SAMPLES)
    for seen, sample in zip(network.images[1:], SAMPLES, strict=True):
        factor = 25 / estimate_sigma(sample.noisy)
        wanted = 0.5 + factor * (sample.noisy / 255 - 0.5)
        np.testing.assert_allclose(seen[0, 0].numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("guide", ["clean", "noisy", "denoised"])
def test_a_network_is_given_the_hash_of_the_guide(guide):
    config = config_of(options=CLASS_SPECIFIC, classes=guide)
    task, batch = task_of(config, CPU), batch_of(config)
    assert task.guide == guide
    network = Recorder()
    task.loss(network, batch)
    assert network.classes == [batch.classes]
    task.validate(network, SAMPLES)
    for classes, sample in zip(network.classes[1:], SAMPLES, strict=True):
        planes = {
            "clean": sample.clean,
            "noisy": sample.noisy,
            "denoised": denoise(sample.noisy, 25, model="best", data_range=255),
        }
        wanted = hash_image(planes[guide], "csconv", data_range=255)
        np.testing.assert_array_equal(classes[0], wanted)


def test_a_network_is_given_the_classes_of_a_pcn_in_full_precision(pcn, pcn_file):
    config = config_of(options=CLASS_SPECIFIC, classes=pcn_file)
    task, batch = task_of(config, CPU), batch_of(config)
    assert task.guide is None
    network = Recorder()
    with torch.autocast("cpu", torch.bfloat16):
        task.loss(network, batch)
        half = quantize(PCN.statistics(pcn(batch.noisy)), config.network_spec)
    wanted = quantize(PCN.statistics(pcn(batch.noisy)), config.network_spec)
    assert torch.equal(network.classes[0], wanted)
    assert not torch.equal(half, wanted)
    task.validate(network, SAMPLES[:1])
    wanted = quantize(
        PCN.statistics(pcn(torch.from_numpy(SAMPLES[0].noisy / 255)[None, None])),
        config.network_spec,
    )
    assert torch.equal(network.classes[1], wanted)


def test_classes_of_independent_noise(pcn, pcn_file):
    config = config_of(options=CLASS_SPECIFIC, classes=pcn_file, class_sigma=10)
    task, recorder, batch = task_of(config, CPU), Recorder(), batch_of(config)
    task.loss(recorder, batch)
    task.validate(recorder, SAMPLES[:1])
    for classes, seen in zip(recorder.classes, (batch.redrawn, None), strict=True):
        if seen is None:
            seen = torch.from_numpy(redraw(SAMPLES[0], 10) / np.float32(255))[None, None]
        assert torch.equal(classes, quantize(PCN.statistics(pcn(seen)), config.network_spec))


def test_a_pcn_of_other_statistics_is_refused(pcn_file):
    """Strength has another unit under the other noise model; other bins are no matter."""
    config = config_of(options=CLASS_SPECIFIC, classes=pcn_file, noise="video_range")
    with pytest.raises(ValueError, match="statistics of another definition: strength_scale differ"):
        task_of(config, CPU)
    spec = replace(config_of("pcn").network_spec, orientations=16, strength_edges=(0.1,))
    load_pcn(pcn_file, spec)


def test_classes_come_from_a_pcn_only(tmp_path, pcn_file):
    path = tmp_path / "edsr.safetensors"
    save_tensors(
        path, EDSR(4, 1).state_dict(), {"model": "edsr", "options": {"features": 4, "blocks": 1}}
    )
    with pytest.raises(ValueError, match="wanted the weights of a pcn, got 'edsr'"):
        task_of(config_of(options=CLASS_SPECIFIC, classes=str(path)), CPU)
    with pytest.raises(FileNotFoundError, match="no weights 'missing'"):
        task_of(config_of(options=CLASS_SPECIFIC, classes="missing"), CPU)


@pytest.mark.parametrize("noise", NOISE_MODELS)
def test_the_true_statistics_are_without_loss_and_error(noise):
    config = config_of("pcn", noise=noise)
    task, batch = task_of(config, CPU), batch_of(config)
    assert (task.guide, task.statistics) == (None, True)
    assert task.loss(Oracle(*batch.statistics.unbind(1)), batch).item() < 1e-5
    sample = NOISE_MODELS[noise].prepare(scene((24, 31)), 25, 0)
    true = true_statistics(sample, config.network_spec)
    scores = task.validate(Oracle(*true), [sample])
    assert scores["mse_strength"] < 1e-12
    assert scores["mse_coherence"] < 1e-12
    assert scores["class_accuracy"] > 0.99


def test_the_loss_of_orientation_is_circular():
    config = config_of("pcn")
    task, batch = task_of(config, CPU), batch_of(config)
    _, strength, coherence = batch.statistics.unbind(1)
    turned = batch._replace(statistics=torch.stack([0 * strength + 0.999, strength, coherence], 1))
    near, far = (
        task.loss(Oracle(0 * strength + turn, strength, coherence), turned).item()
        for turn in (0.001, 0.5)
    )
    assert near < 0.02 * far
    assert far == pytest.approx(2 * coherence.mean().item(), rel=0.01)


def test_the_scores_of_a_classifier_are_means_over_pixels_and_images():
    config = config_of("pcn")
    true = [true_statistics(sample, config.network_spec) for sample in SAMPLES]
    guess = [torch.full((24, 31), value) for value in (0.25, 0.1, 0.5)]
    scores = task_of(config, CPU).validate(Oracle(*guess), SAMPLES)
    errors = [
        [np.mean((t - value) ** 2) for t, value in zip(each, (0.25, 0.1, 0.5), strict=True)]
        for each in true
    ]
    assert scores["mse"] == pytest.approx(np.mean(errors), rel=1e-4)
    turns = [np.abs(t[0] - 0.25) for t in true]
    circular = np.mean([np.minimum(turn, 1 - turn) ** 2 for turn in turns])
    rest = np.mean(errors, axis=0)[1:].sum()
    assert scores["mse_circular"] == pytest.approx((circular + rest) / 3, rel=1e-4)
    assert scores["mse_strength"] == pytest.approx(np.mean(errors, axis=0)[1], rel=1e-4)
    assert scores["mse_coherence"] == pytest.approx(np.mean(errors, axis=0)[2], rel=1e-4)
    # Orientation bin 2, strength bin 1 and coherence bin 1: class 2 * 9 + 1 * 3 + 1.
    hits = [hash_image(s.clean, "csconv", data_range=255) == 22 for s in SAMPLES]
    assert 0 < scores["class_accuracy"] == pytest.approx(np.mean(hits), abs=0.01)


def test_a_flat_prediction_has_a_gradient():
    config = config_of("pcn")
    output = torch.zeros(2, 3, 16, 16, requires_grad=True)
    task_of(config, CPU).loss(lambda noisy: output, batch_of(config)).backward()
    assert output.grad.isfinite().all()
    assert output.grad[:, 2].any()
