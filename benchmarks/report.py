"""Tables of a run: times, ratios, the goals met and missed, and what two threads gain."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import llvmlite.binding

from benchmarks.case import Case, Goal
from benchmarks.timing import Timing
from comparisons.draw.tables import EMPTY, Section, Table
from raisr.provenance import environment, git_commit

__all__ = ["Result", "goal_table", "metadata", "speed_table", "thread_table", "verdict"]

_PEERS = ("opencv-python-headless", "torch", "onnxruntime", "bm3d")
_SPEED_UP = 1.85
_LARGE = 16 * 2**20


@dataclass(frozen=True)
class Result:
    """A case with the timings of its contenders by name and number of threads."""

    case: Case
    timings: dict[tuple[str, int], Timing]

    def timing(self, name: str, threads: int) -> Timing:
        """Return the timing of a contender; a serial one has the same for any number."""
        return self.timings.get((name, threads)) or next(
            timing for (found, _), timing in self.timings.items() if found == name
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the raw timings as JSON-able values."""
        return {
            "case": self.case.title,
            "pixels": self.case.pixels,
            "absent": self.case.absent,
            "seconds": [
                {"contender": name, "threads": threads, **asdict(timing)}
                for (name, threads), timing in self.timings.items()
            ],
        }


def metadata() -> dict[str, Any]:
    """Return what the timings depend on: machine, versions, commit, load."""
    return {
        **environment(),
        "core": llvmlite.binding.get_host_cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        **{package: _version(package) for package in _PEERS},
        "commit": git_commit(),
        "load": round(os.getloadavg()[0], 2),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def verdict(met: bool) -> str:
    """Return the word for a goal."""
    return "met" if met else "missed"


def _found(result: Result, name: str, goal: Goal) -> float:
    """Return what a goal bounds: a ratio, or megapixels a second."""
    timing = result.timing(name, 1)
    if goal.kind == "ratio":
        return result.timing(result.case.subjects[0], 1).over(timing)
    return result.case.pixels / timing.median / 1e6


def _goal_cells(result: Result, name: str, goal: Goal) -> tuple[str, str, str]:
    found = _found(result, name, goal)
    if goal.kind == "ratio":
        return f"<= {goal.limit:.3g}x", f"{found:.3g}x", verdict(found <= goal.limit)
    return f">= {goal.limit:g} Mpixel/s", f"{found:.3g} Mpixel/s", verdict(found >= goal.limit)


def speed_table(threads: int, results: Sequence[Result], about: dict[str, Any]) -> Table:
    """Return a row for each contender: times, the ratio of raisr to it, and the goal."""
    return Table(
        f"Speed: {threads} thread{'s' * (threads > 1)}, {_size(results[0])}",
        ("", "ns/pixel", "quartiles", "CPU ns/pixel", "Mpixel/s", "raisr takes", "goal"),
        tuple(_section(result, threads) for result in results),
        (
            "medians of interleaved rounds, wall time; "
            '"raisr takes": its time over that of the row, below 1 is faster',
            f"other processes kept {_others(results):.2f} cores busy (mean)",
            *dict.fromkeys(result.case.note for result in results if result.case.note),
            ", ".join(f"{key} {value}" for key, value in about.items()),
        ),
    )


def _others(results: Sequence[Result]) -> float:
    turns = [share for r in results for timing in r.timings.values() for share in timing.others]
    return sum(turns) / len(turns)


def _size(result: Result) -> str:
    side = round(result.case.pixels**0.5)
    return f"{side} x {side} pixels"


def _section(result: Result, threads: int) -> Section:
    case = result.case
    rows: list[tuple[str, ...]] = []
    for name in case.contenders:
        timing = result.timing(name, threads)
        low, high = timing.quartiles
        goal = case.goals.get(name) if threads == 1 else None
        rows.append(
            (
                name,
                _per_pixel(timing.median, case),
                f"{_per_pixel(low, case)}-{_per_pixel(high, case)}",
                _per_pixel(timing.median_cpu, case),
                _digits(case.pixels / timing.median / 1e6),
                _ratios(result, name, threads),
                "{0}: {2}".format(*_goal_cells(result, name, goal)) if goal else "",
            )
        )
    rows += [(name, reason, *[EMPTY] * 5) for name, reason in case.absent.items()]
    subjects = "" if case.subjects == ("raisr",) else f" (raisr: {', '.join(case.subjects)})"
    return Section(case.title + subjects, tuple(rows))


def _ratios(result: Result, name: str, threads: int) -> str:
    if name.startswith("raisr"):
        return EMPTY
    timing = result.timing(name, threads)
    subjects = [result.timing(subject, threads) for subject in result.case.subjects]
    return ", ".join(f"{subject.over(timing):.3g}x" for subject in subjects)


def _per_pixel(seconds: float, case: Case) -> str:
    return _digits(seconds / case.pixels * 1e9)


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def thread_table(threads: Sequence[int], results: Sequence[Result]) -> Table:
    """Return what more threads gain over the fewest, for the contenders of raisr."""
    base, *more = sorted(threads)
    rows = []
    for result in results:
        for name in (name for name in result.case.contenders if name.startswith("raisr")):
            for count in more:
                gain = result.timing(name, base).over(result.timing(name, count))
                bound = count == 2 and base == 1 and result.case.pixels >= _LARGE
                goal = f">= {_SPEED_UP}: {verdict(gain >= _SPEED_UP)}" if bound else ""
                title = f"{result.case.title}, {name}, {_size(result)}"
                rows.append((title, str(count), f"{gain:.2f}x", goal))
    return Table(
        f"Speed-up over {base} thread{'s' * (base > 1)}",
        ("", "threads", "speed-up", "goal"),
        (Section("raisr", tuple(rows)),),
    )


def goal_table(results: Sequence[Result]) -> Table:
    """Return every goal for one thread with what was found."""
    rows = [
        (f"{result.case.title}: {name}, {_size(result)}", *_goal_cells(result, name, goal))
        for result in results
        for name, goal in result.case.goals.items()
    ]
    return Table("Goals, one thread", ("", "goal", "found", ""), (Section("goals", tuple(rows)),))
