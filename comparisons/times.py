"""Seconds per megapixel, `python -m comparisons.times`: all networks of table 1, trained or not.

They and the other denoisers at hand run in turns on one thread, so that a slow spell of the
machine hits all of them alike. An untrained network takes as long as a trained one.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import skimage.data
from tqdm import tqdm

from comparisons import command
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.flops import TABLE1, Network, count
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.published import paper_kflops
from comparisons.measure.store import COMMITTED
from raisr.command import Parser, run
from raisr.noise import Sample
from raisr.provenance import environment, git_commit, read_json, write_json

if TYPE_CHECKING:
    from hybrid.denoiser import NetworkDenoiser

FILE = "times.json"
_PCN = "pcn_standard_25"
_REFERENCE = "dncnn"
_OTHERS = ("raisr_fast", "raisr_best", _REFERENCE, "ffdnet")
_PROTOCOL, _SIGMA = PROTOCOLS["standard"], 25.0
_WARM_UP_SIZE = 64


def measure(sample: Sample, rounds: int) -> dict[str, list[float]]:
    """Time the networks of table 1 and the other denoisers at hand in turns, on one thread.

    Parameters
    ----------
    sample : Sample
        What they denoise.
    rounds : int
        Timed calls of each, after an untimed one on a small crop.

    Returns
    -------
    dict
        Label -> CPU seconds per megapixel of each round.
    """
    import torch

    torch.set_num_threads(1)
    calls: dict[str, Callable[[Sample], object]] = {
        network.label: _call(untrained(network)) for network in TABLE1
    }
    for method in _OTHERS:
        if denoiser := METHODS[method].build(_PROTOCOL, _SIGMA):
            calls[METHODS[method].label] = denoiser.run
    for call in calls.values():
        call(sample.crop(_WARM_UP_SIZE))
    seconds: dict[str, list[float]] = {label: [] for label in calls}
    for _ in tqdm(range(rounds), desc="rounds", disable=None):
        for label, call in calls.items():
            start = time.thread_time()
            call(sample)
            seconds[label].append((time.thread_time() - start) / (sample.noisy.size / 1e6))
    return seconds


def untrained(network: Network) -> "NetworkDenoiser":
    """Return a network of table 1 with random weights, and a trained PCN where it has classes."""
    from hybrid import zoo
    from hybrid.class_specific import ClassSpecificDenoiser
    from hybrid.classifiers import PCNClassifier
    from hybrid.denoiser import NetworkDenoiser
    from hybrid.networks import build
    from raisr import HashSpec

    built = build(network.name, **network.options).eval().requires_grad_(False)
    if built.num_classes is None:
        return NetworkDenoiser(built)
    spec = HashSpec.preset("csconv")
    return ClassSpecificDenoiser(built, PCNClassifier(zoo.load_pcn(_PCN, spec), spec))


def read_times(root: Path = COMMITTED) -> dict[str, float]:
    """Return the median seconds per megapixel by label; empty where nothing was measured."""
    stored = read_json(root / FILE) or {"seconds_per_megapixel": {}}
    return {label: float(np.median(s)) for label, s in stored["seconds_per_megapixel"].items()}


def build_table(times: Mapping[str, float]) -> Table:
    """Return the cost of all networks of table 1, and of what was timed beside them.

    Parameters
    ----------
    times : mapping
        Label -> seconds per megapixel; those without print "not measured".
    """
    costs = count(TABLE1)
    reference = times.get(METHODS[_REFERENCE].label)

    def row(label: str, *cells: str) -> tuple[str, ...]:
        seconds = times.get(label)
        if seconds is None:
            return label, *cells, "not measured", EMPTY
        ratio = EMPTY if reference is None else f"{seconds / reference:.3g}"
        return label, *cells, f"{seconds:.3g}", ratio

    networks = [
        row(
            network.label,
            f"{costs[network.label].kflops:.1f}",
            f"{paper_kflops(network.label):g}",
            f"{costs[network.label].parameters:,}",
        )
        for network in TABLE1
    ]
    others = [row(label, *[EMPTY] * 3) for label in times if label not in costs]
    sections = Section("networks", tuple(networks)), Section("beside them", tuple(others))
    return Table(
        "Cost of the networks of table 1",
        ("network", "kFLOPs/pixel", "the paper", "parameters", "s/Mpixel", "of DnCNN's"),
        tuple(section for section in sections if section.rows),
        (
            "kFLOPs/pixel: 2 x multiply-accumulate; those with CS- include PCN, which the paper "
            "leaves out.",
            "s/Mpixel: CPU seconds of one thread, medians of a run of all in turns, with random "
            "weights and the classes of a trained PCN. Ours run in kernels that give the same bits "
            "for tiles of any size, convolutions in groups as whole ones; public DnCNN, whose time "
            "is the unit of the last column, in torch's own.",
        ),
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, store the times and print the table."""
    parser = Parser(prog="python -m comparisons.times", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--rounds", type=command.at_least(1), default=5, metavar="N", help="timed calls of each"
    )
    parser.add_argument(
        "--side",
        type=command.at_least(_WARM_UP_SIZE),
        default=512,
        metavar="N",
        help="side of the denoised image in pixels, at most 512 (default: 512)",
    )
    command.add_results_option(parser)
    options = parser.parse_args(arguments)
    sample = _PROTOCOL.prepare(skimage.data.camera(), _SIGMA, seed=0).crop(options.side)
    seconds = measure(sample, options.rounds)
    path = options.results / FILE
    write_json(path, {"metadata": _about(sample), "seconds_per_megapixel": seconds})
    build_table(read_times(options.results)).print()
    command.announce([path])


def _call(denoiser: "NetworkDenoiser") -> Callable[[Sample], object]:
    return lambda sample: denoiser.denoise(sample.noisy, data_range=255)


def _about(sample: Sample) -> dict[str, Any]:
    import torch

    return {
        "pixels": sample.noisy.size,
        "timing": "CPU time of one thread, in turns, without compilation",
        "torch": torch.__version__,
        **environment(),
        "git_commit": git_commit(),
    }


if __name__ == "__main__":
    run(main)
