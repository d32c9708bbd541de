"""Weights that were trained elsewhere."""

import imageio.v3 as iio
import pytest
import torch

from comparisons import adopt
from hybrid.networks import build
from hybrid.training.config import TrainingConfig
from hybrid.weights import load_tensors, save_tensors
from raisr.provenance import read_json
from tests.comparisons.conftest import smooth_image

NORM = "norms.1.running_mean"
SETTINGS = {"steps": 30, "batch": 2, "crop": 16, "warmup": 5}


@pytest.fixture
def left(tmp_path, monkeypatch):
    """Where adopted weights go; what makes the weights of a run elsewhere, and its file."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for seed in range(4):
        iio.imwrite(pictures / f"{seed}.png", smooth_image(seed, (64, 64)))
    configs = tmp_path / "configs"
    configs.mkdir()
    monkeypatch.setattr(adopt, "CONFIGS", configs)
    monkeypatch.setattr(adopt, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(adopt, "PATH", tmp_path / "adopted.json")

    def leave(model, options):
        """Return weights whose batch normalisation expects another brightness."""
        torch.manual_seed(0)
        tensors = build(model, **options).state_dict()
        if NORM in tensors:
            tensors[NORM] += 5
        values = {"model": model, "options": options, "images": [str(pictures)], **SETTINGS}
        settings = ", ".join(f"{key} = {value}" for key, value in options.items())
        lines = {**SETTINGS, "images": [str(pictures)], "held_back": 1}
        text = "\n".join(f"{key} = {value!r}" for key, value in lines.items())
        path = configs / f"{model}_here.toml"
        path.write_text(f'model = "{model}"\noptions = {{ {settings} }}\n{text}\n')
        header = TrainingConfig.from_dict({"name": f"{model}_gpu", **values, "held_back": 1})
        file = tmp_path / f"{model}.safetensors"
        save_tensors(file, tensors, {**header.to_dict(), "scores": {"psnr": 20.0}})
        return file, tensors

    return tmp_path, leave


def test_batch_normalisation_is_measured_again(left, capsys):
    folder, leave = left
    file, before = leave("dncnn", {"features": 4, "depth": 3})
    adopt.main([str(file), "dncnn_here"])
    after, header = load_tensors(folder / "runs" / "dncnn_here" / "weights.safetensors")
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    statistics = "running_mean", "running_var", "num_batches_tracked"
    assert changed == {f"norms.1.{name}" for name in statistics}
    facts = read_json(folder / "adopted.json")["dncnn_here"]
    assert facts["told"] == 20
    assert after[NORM].abs().max() < 1 < before[NORM].min()
    assert facts["again"] != facts["found"]
    assert header["scores"] == {"psnr": facts["again"]}
    assert header["name"] == "dncnn_here"
    assert f"{facts['again']:.3f}" in capsys.readouterr().out


def test_without_normalisation_nothing_changes(left):
    folder, leave = left
    file, before = leave("edsr", {"features": 4, "blocks": 1})
    adopt.main([str(file), "edsr_here"])
    after, header = load_tensors(folder / "runs" / "edsr_here" / "weights.safetensors")
    assert all(torch.equal(after[name], before[name]) for name in before)
    facts = read_json(folder / "adopted.json")["edsr_here"]
    assert facts["again"] is facts["batches"] is None
    assert header["scores"] == {"psnr": facts["found"]}


def test_weights_of_another_run_are_refused(left):
    folder, leave = left
    file, _ = leave("edsr", {"features": 4, "blocks": 1})
    config = folder / "configs" / "edsr_here.toml"
    config.write_text(config.read_text().replace("batch = 2", "batch = 3"))
    with pytest.raises(ValueError, match="its batch differ from those of edsr_here"):
        adopt.main([str(file), "edsr_here"])
    assert not (folder / "runs").exists()


def test_weights_for_many_levels_are_refused(left):
    folder, leave = left
    file, tensors = leave("edsr", {"features": 4, "blocks": 1})
    _, header = load_tensors(file)
    save_tensors(file, tensors, {**header, "sigma_min": 0.0})
    with pytest.raises(ValueError, match="for one noise level only"):
        adopt.main([str(file), "edsr_here"])
    assert not (folder / "runs").exists()
