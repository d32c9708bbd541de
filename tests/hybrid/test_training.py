import math
import threading
from dataclasses import replace

import pytest
import torch

from hybrid import zoo
from hybrid.behaviour import Behaviour
from hybrid.training import loop as training
from hybrid.training.loop import train
from hybrid.training.tasks import task_of
from hybrid.weights import load_tensors
from tests.hybrid.slow_training import slow_training
from tests.hybrid.tiny_runs import CLASS_SPECIFIC, CONFIG, RUNS, log_of, weights_of

pytestmark = pytest.mark.usefixtures("tiny_set", "frequent_log")


@pytest.mark.parametrize("ema", [0.0, 0.5, 0.999])
def test_training_is_adam_on_the_crops(tmp_path, ema):
    config = replace(CONFIG, ema=ema, validate_every=1)
    path = train(config, tmp_path)
    losses, average = slow_training(config)
    assert [line["loss"] for line in log_of(tmp_path)] == pytest.approx(losses, rel=1e-4)
    weights = load_tensors(path)[0]
    for name, wanted in average.items():
        torch.testing.assert_close(weights[name], wanted, rtol=1e-3, atol=1e-5)


def test_training_goes_on_after_a_wild_gradient(tmp_path, at_step):
    config = replace(CONFIG, steps=150, learning_rate=5e-3)
    at_step(20, lambda _, loss: 1e6 * loss)
    train(config, tmp_path)
    log = log_of(tmp_path)
    assert log[-1]["psnr"] > log[0]["psnr"] + 2


def test_the_log_has_mean_losses_rates_and_scores(tmp_path):
    train(replace(CONFIG, validate_every=1), tmp_path / "every")
    every = log_of(tmp_path / "every")
    assert [line["step"] for line in every] == list(range(1, 31))
    train(CONFIG, tmp_path / "some")
    some = log_of(tmp_path / "some")
    assert [line["step"] for line in some] == [7, 10, 14, 20, 21, 28, 30]
    before = 0
    for line in some:
        losses = [entry["loss"] for entry in every[before : line["step"]]]
        assert line["loss"] == pytest.approx(sum(losses) / len(losses))
        assert line["rate"] == CONFIG.learning_rate * CONFIG.rate(line["step"] - 1)
        assert line.get("psnr") == (
            every[line["step"] - 1]["psnr"] if line["step"] in (7, 14, 21, 28, 30) else None
        )
        before = line["step"]


def test_training_denoises(tmp_path):
    train(replace(CONFIG, steps=150, learning_rate=5e-3), tmp_path)
    log = log_of(tmp_path)
    assert log[-1]["psnr"] > log[0]["psnr"] + 2
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]


def test_a_run_ends_when_its_time_is_over(tmp_path):
    config = replace(CONFIG, steps=10**6, time_limit=1.0, warmup=2)
    header = load_tensors(train(config, tmp_path))[1]
    log = log_of(tmp_path)
    assert 0 < log[-1]["step"] < 10**5
    assert log[-1]["rate"] < 1e-3 * config.learning_rate
    assert header["steps"] == header["total_steps"] == log[-1]["step"]
    assert header["scores"] == {"psnr": log[-1]["psnr"]}
    train(config, tmp_path)
    assert log_of(tmp_path) == log


def test_weights_say_where_they_come_from(tmp_path):
    tensors, header = load_tensors(train(CONFIG, tmp_path))
    assert {**header, **CONFIG.to_dict(), "spec": header["spec"]} == header
    assert header["spec"] == CONFIG.network_spec.to_dict()
    assert header["parameters"] == sum(value.numel() for value in tensors.values())
    assert header["training_images"] == 3
    assert header["scores"] == {"psnr": log_of(tmp_path)[-1]["psnr"]}
    assert header["processes"] == 1
    assert {"git_commit", "torch", "cpu", "seconds"} <= header.keys()


