"""On a GPU: class-specific convolution and captured steps of training, beside dense ones.

``python -m benchmarks.gpu`` measures, and writes ratios to PyTorch's own convolution in the same
run; ``--from-results`` writes the table anew.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raisr.command import Parser, run
from raisr.files import write_atomically
from raisr.provenance import environment, git_commit

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_RESULTS = Path(__file__).parent / "results" / "gpu.json"
_CLASSES = 72
_SIZES = {"32 x 96x96": (32, 96), "1 x 1024x1024": (1, 1024)}
_CHANNELS = 16
_REPEATS, _INSIDE = 15, 20
_NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "EDSR16": ("edsr", {"features": 16, "blocks": 16}),
    "CS-EDSR16": ("edsr", {"features": 16, "blocks": 16, "num_classes": _CLASSES}),
}


def _graph(function: Callable[[], Any]) -> Callable[[], None]:
    """Return what replays many calls of a function, so that launches are not what is timed."""
    import torch

    from hybrid.csconv import sorted_while_capturing

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with sorted_while_capturing(), torch.cuda.graph(graph, stream=stream):
            for _ in range(_INSIDE):
                function()
    torch.cuda.synchronize()
    return graph.replay


def _milliseconds(replay: Callable[[], None], count: int) -> float:
    """Return the median time of one of `count` calls inside of `replay`."""
    import torch

    times = []
    for _ in range(_REPEATS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        replay()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / count)
    return statistics.median(times[2:])


def convolutions(dtype: torch.dtype) -> dict[str, dict[str, float]]:
    """Return milliseconds of a dense and a class-specific convolution, and their ratios."""
    import torch
    from torch import nn

    from hybrid import CSConv2d

    found = {}
    for name, (count, side) in _SIZES.items():
        x = torch.randn(count, _CHANNELS, side, side, device="cuda", dtype=dtype)
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
        gradient = torch.randn_like(x)
        dense = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, device="cuda", dtype=dtype)
        special = CSConv2d.from_conv(dense, _CLASSES)
        dense.weight.data = dense.weight.contiguous(memory_format=torch.channels_last)
        blocks = torch.randint(_CLASSES, (count, side // 4, side // 4), device="cuda")
        classes = blocks.repeat_interleave(4, 1).repeat_interleave(4, 2).to(torch.uint8)
        row: dict[str, float] = {}
        for what, layer, further in (("dense", dense, ()), ("special", special, (classes,))):
            forward = _forward(layer, x, further)
            both = _both(layer, x, further, gradient)
            row[f"{what} forward ms"] = _milliseconds(_graph(forward), _INSIDE)
            row[f"{what} both ms"] = _milliseconds(_graph(both), _INSIDE)
        row["forward, x dense"] = row["special forward ms"] / row["dense forward ms"]
        row["both, x dense"] = row["special both ms"] / row["dense both ms"]
        found[name] = row
    return found


def _forward(layer: nn.Module, x: Tensor, further: tuple[Tensor, ...]) -> Callable[[], Any]:
    import torch

    def forward():
        with torch.no_grad():
            return layer(x, *further)

    return forward


def _both(
    layer: nn.Module, x: Tensor, further: tuple[Tensor, ...], gradient: Tensor
) -> Callable[[], Any]:
    import torch

    inputs = (x, *layer.parameters())
    return lambda: torch.autograd.grad(layer(x, *further), inputs, gradient)


def step_of(model: str, options: dict[str, Any], batch: int = 32, side: int = 96) -> float:
    """Return the milliseconds of a captured step of training in bfloat16, random crops."""
    import torch

    from hybrid.networks import build
    from hybrid.training.captured import captured

    network = build(model, **options).cuda()
    optimizer = torch.optim.Adam(network.parameters(), fused=True, capturable=True)
    shape = batch, network.channels, side, side
    clean = torch.rand(shape, device="cuda").contiguous(memory_format=torch.channels_last)
    given = {
        "levels": torch.full((batch, 1, 1, 1), 0.1, device="cuda"),
        "filtered": clean,
        "classes": torch.randint(_CLASSES, (batch, side, side), device="cuda").to(torch.uint8),
    }
    names = network.inputs or (("classes",) if network.num_classes else ())
    maps = [given[name] for name in names]

    def step(noise: Tensor) -> Tensor:
        with torch.autocast("cuda", torch.bfloat16):
            # A map of this step's own, as crops bring one.
            inside = [part + 0 if part.dtype == torch.uint8 else part for part in maps]
            loss = (network(clean + noise, *inside).float() - clean).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    noise = 0.1 * torch.randn(shape)
    with captured(step, torch.device("cuda")) as take:
        for _ in range(8):
            take(noise)
        torch.cuda.synchronize()
        small = noise.pin_memory()

        def steps():
            for _ in range(_INSIDE):
                take(small)

        return _milliseconds(steps, _INSIDE)


def measure() -> dict[str, Any]:
    """Return everything that is measured, and where."""
    if find_spec("torch") is None:
        raise ValueError("this needs PyTorch: install the extra `hybrid` of this package")
    import torch

    if not torch.cuda.is_available():
        raise ValueError("this is measured on a GPU: PyTorch finds none that it can use")
    torch.backends.cudnn.benchmark = True
    return {
        "device": torch.cuda.get_device_name(),
        "git_commit": git_commit(),
        "torch": torch.__version__,
        **environment(),
        "float32": convolutions(torch.float32),
        "bfloat16": convolutions(torch.bfloat16),
        "step ms": {name: step_of(*network) for name, network in _NETWORKS.items()},
    }


def markdown(results: dict[str, Any]) -> str:
    """Return the table of what was measured."""
    rows = [
        f"| {dtype}, {size} | {row['forward, x dense']:.2f} | {row['both, x dense']:.2f} |"
        for dtype in ("float32", "bfloat16")
        for size, row in results[dtype].items()
    ]
    plain, special = (results["step ms"][name] for name in _NETWORKS)
    lines = [
        "| CSConv, 16 to 16 channels, 72 classes, in times of conv2d | forward | and backward |",
        "| --- | ---: | ---: |",
        *rows,
        "",
        f"A captured step of CS-EDSR16 (bfloat16, 32 crops of 96x96) takes {special:.1f} ms, one "
        f"of EDSR16 {plain:.1f} ms. Maps are sorted once for all calls of a graph; float32 is "
        "TF32 in both.",
        "",
        f"{results['device']}, torch {results['torch']}, commit {results['git_commit'][:7]}"
        + (f"; {note}." if (note := results.get("note")) else "."),
        "",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, or read; print and write."""
    parser = Parser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, default=_RESULTS, help="with .md beside it")
    parser.add_argument("--from-results", action="store_true")
    options = parser.parse_args(arguments)
    if not options.from_results:
        write_atomically(options.out, (json.dumps(measure(), indent=1) + "\n").encode())
    page = markdown(json.loads(options.out.read_text()))
    print(page)
    write_atomically(options.out.with_suffix(".md"), page.encode())


if __name__ == "__main__":
    run(main)
