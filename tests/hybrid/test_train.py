"""The command, in processes that are killed and that work together."""

import json
import os
import signal
import time
from dataclasses import replace

import pytest
import torch

from hybrid.train import main
from hybrid.training.config import TrainingConfig
from hybrid.training.loop import train
from hybrid.training.tasks import Denoising
from hybrid.weights import load_tensors
from raisr import command
from tests.forked import Forked
from tests.hybrid.slow_training import slow_training
from tests.hybrid.together import by_torchrun, of_one_machine

CONFIG = TrainingConfig(
    "run",
    "edsr",
    400,
    {"features": 4, "blocks": 1},
    images=("sample",),  # comes with scikit-image
    held_back=1,
    batch=2,
    crop=16,
    warmup=5,
    precision="float32",
    checkpoint_seconds=0.02,
)


def toml(config):
    values = {key: value for key, value in config.to_dict().items() if value is not None}
    values["options"] = None
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if value is not None]
    options = ", ".join(f"{key} = {value}" for key, value in config.options.items())
    return "\n".join([*lines, f"options = {{ {options} }}"])


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(toml(CONFIG), encoding="utf-8")
    return path


def wait_in_step_100(arguments):
    loss, calls = Denoising.loss, []

    def waiting(self, network, batch):
        calls.append(1)
        if len(calls) == 100:
            print("waits", flush=True)
            time.sleep(600)
        return loss(self, network, batch)

    Denoising.loss = waiting
    main(arguments)


def lines_of(folder):
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [{**json.loads(line), "seconds": None} for line in lines]


def test_a_killed_run_goes_on(tmp_path, config_file, capsys):
    folder = tmp_path / "parts"
    checkpoint, weights = folder / "checkpoint.safetensors", folder / "weights.safetensors"
    arguments = config_file, "--output", folder, "--device", "cpu"
    with Forked(wait_in_step_100, *arguments) as process:
        assert process.stdout.readline() == b"waits\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert 0 < load_tensors(checkpoint)[1]["step"] < 100
    assert not weights.exists()

    main([str(config_file), "--output", str(folder), "--device", "cpu"])
    assert capsys.readouterr().out == f"wrote {weights}\n"
    whole = load_tensors(train(CONFIG, tmp_path / "whole", device="cpu"))[0]
    for name, value in load_tensors(weights)[0].items():
        assert torch.equal(value, whole[name])
    assert lines_of(folder) == lines_of(tmp_path / "whole")


def test_an_interrupted_command_says_how_to_go_on(tmp_path, config_file, capsys, monkeypatch):
    loss = Denoising.loss

    def interrupt(self, network, batch):
        os.kill(os.getpid(), signal.SIGINT)
        return loss(self, network, batch)

    monkeypatch.setattr(Denoising, "loss", interrupt)
    with pytest.raises(SystemExit) as stop:
        command.run(lambda: main([str(config_file), "--output", str(tmp_path / "run")]))
    assert stop.value.code == 130
    told = "interrupted: stopped after step 1; the same call goes on\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("together", [of_one_machine, by_torchrun])
def test_two_processes_train_one_network_on_the_crops_of_both(tmp_path, together):
    config = replace(CONFIG, steps=25, validate_every=1)
    (tmp_path / "run.toml").write_text(toml(config), encoding="utf-8")
    done = together(*[("tests.hybrid.one_of_two", tmp_path / "run.toml", tmp_path)] * 2)
    assert all(status == 0 for status, _, _ in done), done
    assert done[0][1] == f"wrote {tmp_path / 'weights.safetensors'}\n"
    first, second = (load_tensors(tmp_path / f"{rank}.safetensors")[0] for rank in range(2))
    weights, header = load_tensors(tmp_path / "weights.safetensors")
    assert header["processes"] == 2
    losses, average = slow_training(config, processes=2)
    assert [line["loss"] for line in lines_of(tmp_path)] == pytest.approx(losses, rel=1e-4)
    for name, value in weights.items():
        assert torch.equal(first[name], value)
        assert torch.equal(second[name], value)
        torch.testing.assert_close(value, average[name], rtol=1e-3, atol=1e-5)


def test_two_processes_end_together_when_their_time_is_over(tmp_path):
    config = replace(CONFIG, steps=10**6, time_limit=0.5, warmup=2, validate_every=10**6)
    (tmp_path / "run.toml").write_text(toml(config), encoding="utf-8")
    done = of_one_machine(*[("tests.hybrid.one_of_two", tmp_path / "run.toml", tmp_path)] * 2)
    assert all(status == 0 for status, _, _ in done), done
    first, second = (load_tensors(tmp_path / f"{rank}.safetensors")[0] for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_machines_that_do_not_share_the_folder_are_told(tmp_path):
    config = replace(CONFIG, steps=3, warmup=2)
    (tmp_path / "run.toml").write_text(toml(config), encoding="utf-8")
    options = tmp_path / "run.toml", "--device", "cpu", "--output"
    commands = [("hybrid.train", *options, tmp_path / str(rank)) for rank in range(2)]
    assert [status for status, _, _ in of_one_machine(*commands)] == [0, 0]
    for status, _, errors in of_one_machine(*commands):
        assert status != 0
        assert "error: processes begin at step 0 and at step 3: all need the folder" in errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('model = "edsr"\nstep = 5', "{path}: unknown key step"),
        ('model = "edsr"\nsteps = 300\nimages = ["bsd400"]', "data set bsd400: 399 of 399 images"),
        ('model = "edsr"\nsteps = 300\ninit = "missing"', "no weights 'missing'"),
    ],
)
def test_expected_errors_are_one_line(tmp_path, monkeypatch, capsys, text, message):
    monkeypatch.setenv("RAISR_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nowhere"))
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        command.run(lambda: main([str(path), "--output", str(tmp_path / "run")]))
    assert stop.value.code == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: " + message.format(path=path))
    assert errors.count("\n") == 1


@pytest.mark.parametrize("device", ["abacus", "cuda"])
def test_a_missing_device_is_told(config_file, monkeypatch, capsys, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        command.run(lambda: main([str(config_file), "--device", device]))
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: no device '{device}': ")


def test_a_diverging_run_ends_in_one_line(tmp_path, capsys):
    path = tmp_path / "run.toml"
    path.write_text(toml(replace(CONFIG, learning_rate=1e30)), encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        command.run(lambda: main([str(path), "--output", str(tmp_path / "run")]))
    assert stop.value.code == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: the loss of step ")
    assert errors.count("\n") == 1


def test_the_folder_has_the_name_of_the_run(tmp_path, monkeypatch, config_file, capsys):
    config_file.write_text(toml(replace(CONFIG, steps=6, name="brief")), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    main([str(config_file)])
    assert (tmp_path / "runs" / "brief" / "weights.safetensors").is_file()
    assert capsys.readouterr().out == "wrote runs/brief/weights.safetensors\n"
