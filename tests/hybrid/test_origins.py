"""What a run takes over from others: weights to start from, steps, a classifier."""

from dataclasses import replace

import pytest
import torch

from hybrid import zoo
from hybrid.training.data import Crops
from hybrid.training.loop import train
from hybrid.weights import load_tensors
from tests.hybrid.tiny_runs import CLASS_SPECIFIC, CONFIG, RUNS, log_of, weights_of

pytestmark = pytest.mark.usefixtures("tiny_set")


def test_a_class_specific_network_starts_from_its_plain_twin(tmp_path):
    init = train(CONFIG, tmp_path / "plain")
    plain = weights_of(tmp_path / "plain")
    config = replace(CLASS_SPECIFIC, init=str(init), learning_rate=1e-9, steps=2, warmup=1)
    for name, value in load_tensors(train(config, tmp_path / "twin"))[0].items():
        torch.testing.assert_close(value, plain[name].expand_as(value), rtol=0, atol=1e-6)
    scores = [log_of(tmp_path / run)[-1]["psnr"] for run in ("plain", "twin")]
    assert scores[1] == pytest.approx(scores[0], abs=1e-3)
    # Going on needs the checkpoint alone.
    init.unlink()
    header = load_tensors(train(config, tmp_path / "twin"))[1]
    assert header["total_steps"] == CONFIG.steps + 2


def test_weights_of_another_network_are_no_start(tmp_path):
    init = train(CONFIG, tmp_path / "plain")
    wide = replace(CONFIG, options={"features": 8, "blocks": 1}, init=str(init))
    with pytest.raises(ValueError, match="init = '.*': weights of another network: entry.weight"):
        train(wide, tmp_path / "wide")
    with pytest.raises(FileNotFoundError, match="no weights 'missing.safetensors'"):
        train(replace(CONFIG, init="missing.safetensors"), tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="no weights 'missing.safetensors'"):
        train(replace(CLASS_SPECIFIC, classes="missing.safetensors"), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_run_that_goes_on_from_another_sees_other_crops(tmp_path, monkeypatch):
    seen = []
    draw = Crops.__call__

    def record(self, step):
        seen.append(step)
        return draw(self, step)

    monkeypatch.setattr(Crops, "__call__", record)
    first = train(replace(CONFIG, steps=6), tmp_path / "first")
    config = replace(CONFIG, steps=12, init=str(first), checkpoint_seconds=0)
    train(config, tmp_path / "second")
    assert sorted(seen) == list(range(18))


def test_a_network_knows_its_classifier(tmp_path):
    classifier = train(replace(RUNS["pcn"], steps=6), tmp_path / "classifier")
    config = replace(CLASS_SPECIFIC, steps=6, classes=str(classifier))
    path = str(train(config, tmp_path / "denoiser"))
    zoo.load(path)
    train(replace(RUNS["pcn"], steps=6, seed=1), tmp_path / "other").replace(classifier)
    with pytest.raises(ValueError, match="was trained with other weights of the PCN"):
        zoo.load(path)
    with pytest.raises(ValueError, match="belongs to another run: classes_sha256 differ"):
        train(config, tmp_path / "denoiser")
