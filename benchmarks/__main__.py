"""Measure kernels and whole calls against peers and limits: `python -m benchmarks`.

The default run takes some minutes; `--megapixels 0.25 1 16` measures all sizes.
`python -m benchmarks memory` measures peaks of memory instead.
"""

import argparse
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks import memory
from benchmarks.case import Case, mosaic
from benchmarks.csconv import csconv_backward_case, csconv_case, csconv_step_case
from benchmarks.denoising import denoise_case, denoise_colour_case
from benchmarks.exported import onnx_case
from benchmarks.kernels import apply_case, hash_and_apply_case, hash_case
from benchmarks.learning import learn_case
from benchmarks.networks import colour_network_case, network_case
from benchmarks.report import Result, goal_table, metadata, speed_table, thread_table
from benchmarks.timing import interleaved
from benchmarks.upscaling import upscale_case
from comparisons import command
from raisr.command import Parser, run
from raisr.provenance import write_json

CASES: dict[str, Callable[[NDArray[np.float32]], Case]] = {
    "hash": hash_case,
    **{f"apply{size}": partial(apply_case, size=size) for size in (7, 9, 11)},
    "hash_apply11": hash_and_apply_case,
    **{f"learn{size}": partial(learn_case, size=size) for size in (7, 9, 11)},
    "denoise": denoise_case,
    "denoise_colour": denoise_colour_case,
    "upscale_fast": partial(upscale_case, model="fast", channels=1),
    "upscale_best": partial(upscale_case, model="best", channels=1),
    "upscale_colour": partial(upscale_case, model="fast", channels=3),
    **{
        f"{name}_{kind}": partial(maker, kind=kind)
        for name, maker in (
            ("csconv", csconv_case),
            ("csconv_backward", csconv_backward_case),
            ("csconv_step", csconv_step_case),
        )
        for kind in ("float32", "bfloat16")
    },
    "network_small": partial(network_case, model="small"),
    "network_base": partial(network_case, model="base"),
    "network_small_colour": partial(colour_network_case, model="small"),
    "network_base_colour": partial(colour_network_case, model="base"),
    "onnx_base": partial(onnx_case, weights="unet_base"),
    "onnx_small": partial(onnx_case, weights="unet_small"),
    "onnx_cs_edsr": partial(onnx_case, weights="cs_edsr16_noisy_standard_25"),
}
"""Name on the command line -> maker of the case, for an image."""


def main(arguments: list[str] | None = None) -> None:
    """Run the cases the options name; print and write the tables and the raw timings."""
    options = _options(arguments)
    about = metadata()
    results = measure(options)
    tables = [
        speed_table(threads, group, about) for group in results for threads in options.threads
    ]
    every = [result for group in results for result in group]
    if len(options.threads) > 1:
        tables.append(thread_table(options.threads, every))
    if 1 in options.threads:
        tables.append(goal_table(every))
    raw = options.output / "benchmarks_raw.json"
    write_json(
        raw,
        {
            "metadata": about,
            "rounds": options.rounds,
            "results": [result.to_dict() for result in every],
        },
    )
    command.announce([*command.publish(tables, options.output, "benchmarks"), raw])


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    many: dict[str, Any] = {"action": command.ListOf, "metavar": "N"}
    parser.add_argument(
        "--megapixels", item=_positive, default=[1.0], help="of 2**20 pixels (default: 1)", **many
    )
    parser.add_argument(
        "--threads", item=command.at_least(1), default=[1, 2], help="default: 1 2", **many
    )
    parser.add_argument("--rounds", type=command.at_least(1), default=9, metavar="N")
    parser.add_argument(
        "--seconds",
        type=_positive,
        default=6.0,
        help="after which a contender drops out, from its third round on (default: 6)",
    )
    parser.add_argument(
        "--patience",
        type=_positive,
        default=10.0,
        metavar="SECONDS",
        help="a case may spend on repeating turns that other processes disturbed (default: 10)",
    )
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.cases) - set(CASES)):
        parser.error(f"no case {', '.join(unknown)}; choose from {', '.join(CASES)}")
    return options


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"wanted a number above 0, got {text!r}")
    return value


def measure(options: argparse.Namespace) -> list[list[Result]]:
    """Time the chosen cases; a list of results for each size."""
    groups = []
    for megapixels in options.megapixels:
        image = mosaic(round(megapixels * 2**20))
        group = []
        for name in tqdm(options.cases or CASES, f"{megapixels:g} Mpixel", disable=None):
            case = CASES[name](image)
            timings = interleaved(
                case.contenders,
                options.threads,
                options.rounds,
                options.seconds,
                options.patience,
            )
            group.append(Result(case, timings))
        groups.append(group)
    return groups


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        run(partial(memory.main, sys.argv[2:]))
    else:
        run(main)
