"""Interleaved timing: every contender once a round, with every number of threads."""

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.case import Contender

__all__ = ["Timing", "interleaved", "thread_limit"]

_SETTLE = 0.03  # threads of BLAS and OpenMP spin for some 10 ms after their work
_SHORTEST = 0.1  # the kernel counts the time of processes in ticks of 10 ms
_QUIET = 0.15
_RETRY = 0.5
_LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Timing:
    """Seconds of each round, for the whole work of the case.

    Attributes
    ----------
    wall, cpu : tuple of float
        `cpu` counts every thread.
    others : tuple of float
        Cores that other processes kept busy meanwhile, to some 0.1.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    others: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the wall times."""
        return float(np.median(self.wall))

    @property
    def median_cpu(self) -> float:
        """Median of the CPU times."""
        return float(np.median(self.cpu))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Lower and upper quartile of the wall times."""
        low, high = np.quantile(self.wall, (0.25, 0.75))
        return float(low), float(high)

    def over(self, other: "Timing") -> float:
        """Return the median over the rounds of this wall time divided by the other's."""
        return float(np.median([a / b for a, b in zip(self.wall, other.wall, strict=False)]))


@contextmanager
def thread_limit(count: int) -> Iterator[None]:
    """Set the number of threads of OpenCV and of the BLAS libraries."""
    cv2.setNumThreads(count)
    with threadpool_limits(count):
        yield


def interleaved(
    contenders: Mapping[str, Contender],
    threads: Sequence[int] = (1,),
    rounds: int = 9,
    budget: float = math.inf,
    patience: float = 0.0,
) -> dict[tuple[str, int], Timing]:
    """Time contenders in turns, so that a slow spell of the machine hits all of them.

    Parameters
    ----------
    contenders : mapping of name -> Contender
        Each is called twice before the first round: to compile, and to find how many calls make
        a time that can be measured.
    threads : sequence of int
        Each contender runs with all of these in every round; a serial one with the least.
    rounds : int
        Timed turns of each.
    budget : float
        Seconds after which a contender drops out, but not before its third round.
    patience : float
        Seconds in all that may go into repeating turns that other processes disturbed.

    Returns
    -------
    dict
        (name, number of threads) -> `Timing`.
    """
    turns = {
        (name, count): contender
        for name, contender in contenders.items()
        for count in threads
        if not contender.serial or count == min(threads)
    }
    calls = {key: _calls(contender, key[1]) for key, contender in turns.items()}
    times: dict[tuple[str, int], list[tuple[float, ...]]] = {key: [] for key in turns}
    for done in range(rounds):
        for key, contender in turns.items():
            spent = sum(wall for wall, *_ in times[key]) * calls[key] * contender.work
            if done >= _LEAST_ROUNDS and spent >= budget:
                continue
            turn = _turn(contender, key[1], calls[key])
            while turn[2] > _QUIET and patience > 0:
                start = time.perf_counter()
                time.sleep(_RETRY)
                turn = _turn(contender, key[1], calls[key])
                patience -= time.perf_counter() - start
            times[key].append(turn)
    return {key: Timing(*zip(*measured, strict=True)) for key, measured in times.items()}


def _turn(contender: Contender, threads: int, calls: int) -> tuple[float, float, float]:
    time.sleep(_SETTLE)
    with thread_limit(threads):
        busy, wall, cpu = _busy_seconds(), time.perf_counter(), time.process_time()
        for _ in range(calls):
            contender.run(threads)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        others = max(0.0, _busy_seconds() - busy - cpu) / wall
    done = calls * contender.work
    return wall / done, cpu / done, others


def _busy_seconds() -> float:
    """Return the CPU time of all processes, and that taken by a hypervisor."""
    user, nice, system, _, _, *interrupts_and_steal = (
        int(ticks) for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + sum(interrupts_and_steal)) / os.sysconf("SC_CLK_TCK")


def _calls(contender: Contender, threads: int) -> int:
    _turn(contender, threads, 1)
    wall, *_ = _turn(contender, threads, 1)
    return math.ceil(_SHORTEST / (wall * contender.work))
