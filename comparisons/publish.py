"""Ship the weights of a run: `python -m comparisons.publish runs/NAME/weights.safetensors`.

Writes them as float16 to `hybrid/weights`, measures them on test sets, and adds them to the
registry with a golden output for the tests.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import skimage.data

from comparisons import command
from comparisons.measure.evaluate import denoising_measure, evaluate
from comparisons.measure.networks import network_denoiser
from comparisons.measure.protocol import COLOUR, protocol_of
from comparisons.measure.store import summarise
from raisr.command import Parser, run
from raisr.datasets import Dataset, load_dataset
from raisr.files import write_atomically
from raisr.provenance import write_json

if TYPE_CHECKING:
    import torch

    from hybrid.networks import Network
    from hybrid.zoo import Weights

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
_LEVELS = (15.0, 25.0, 50.0)
LICENCE = "MIT; learned from BSDS500, which is for non-commercial research and education"


def publish(source: Path, name: str, sets: list[Dataset], cache: Path) -> Weights:
    """Add weights to the registry.

    Parameters
    ----------
    source : Path
        File of weights that a training run exported.
    name : str
        Its name in the registry; an entry of that name is replaced.
    sets : list of Dataset
        Test sets to measure on.
    cache : Path
        Folder of per-image results.

    Raises
    ------
    FileNotFoundError, ValueError
        `source` is no such file, or its classes come from a PCN that is not in the registry.
    """
    from hybrid import zoo
    from hybrid.training.config import HASHED
    from hybrid.weights import save_tensors

    network, header = zoo.load_network(str(source))
    known = [entry.name for entry in zoo.list_weights()]
    if header["classes"] not in (None, *HASHED, *known):
        raise ValueError(f"{source}: the PCN {header['classes']!r} must be published first")
    half = {
        key: value.half() if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    with tempfile.TemporaryDirectory() as temporary:
        # What is shipped stays as it is until everything is measured.
        staged = Path(temporary) / f"{name}.safetensors"
        save_tensors(staged, half, {**header, "name": name})
        of_white_noise = header["model"] != "pcn" and header.get("noisy") is None
        metrics = _metrics(staged, header, sets, cache) if of_white_noise else {}
        example = golden(zoo.load_network(str(staged))[0])
        content = staged.read_bytes()
    entry = zoo.Weights(name, hashlib.sha256(content).hexdigest(), header, metrics, LICENCE)
    for folder in (zoo.WEIGHTS, GOLDEN):
        folder.mkdir(exist_ok=True)
    save_tensors(GOLDEN / staged.name, example, {"name": name})
    write_atomically(entry.path, content)
    entries = {old.name: old for old in zoo.list_weights()} | {name: entry}
    write_json(zoo.REGISTRY, {key: _fields(entries[key]) for key in sorted(entries)})
    return entry


def golden(network: Network) -> dict[str, torch.Tensor]:
    """Return a small input of a network, and its output."""
    import torch

    image = torch.from_numpy(skimage.data.camera()[200:240, 200:256] / np.float32(255))
    noisy = image + 0.1 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    planes = torch.stack([noisy.roll(shift) for shift in range(network.channels)])[None]
    further = {
        "levels": torch.full((1, 1, 1, 1), 0.1),
        "filtered": torch.nn.functional.avg_pool2d(planes, 3, 1, 1),
        "classes": torch.arange(noisy.numel()).reshape(1, *noisy.shape)
        % (network.num_classes or 1),
    }
    inputs = {"noisy": planes, **{name: further[name] for name in network.inputs}}
    with torch.inference_mode():
        return {**inputs, "output": network(*inputs.values())}


def _metrics(path, header, sets, cache):
    from hybrid import zoo

    denoiser = zoo.load(str(path))
    colour = denoiser.network.channels == 3
    protocol = COLOUR if colour else protocol_of(header["noise"])
    method = network_denoiser(denoiser)
    measure = denoising_measure(path.stem, method, protocol)
    many = header.get("sigma_min") is not None
    found = {}
    for dataset in sets:
        for sigma in _LEVELS if many else (header["sigma"],):
            records = evaluate(dataset, [measure], protocol, sigma, cache_dir=cache)
            name = f"{dataset.name}, sigma {sigma:g}" if many else dataset.name
            found[name] = summarise(records[path.stem])["mean"]
    return found


def _fields(entry: Weights) -> dict[str, Any]:
    fields = asdict(entry)
    del fields["name"]
    return fields


def main(arguments: list[str] | None = None) -> None:
    """Publish what the options name."""
    parser = Parser(prog="python -m comparisons.publish", description=__doc__.split("\n\n")[0])
    parser.add_argument("source", type=Path, metavar="WEIGHTS")
    parser.add_argument("--name", help="in the registry (default: the run's name)")
    command.add_dataset_option(parser, "test sets to measure on")
    command.add_data_options(parser)
    options = parser.parse_args(arguments)
    from hybrid import zoo

    name = options.name or zoo.load_network(str(options.source))[1]["name"]
    sets = [load_dataset(dataset, download=options.download) for dataset in options.datasets]
    entry = publish(options.source, name, sets, Path("output") / "cache")
    print(f"wrote {entry.path.name}, {entry.path.stat().st_size / 1e6:.1f} MB")
    for dataset, metrics in entry.metrics.items():
        print(f"{dataset}: {metrics['psnr']:.3f} dB, SSIM {metrics['ssim']:.4f}")


if __name__ == "__main__":
    run(main)
