"""Learning on one worker and on more: `python -m benchmarks.workers`.

Pairs are photographs of a set in gray and the same with noise of sigma 25, read and made where
they are needed: on the workers of a dask cluster, processes of one thread each. Clusters take
turns; each has learned once before. What the machine allows is measured beside it: how much more
is done when each worker learns by itself from a twentieth of the images, knowing of no other.
"""

import argparse
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import raisr
from benchmarks.case import SIGMA
from benchmarks.report import metadata, verdict
from comparisons import command
from comparisons.draw.tables import EMPTY, Section, Table
from raisr.colour import rgb_to_gray
from raisr.command import Parser, run
from raisr.datasets import load_dataset
from raisr.noise import add_gaussian_noise
from raisr.provenance import write_json

__all__ = ["main"]

_GOALS = {2: 1.8, 4: 3.0}
_OPTIONS: dict[str, Any] = {"size": 7, "stages": 2, "data_range": 255, "progress": False}


class _Pairs:
    """Noisy and clean photographs; an item is read when it is asked for."""

    def __init__(self, images: Any) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        clean = rgb_to_gray(self.images[place].read()).astype(np.float32)
        return add_gaussian_noise(clean, SIGMA, seed=place), clean


def main(arguments: list[str] | None = None) -> None:
    """Learn with every number of workers; print and write the table and the times."""
    options = _options(arguments)
    about, pairs = metadata(), _Pairs(list(load_dataset(options.dataset)))
    found = _measure(options, pairs)
    raw = options.output / "workers_raw.json"
    facts = {"set": options.dataset, "images": len(pairs), "sigma": SIGMA, **_OPTIONS}
    write_json(raw, {"metadata": about, "protocol": facts, "workers": found})
    table = _table(facts, found, about)
    command.announce([*command.publish([table], options.output, "workers"), raw])


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m benchmarks.workers", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--workers",
        action=command.ListOf,
        item=command.at_least(1),
        default=[1, 2],
        metavar="N",
        help="numbers of workers (default: 1 2)",
    )
    parser.add_argument(
        "--dataset", type=command.one_of(["bsd400", "sample"]), default="bsd400", metavar="SET"
    )
    parser.add_argument("--rounds", type=command.at_least(1), default=3, metavar="N")
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR")
    return parser.parse_args(arguments)


_Found = dict[int, dict[str, list[float]]]


def _measure(options: argparse.Namespace, pairs: _Pairs) -> _Found:
    """Return the seconds and the allowed speed-up of every round, by the number of workers."""
    from distributed import Client, LocalCluster

    quiet = {"dashboard_address": ":0", "silence_logs": 50, "threads_per_worker": 1}
    few = _Pairs(pairs.images[::20])
    with ExitStack() as opened:
        clients = {}
        for count in options.workers:
            cluster = opened.enter_context(LocalCluster(n_workers=count, **quiet))
            clients[count] = opened.enter_context(Client(cluster))
            _learn(_Pairs(pairs.images[:8]), _OPTIONS, clients[count])
        found: _Found = {count: {"seconds": [], "allowed": []} for count in clients}
        for _ in range(options.rounds):
            for count, client in clients.items():
                found[count]["seconds"].append(_learn(pairs, _OPTIONS, client))
                found[count]["allowed"].append(_allowed(few, client))
    return found


def _learn(pairs: _Pairs, options: dict[str, Any], client: Any = None) -> float:
    start = time.perf_counter()
    raisr.learn_filters(pairs, client=client, num_threads=1, **options)
    return time.perf_counter() - start


def _allowed(pairs: _Pairs, client: Any) -> float:
    """Return how much more all workers do at once than one of them alone."""
    workers = list(client.nthreads())

    def at_once(some: list[str]) -> float:
        start = time.perf_counter()
        learns = [client.submit(_learn, pairs, _OPTIONS, workers=[w], pure=False) for w in some]
        client.gather(learns)
        return time.perf_counter() - start

    return len(workers) * at_once(workers[:1]) / at_once(workers)


def _table(facts: dict[str, Any], measured: _Found, about: dict) -> Table:
    rows, (first, alone) = [], next(iter(measured.items()))
    for count, found in measured.items():
        seconds = found["seconds"]
        gain = float(np.median(np.divide(alone["seconds"], seconds)))
        goal = _GOALS.get(count) if first == 1 else None
        rows.append(
            (
                str(count),
                f"{np.median(seconds):.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}",
                EMPTY if count == first else f"{gain:.2f}x",
                EMPTY if count == 1 else f"{np.median(found['allowed']):.2f}x",
                f">= {goal:g}: {verdict(gain >= goal)}" if goal else "",
            )
        )
    return Table(
        f"Learning on workers: {facts['images']} images of {facts['set']}, filters of "
        f"{facts['size']} x {facts['size']}, {facts['stages']} stages",
        ("workers of one thread", "seconds", "range", "speed-up", "machine allows", "goal"),
        (Section("`learn_filters(pairs, client=...)`", tuple(rows)),),
        (
            f"medians of {len(alone['seconds'])} rounds in turns; workers read the images and add "
            "the noise",
            "machine allows: how much more is done when every worker learns by itself",
            ", ".join(f"{key} {value}" for key, value in about.items()),
        ),
    )


if __name__ == "__main__":
    run(main)
