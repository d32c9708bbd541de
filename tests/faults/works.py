"""Long work that may be stopped at any moment: how it is prepared, done, and looked at."""

import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from raisr import FilterBank
from raisr.cli import main as raisr_main
from raisr.io import list_images, read_image, write_image
from tests.images import noisy_scene, scene

__all__ = ["WORKS", "Work"]


@dataclass(frozen=True)
class Work:
    """Work in a folder.

    Attributes
    ----------
    prepare : callable
        Folder -> None: writes what the work starts from.
    do : callable
        Folder -> None: does the work, or goes on with it.
    content : callable
        Folder -> dict: what is finished, by name; reads every file, and raises where one is
        damaged. What does not repeat, like times, is left out.
    """

    prepare: Callable[[Path], None]
    do: Callable[[Path], None]
    content: Callable[[Path], dict[str, Any]]


def _pictures(folder: Path, count: int, make: Callable[..., np.ndarray]) -> None:
    folder.mkdir()
    for index in range(count):
        pixels = make((60, 80), seed=index).clip(0, 255).round().astype(np.uint8)
        write_image(folder / f"{index:02}.png", pixels)


def _on_a_folder(*command: str) -> Work:
    def do(folder: Path) -> None:
        inputs, outputs = str(folder / "in"), str(folder / "out")
        _check(raisr_main([command[0], *command[1:], "--threads", "1", inputs, outputs]))

    def content(folder: Path) -> dict[str, Any]:
        out = folder / "out"
        names = list_images(out) if out.is_dir() else []
        return {str(name): read_image(out / name)[0].tolist() for name in names}

    return Work(lambda folder: _pictures(folder / "in", 8, noisy_scene), do, content)


def _check(status: int) -> None:
    if status:
        sys.exit(status)


def _learn(folder: Path) -> None:
    options = ["--sigma", "10%", "--size", "5", "--stages", "2", "--threads", "1"]
    bank = ["-o", str(folder / "bank.safetensors"), *(["--overwrite"] * _there(folder))]
    _check(raisr_main(["learn", "--clean", str(folder / "in"), *options, *bank]))


def _there(folder: Path) -> bool:
    return (folder / "bank.safetensors").exists()


def _learned(folder: Path) -> dict[str, Any]:
    if not _there(folder):
        return {}
    stages = FilterBank.load(folder / "bank.safetensors").stages
    return {str(index): stage.filters.tolist() for index, stage in enumerate(stages)}


# Training: a tiny network on the pictures of a folder, with a checkpoint after nearly every step.


def _write_run(folder: Path) -> None:
    _pictures(folder / "in", 4, scene)
    values = {
        "model": "edsr",
        "steps": 120,
        "images": [str(folder / "in")],
        "held_back": 1,
        "batch": 2,
        "crop": 16,
        "warmup": 5,
        "precision": "float32",
        "validate_every": 40,
        "checkpoint_seconds": 0.05,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    text = "\n".join([*lines, "options = { features = 4, blocks = 1 }"])
    (folder / "run.toml").write_text(text, encoding="utf-8")


def _train(folder: Path) -> None:
    import torch

    from hybrid.train import main

    torch.set_num_threads(1)
    main([str(folder / "run.toml"), "--output", str(folder / "run"), "--device", "cpu"])


def _trained(folder: Path) -> dict[str, Any]:
    from hybrid.weights import load_tensors

    found: dict[str, Any] = {}
    for name in ("checkpoint", "weights"):
        path = folder / "run" / f"{name}.safetensors"
        if path.is_file():
            tensors = load_tensors(path)[0]
            if name == "weights":
                found |= {key: value.tolist() for key, value in tensors.items()}
    return found


# A study: PSNR of two methods on two pictures, with several draws of the noise.


def _measure(folder: Path) -> None:
    from comparisons import study, table2
    from comparisons.draw import quality

    with (
        mock.patch.object(study, "load_dataset", return_value=_set(folder)),
        mock.patch.object(quality, "COMMITTED", folder / "none"),
        contextlib.redirect_stdout(None),
    ):
        options = ["--methods", "noisy", "raisr_fast", "--seeds", "0", "1", "2", "--jobs", "1"]
        table2.main([*options, "--protocol", "standard", "--output", str(folder / "out")])


def _set(folder: Path) -> Any:
    from raisr.datasets import Dataset, ImageFile

    images = tuple(ImageFile(p.name, p) for p in sorted((folder / "in").iterdir()))
    return Dataset("tiny", "Tiny", "small images", "tiny", images)


def _measured(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("out/cache/*.json")):
        values = json.loads(path.read_text())["values"]
        found[path.name] = [values["psnr"], values["ssim"]]
    for path in sorted(folder.glob("out/results/**/*.json")):
        found[path.name] = len(json.loads(path.read_text())["images"])
    return found


# Publishing: other weights in place of those of the same name, beside another entry.


@contextlib.contextmanager
def _registry_in(folder: Path) -> Any:
    from comparisons import publish
    from hybrid import zoo

    (folder / "weights").mkdir(exist_ok=True)
    with (
        mock.patch.object(zoo, "WEIGHTS", folder / "weights"),
        mock.patch.object(zoo, "REGISTRY", folder / "weights" / "registry.json"),
        mock.patch.object(publish, "GOLDEN", folder / "golden"),
    ):
        yield publish, zoo


def _write_weights(folder: Path) -> None:
    import torch

    from hybrid.networks import build
    from hybrid.training.config import TrainingConfig
    from hybrid.weights import save_tensors

    _pictures(folder / "in", 2, scene)
    for seed in range(2):
        torch.manual_seed(seed)
        config = TrainingConfig("n", "edsr", 1, {"features": 2, "blocks": 1}, warmup=0)
        network = build(config.model, **config.options)
        header = {**config.to_dict(), "spec": config.network_spec.to_dict()}
        save_tensors(folder / f"{seed}.safetensors", network.state_dict(), header)
    for name in ("kept", "replaced"):
        _publish(folder, 0, name)


def _publish(folder: Path, seed: int = 1, name: str = "replaced") -> None:
    import torch

    torch.set_num_threads(1)
    with _registry_in(folder) as (publish, _):
        source = folder / f"{seed}.safetensors"
        publish.publish(source, name, [_set(folder)], folder / "cache")


def _published(folder: Path) -> dict[str, Any]:
    """Return what is readable; between two renames, one name may be refused, but not be wrong."""
    found: dict[str, Any] = {}
    with _registry_in(folder) as (_, zoo):
        names = [entry.name for entry in zoo.list_weights()]
        assert names == ["kept", "replaced"]
        for name in names:
            try:
                network, _ = zoo.load_network(name)
            except ValueError as error:
                if name == "replaced" and "is damaged" in str(error):
                    continue
                raise
            values = {key: value.tolist() for key, value in network.state_dict().items()}
            if name == "kept" or values != found["kept"]:  # what was there before is not done
                found[name] = values
    return found


WORKS = {
    "denoise": _on_a_folder("denoise", "--sigma", "10%"),
    "upscale": _on_a_folder("upscale", "--factor", "2"),
    "learn": Work(lambda folder: _pictures(folder / "in", 4, scene), _learn, _learned),
    "train": Work(_write_run, _train, _trained),
    "study": Work(lambda folder: _pictures(folder / "in", 2, scene), _measure, _measured),
    "publish": Work(_write_weights, _publish, _published),
}
