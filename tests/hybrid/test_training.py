import itertools
import math
import os
import signal
import threading
from dataclasses import replace

import pytest
import torch

from hybrid import zoo
from hybrid.behaviour import Behaviour
from hybrid.networks import build
from hybrid.training import loop as training
from hybrid.training.checkpoint import State
from hybrid.training.loop import Interrupted, train
from hybrid.training.tasks import Denoising, task_of
from hybrid.weights import load_tensors, save_tensors
from tests.hybrid.slow_training import slow_training
from tests.hybrid.tiny_runs import CLASS_SPECIFIC, CONFIG, RUNS, log_of, weights_of

pytestmark = pytest.mark.usefixtures("tiny_set", "frequent_log")


@pytest.fixture
def frequent_log(monkeypatch):
    """A line of the log every 10 steps."""
    monkeypatch.setattr(training, "_LOG_EVERY", 10)


@pytest.fixture
def at_step(monkeypatch):
    """Do something to the loss of one call of `Denoising.loss`, counted from 1."""

    def arrange(step, action):
        calls = []
        loss = Denoising.loss

        def wrapped(self, network, batch):
            calls.append(1)
            value = loss(self, network, batch)
            return action(network, value) if len(calls) == step else value

        monkeypatch.setattr(Denoising, "loss", wrapped)

    with monkeypatch.context() as monkeypatch:
        yield arrange


def assert_equal(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


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


@pytest.mark.parametrize(
    ("name", "number"),
    list(zip(RUNS, itertools.cycle([signal.SIGINT, signal.SIGTERM]), strict=False)),
)
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch, name, number):
    config = RUNS[name]
    train(config, tmp_path / "whole")
    task = training.task_of(config, torch.device("cpu")).__class__
    loss, calls = task.loss, []

    def interrupt(self, network, batch):
        calls.append(1)
        if len(calls) in (4, 13, 20):
            os.kill(os.getpid(), number)
        return loss(self, network, batch)

    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(task, "loss", interrupt)
        for step in (4, 13, 20):
            with pytest.raises(Interrupted, match=f"stopped after step {step}"):
                train(config, tmp_path / "parts")
            assert load_tensors(tmp_path / "parts" / "checkpoint.safetensors")[1]["step"] == step
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    # A line that a dying process left half written.
    with (tmp_path / "parts" / "log.jsonl").open("a") as log:
        log.write('{"step": 20, "lo')
    train(config, tmp_path / "parts")
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
    assert_equal(weights_of(tmp_path / "parts"), weights_of(tmp_path / "whole"))


def test_a_killed_run_takes_the_steps_after_its_checkpoint_again(tmp_path, at_step):
    train(CONFIG, tmp_path / "whole")

    def die(network, loss):
        raise SystemExit

    at_step(25, die)
    # Checkpoints after every step, but for the last ones before the end.
    saved = training._Run._save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._Run, "_save", lambda run: run.state.step > 17 or saved(run))
        with pytest.raises(SystemExit):
            train(replace(CONFIG, checkpoint_seconds=0), tmp_path / "parts")
    assert log_of(tmp_path / "parts")[-1]["step"] == 21
    train(CONFIG, tmp_path / "parts")
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
    assert_equal(weights_of(tmp_path / "parts"), weights_of(tmp_path / "whole"))


def test_the_precision_that_was_used_is_told_and_kept_to(tmp_path, monkeypatch):
    config = replace(CONFIG, precision="auto")
    monkeypatch.setattr(training, "in_bfloat16", lambda precision, device: True)
    header = load_tensors(train(config, tmp_path))[1]
    assert (header["precision"], header["precision_used"]) == ("auto", "bfloat16")
    assert (header["device"], header["device_name"]) == ("cpu", "cpu")
    monkeypatch.setattr(training, "in_bfloat16", lambda precision, device: False)
    with pytest.raises(ValueError, match="belongs to another run: precision_used differ"):
        train(config, tmp_path)


def test_weights_tell_the_code_that_took_the_last_step(tmp_path, monkeypatch, at_step):
    def told(commit):
        monkeypatch.setattr(training, "git_commit", lambda: commit)
        return load_tensors(train(CONFIG, tmp_path))[1]["git_commit"]

    def interrupt(network, value):
        os.kill(os.getpid(), signal.SIGINT)
        return value

    at_step(7, interrupt)
    with pytest.raises(Interrupted):
        told("a" * 40)
    assert told("b" * 40) == "b" * 40
    assert told("c" * 40) == "b" * 40  # no step was left to take


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


