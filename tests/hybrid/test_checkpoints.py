"""Runs of training that were stopped go on, and checkpoints that do not fit are refused."""

import itertools
import math
import os
import signal
from dataclasses import replace

import pytest
import torch

from hybrid.networks import build
from hybrid.training import loop as training
from hybrid.training.checkpoint import State
from hybrid.training.loop import Interrupted, train
from hybrid.training.tasks import Denoising
from hybrid.weights import load_tensors, save_tensors
from tests.hybrid.tiny_runs import CONFIG, RUNS, log_of, weights_of

pytestmark = pytest.mark.usefixtures("tiny_set", "frequent_log")


def assert_equal(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


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