def test_the_commit_is_that_of_the_code_that_ran(tmp_path, monkeypatch, at_step):
    def edit(network, loss):
        monkeypatch.setattr(training, "git_commit", lambda: "later")
        return loss

    monkeypatch.setattr(training, "git_commit", lambda: "earlier")
    at_step(5, edit)
    assert load_tensors(train(CONFIG, tmp_path))[1]["git_commit"] == "earlier"


def test_the_precision_that_was_used_is_told_and_kept_to(tmp_path, monkeypatch):
    config = replace(CONFIG, precision="auto")
    monkeypatch.setattr(training, "in_bfloat16", lambda precision, device: True)
    header = load_tensors(train(config, tmp_path))[1]
    assert (header["precision"], header["precision_used"]) == ("auto", "bfloat16")
    assert (header["device"], header["device_name"]) == ("cpu", "cpu")
    monkeypatch.setattr(training, "in_bfloat16", lambda precision, device: False)
    with pytest.raises(ValueError, match="belongs to another run: precision_used differ"):
        train(config, tmp_path)


def test_white_is_told(tmp_path):
    for noise, white in (("gaussian", 1.0), ("video_range", 219 / 255)):
        config = replace(CONFIG, noise=noise, steps=6, warmup=2)
        path = train(config, tmp_path / noise)
        assert Behaviour.of(load_tensors(path)[1]).white == white


def test_statistics_of_normalisation_are_those_of_the_averaged_weights(tmp_path):
    config = replace(RUNS["dncnn"], steps=40)
    network, _ = zoo.load_network(str(train(config, tmp_path)))
    task = task_of(config, torch.device("cpu"))
    batch_of, *_ = task.load(0)
    seen = []
    norm = next(m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    norm.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        for step in range(64):
            task.loss(network, batch_of(step))
    means = torch.stack([values.mean((0, 2, 3)) for values in seen]).mean(0)
    torch.testing.assert_close(norm.running_mean, means, rtol=1e-3, atol=1e-5)


def test_training_in_another_thread_works(tmp_path):
    thread = threading.Thread(target=train, args=(CONFIG, tmp_path))
    thread.start()
    thread.join()
    assert weights_of(tmp_path)


def test_the_random_numbers_of_the_caller_stay_as_they_are(tmp_path):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    train(replace(CONFIG, steps=6, warmup=2), tmp_path)
    assert torch.equal(torch.rand(3), wanted)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, at_step):
    at_step(12, lambda network, loss: loss * math.nan)
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(
        FloatingPointError,
        match=f"the loss of step 12 is nan; the last good checkpoint is {path}, step 11$",
    ):
        train(replace(CONFIG, checkpoint_seconds=0), tmp_path)
    assert load_tensors(path)[1]["step"] == 11


def test_a_rate_that_is_too_high_stops_the_run(tmp_path):
    with pytest.raises(
        FloatingPointError, match=r"loss of step \d+ is (nan|inf); there is no checkpoint yet"
    ):
        train(replace(CONFIG, learning_rate=1e30), tmp_path)
    assert not (tmp_path / "weights.safetensors").exists()


def test_weights_that_are_not_finite_are_not_saved(tmp_path, at_step):
    def poison(network, loss):
        """A finite loss without a gradient."""
        return loss + (0 * next(network.parameters())).sum().sqrt()

    at_step(12, poison)
    with pytest.raises(
        FloatingPointError, match="weights after step 12 are not finite; .*, step 11$"
    ):
        train(replace(CONFIG, checkpoint_seconds=0), tmp_path)
    assert load_tensors(tmp_path / "checkpoint.safetensors")[1]["step"] == 11


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        train(CONFIG, tmp_path / "file" / "run")


def test_a_shared_part_is_learned_and_exported_as_plain_filters(tmp_path):
    plain, _ = load_tensors(train(CLASS_SPECIFIC, tmp_path / "plain"))
    shared, header = load_tensors(train(replace(CLASS_SPECIFIC, shared=True), tmp_path / "shared"))
    assert plain.keys() == shared.keys()
    name = "blocks.0.conv2.weight"
    assert not torch.equal(plain[name], shared[name])
    assert header["parameters"] == sum(value.numel() for value in shared.values())
