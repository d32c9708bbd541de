"""Exported networks in onnxruntime beside our own kernels, on one thread.

``python -m benchmarks.onnx`` measures, and writes ratios of times of the same run; what a
class-specific convolution costs is measured for each form that standard operators allow.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor
from torch.nn import functional

import hybrid
from benchmarks.case import Contender, mosaic
from benchmarks.timing import interleaved
from hybrid.csconv.gemm import Taps, by_tap
from hybrid.exact import exact
from hybrid.filtered import filtered
from hybrid.networks import Network
from raisr import HashSpec, hash_image
from raisr.files import write_atomically
from raisr.provenance import environment, git_commit
from raisr.validate import GRAY_LEVELS

_RESULTS = Path(__file__).parent / "results" / "onnx.json"
_NETWORKS = ("unet_base", "unet_small", "cs_edsr16_noisy_standard_25")
_SIDE, _LAYER_SIDE = 384, 128
_CHANNELS, _SIGMA = 16, 25.0
_ROUNDS = 9


class _Layer(Network):
    """A class-specific convolution in one of its forms."""

    label = "layer"
    channels = _CHANNELS
    inputs = ("classes",)

    def __init__(self, spec: HashSpec, form: Callable[..., Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.num_classes = spec.num_classes
        self.form, self.layer = form, hybrid.CSConv2d(_CHANNELS, _CHANNELS, 3, self.num_classes)

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        return self.form(x, self.layer.weight, self.layer.bias, classes)


def all_classes(x: Tensor, weight: Tensor, bias: Tensor, classes: Tensor) -> Tensor:
    """Convolve with the filters of all classes, and take those of the pixel's own."""
    out = functional.conv2d(x, weight.flatten(0, 1), bias.flatten(), padding=1)
    out = out.unflatten(1, weight.shape[:2])
    return out.gather(1, classes.long()[:, None, None].expand(-1, 1, out.shape[2], -1, -1))[:, 0]


def filters_of_pixels(x: Tensor, weight: Tensor, bias: Tensor, classes: Tensor) -> Tensor:
    """Copy the filters of its class for each pixel, and multiply them with its taps."""
    taps, own = Taps(x, weight.shape[-1]), classes.flatten().long()
    patches = taps.padded.flatten(0, 2)[taps.first[:, None] + taps.steps].flatten(1)
    out = (patches[:, None] @ by_tap(weight, x.dtype)[own])[:, 0] + bias[own]
    return out.reshape(*classes.shape, -1).permute(0, 3, 1, 2)


_FORMS = {
    "sorted into blocks of one class (what is exported)": hybrid.cs_conv2d,
    "convolved with the filters of all classes": all_classes,
    "with a copy of the filters for each pixel": filters_of_pixels,
}


def _inputs(network: Network, spec: HashSpec | None, side: int) -> list[Tensor]:
    """Return what a network sees of a photograph with noise."""
    noisy = np.stack([mosaic(side**2)] * network.channels)
    images = torch.from_numpy(noisy / np.float32(GRAY_LEVELS))[None]
    found = {
        "levels": lambda: torch.full((1, 1, 1, 1), _SIGMA / GRAY_LEVELS),
        "filtered": lambda: torch.from_numpy(filtered(noisy, _SIGMA) / np.float32(GRAY_LEVELS))[
            None
        ],
        "classes": lambda: torch.from_numpy(hash_image(noisy[0], spec or "csconv", data_range=255))[
            None
        ],
    }
    return [images, *(found[name]() for name in network.inputs)]


def _session(network: Any, folder: Path) -> Callable[[list[Tensor]], np.ndarray]:
    """Return a network as onnxruntime computes it, on one thread."""
    hybrid.export(network, folder / "network.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "network.onnx", options, ["CPUExecutionProvider"]
    )
    names = [value.name for value in session.get_inputs()]

    def run(inputs: list[Tensor]) -> np.ndarray:
        return session.run(None, dict(zip(names, (i.numpy() for i in inputs), strict=True)))[0]

    return run


def _compared(
    own: Callable[..., Tensor], others: dict[str, Callable], inputs: list[Tensor]
) -> dict[str, dict[str, float]]:
    """Return the time of each other over our own, and how far its results are from ours."""
    own = torch.inference_mode()(own)
    wanted = own(*inputs).numpy()
    contenders = {"ours": Contender(lambda threads: own(*inputs))}
    contenders |= {
        name: Contender(lambda threads, run=run: run(inputs)) for name, run in others.items()
    }
    times = interleaved(contenders, rounds=_ROUNDS, patience=60)
    ours = times["ours", 1]
    return {
        name: {
            "ratio": times[name, 1].over(ours),
            "seconds": times[name, 1].median,
            "our seconds": ours.median,
            "largest difference": float(np.abs(run(inputs) - wanted).max()),
        }
        for name, run in others.items()
    }


def measure() -> dict[str, Any]:
    """Return everything that is measured, and where."""
    torch.set_num_threads(1)
    networks, spec = {}, HashSpec.preset("csconv")
    with tempfile.TemporaryDirectory() as folder:
        for name in _NETWORKS:
            denoiser = hybrid.load(name)
            inputs = _inputs(denoiser.network, denoiser.behaviour.spec, _SIDE)
            others = {name: _session(denoiser, Path(folder))}
            networks |= _compared(exact(denoiser.network), others, inputs)
        layer = _Layer(spec, hybrid.cs_conv2d)
        inputs = _inputs(layer, spec, _LAYER_SIDE)
        others = {name: _session(_Layer(spec, form), Path(folder)) for name, form in _FORMS.items()}
        layers = _compared(layer, others, inputs)
    return {
        "git_commit": git_commit(),
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
        **environment(),
        "rounds": _ROUNDS,
        "networks": networks,
        "layers": layers,
    }


def markdown(results: dict[str, Any]) -> str:
    """Return the tables of what was measured."""

    def rows(part: str) -> list[str]:
        return [f"| {name} | {row['ratio']:.2f} |" for name, row in results[part].items()]

    facts = ("cpu", "torch", "onnxruntime")
    return "\n".join(
        [
            f"| network, {_SIDE} x {_SIDE} pixels | onnxruntime, x our time |",
            "| --- | ---: |",
            *rows("networks"),
            "",
            f"| one layer: 16 to 16 channels, 72 classes, {_LAYER_SIDE} x {_LAYER_SIDE} pixels "
            "| onnxruntime, x our time |",
            "| --- | ---: |",
            *rows("layers"),
            "",
            f"One thread, float32, medians of {results['rounds']} turns; "
            + ", ".join(f"{name} {results[name]}" for name in facts)
            + f", commit {results['git_commit'][:7]}.",
            "",
        ]
    )


def main() -> None:
    """Measure, or read; print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=_RESULTS, help="with .md beside it")
    parser.add_argument("--from-results", action="store_true")
    arguments = parser.parse_args()
    if not arguments.from_results:
        write_atomically(arguments.out, (json.dumps(measure(), indent=1) + "\n").encode())
    page = markdown(json.loads(arguments.out.read_text()))
    print(page)
    write_atomically(arguments.out.with_suffix(".md"), page.encode())


if __name__ == "__main__":
    main()
