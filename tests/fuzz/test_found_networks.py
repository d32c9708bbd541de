"""What fuzzing found in files of weights, runs, and networks."""

import time

import pytest
import torch

import hybrid
from hybrid.behaviour import Behaviour
from hybrid.networks import build
from hybrid.training.config import TrainingConfig
from hybrid.weights import save_tensors


def weights(path, **header):
    torch.manual_seed(0)
    network = build("edsr", features=2, blocks=1)
    facts = {"model": "edsr", "options": {"features": 2, "blocks": 1}, "noise": "gaussian"}
    save_tensors(path, network.state_dict(), {**facts, "sigma": 25.0, "classes": None, **header})
    return str(path)


@pytest.mark.parametrize(
    "header",
    [
        {"options": {"features": -2, "blocks": 1}},
        {"options": {"features": 4096, "blocks": 1}},
        {"options": {"features": 2, "blocks": 2**62}},
        {"options": {"features": 2**31, "blocks": 1}},
        {"options": [1]},
        {"model": ["edsr"]},
        {"run": 3, "sigma": "25"},
        {"sigma": float("nan")},
        {"sigma_min": [0]},
        {"white": -1.0},
        {"noise": []},
        {"classes": 3},
        {"classes_sha256": 3},
        {"sigma": None, "sigma_min": 1.0},
    ],
)
def test_weights_with_odd_facts_are_refused_at_once(tmp_path, header):
    start = time.monotonic()
    with pytest.raises(ValueError, match="."):
        hybrid.load(weights(tmp_path / "w.safetensors", **header))
    assert time.monotonic() - start < 60  # they would take hours, or all memory


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.complex64, torch.bool])
def test_weights_of_odd_types_are_refused(tmp_path, dtype):
    path = tmp_path / "w.safetensors"
    save_tensors(path, {"exit.bias": torch.zeros(1, dtype=dtype)}, {})
    with pytest.raises(ValueError, match="is not a readable file of weights: exit.bias is torch"):
        hybrid.load(str(path))


def test_a_run_that_is_no_table_says_nothing(tmp_path):
    network = hybrid.load(weights(tmp_path / "w.safetensors", run=3))
    assert network.behaviour == Behaviour(sigma=25.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("features = 2147483648", "features must be at most 4096"),
        ("features = 2, blocks = 1000000000000", "blocks must be at most 4096"),
        ("features = inf", "features must be at most 4096"),
    ],
)
def test_a_network_of_any_size_is_refused_at_once(tmp_path, options, message):
    path = tmp_path / "run.toml"
    path.write_text(f'model = "edsr"\nsteps = 300\noptions = {{{options}}}', encoding="utf-8")
    with pytest.raises(ValueError, match=f"options: {message}"):
        TrainingConfig.read(path)


def test_a_config_nested_too_deep_is_refused(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("a = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(ValueError, match="run.toml: "):
        TrainingConfig.read(path)


@pytest.mark.parametrize("shape", [(1, 3, 5, 5), (0, 1, 5, 5), (1, 5, 5), (1, 0, 9, 0)])
@pytest.mark.parametrize("kind", [hybrid.HashClassifier, hybrid.DenoisedClassifier])
def test_classes_are_those_of_gray_images(shape, kind):
    with pytest.raises(ValueError, match=r"image must be \(B, 1, H, W\), got shape"):
        kind("csconv")(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_rows_and_columns_of_one_pixel_are_convolved(shape, dtype):
    x = torch.arange(8 * shape[0] * shape[1]).reshape(1, 8, *shape).to(dtype) / 64
    weight = torch.ones(2, 8, 8, 3, 3) / 64
    classes = torch.zeros(1, *shape, dtype=torch.uint8)
    wanted = torch.nn.functional.conv2d(x.float(), weight[0], padding=1)
    for same in (x, x.transpose(2, 3).contiguous().transpose(2, 3), x[..., None][..., 0]):
        found = hybrid.cs_conv2d(same, weight, None, classes)
        torch.testing.assert_close(found.float(), wanted, atol=0.02, rtol=0.02)