def test_the_time_of_all_parts_is_counted(tmp_path, at_step):
    at_step(9, lambda network, loss: (os.kill(os.getpid(), signal.SIGINT), loss)[1])
    with pytest.raises(Interrupted):
        train(CONFIG, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    tensors, header = load_tensors(path)
    save_tensors(path, tensors, {**header, "seconds": 1000.0})
    train(CONFIG, tmp_path)
    assert load_tensors(tmp_path / "weights.safetensors")[1]["seconds"] >= 1000
    assert log_of(tmp_path)[-1]["step"] == 30


def test_a_finished_run_has_nothing_to_do(tmp_path, monkeypatch):
    train(CONFIG, tmp_path)
    log, weights = log_of(tmp_path), weights_of(tmp_path)
    monkeypatch.setattr(Denoising, "loss", None)
    train(CONFIG, tmp_path)
    assert log_of(tmp_path) == log
    assert_equal(weights_of(tmp_path), weights)


def test_an_old_log_without_checkpoint_is_forgotten(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 5, "seconds": 1.0}\n')
    train(CONFIG, tmp_path)
    assert log_of(tmp_path)[0]["step"] == 7


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


def test_a_damaged_checkpoint_is_told_and_kept(tmp_path):
    train(CONFIG, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    whole = path.read_bytes()
    poisoned = load_tensors(path)
    poisoned[0]["network.exit.bias"][:] = math.nan
    save_tensors(tmp_path / "poisoned.safetensors", *poisoned)
    for content, message in [
        (whole[:-1], "is not a readable file of weights"),
        (b"", "is not a readable file of weights"),
        ((tmp_path / "weights.safetensors").read_bytes(), "is no checkpoint: it lacks loss_sum"),
        ((tmp_path / "poisoned.safetensors").read_bytes(), "network.exit.bias holds NaN"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{path} .*{message}"):
            train(CONFIG, tmp_path)
        assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"seed": 1}, "seed"),
        ({"learning_rate": 2e-3, "steps": 40}, "steps, learning_rate"),
        ({"options": {"features": 4, "blocks": 2}}, "options"),
        ({"images": ("bsd400", "div2k")}, "images"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path, changes, keys):
    train(CONFIG, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"^{path}: it belongs to another run: {keys} differ; "):
        train(replace(CONFIG, **changes), tmp_path)
    assert path.read_bytes() == before


def test_a_checkpoint_of_another_number_of_processes_is_refused(tmp_path):
    train(CONFIG, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    tensors, header = load_tensors(path)
    save_tensors(path, tensors, {**header, "processes": 2})
    with pytest.raises(ValueError, match="belongs to another run: processes differ"):
        train(CONFIG, tmp_path)


def test_a_checkpoint_that_tells_no_processes_is_of_one(tmp_path):
    train(CONFIG, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    tensors, header = load_tensors(path)
    del header["processes"]
    save_tensors(path, tensors, header)
    state = State(build(CONFIG.model, **CONFIG.options))
    with pytest.raises(ValueError, match="belongs to another run: processes differ"):
        state.load(path, CONFIG, {"processes": 2, "classes_sha256": None})


def test_a_checkpoint_may_lack_what_was_added_since_and_other_times(tmp_path):
    train(CONFIG, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    tensors, header = load_tensors(path)
    del header["processes"], header["classes_sha256"], header["run"]["schedule"]
    save_tensors(path, tensors, header)
    train(replace(CONFIG, checkpoint_seconds=5), tmp_path)


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


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, at_step):
    train(CONFIG, tmp_path / "whole")
    folder = tmp_path / "parts"
    path = folder / "checkpoint.safetensors"

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:

        def fill(network, loss):
            patch.setattr("os.fsync", full)
            return loss

        at_step(12, fill)
        with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
            train(replace(CONFIG, checkpoint_seconds=0), folder)
    assert load_tensors(path)[1]["step"] == 11
    train(CONFIG, folder)
    assert log_of(folder) == log_of(tmp_path / "whole")
    assert_equal(weights_of(folder), weights_of(tmp_path / "whole"))


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
