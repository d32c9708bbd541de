"""Interleaved timing: every contender once a round, medians over the rounds."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Timing", "interleaved"]


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: medians over the rounds, and the quartiles of the wall time."""

    wall: float
    cpu: float
    quartiles: tuple[float, float]
    rounds: int


def interleaved(
    contenders: Mapping[str, Callable[[], object]], rounds: int = 9
) -> dict[str, Timing]:
    """Time contenders in turns, so that a slow spell of the machine hits all of them.

    Parameters
    ----------
    contenders : mapping of name -> function without arguments
        Each is called once before the first round, to compile and to fill caches.
    rounds : int
        Timed calls of each.

    Returns
    -------
    dict
        Name -> `Timing`; `cpu` counts every thread of the process.
    """
    for function in contenders.values():
        function()
    walls: dict[str, list[float]] = {name: [] for name in contenders}
    cpus: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, function in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            walls[name].append(time.perf_counter() - wall)
            cpus[name].append(time.process_time() - cpu)
    return {
        name: Timing(
            float(np.median(walls[name])),
            float(np.median(cpus[name])),
            (float(np.quantile(walls[name], 0.25)), float(np.quantile(walls[name], 0.75))),
            rounds,
        )
        for name in contenders
    }
