"""Measure and print: `python -m benchmarks`, one thread and two."""

import argparse
from dataclasses import asdict
from pathlib import Path

import cv2
from threadpoolctl import threadpool_limits

from benchmarks.cases import CASES, Case, mosaic
from benchmarks.timing import Timing, interleaved
from comparisons.command import Parser, announce, at_least, publish, run
from comparisons.provenance import environment, git_commit, write_json
from comparisons.tables import Section, Table


def table(threads: int, found: list[tuple[Case, dict[str, Timing]]]) -> Table:
    """Return one row for each contender: times and the ratio to the case's reference."""
    sections = []
    for case, timings in found:
        base = timings[case.reference].wall
        rows = tuple(
            (
                name,
                f"{timing.wall / case.pixels * 1e9:.2f}",
                f"{timing.cpu / case.pixels * 1e9:.2f}",
                f"{case.pixels / timing.wall / 1e6:.1f}",
                f"{timing.wall / base:.3f}",
            )
            for name, timing in timings.items()
        )
        sections.append(Section(f"{case.title}; ratio to {case.reference}", rows))
    notes = [f"{key} {value}" for key, value in environment().items()]
    return Table(
        f"Speed, {threads} thread(s): medians of interleaved rounds",
        ("", "ns/pixel, wall", "ns/pixel, CPU", "Mpixel/s", "ratio"),
        tuple(sections),
        (", ".join(notes) + f", commit {git_commit()}", *(c.note for c, _ in found if c.note)),
    )


def main() -> None:
    """Run the cases the options name; write the table and the raw timings."""
    parser = Parser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--megapixels", type=float, default=1.0, help="size of the image")
    parser.add_argument("--threads", type=at_least(1), nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=at_least(1), default=9)
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR")
    options = parser.parse_args()
    if unknown := sorted(set(options.cases) - set(CASES)):
        parser.error(f"no case {', '.join(unknown)}; choose from {', '.join(CASES)}")
    tables, records = [], []
    for threads in options.threads:
        found = measure(options, threads)
        tables.append(table(threads, found))
        records += [record(threads, case, timings) for case, timings in found]
    path = options.output / "benchmarks_raw.json"
    write_json(path, {**environment(), "commit": git_commit(), "cases": records})
    announce([*publish(tables, options.output, "benchmarks"), path])


def measure(options: argparse.Namespace, threads: int) -> list[tuple[Case, dict[str, Timing]]]:
    """Time the chosen cases with `threads` threads for every contender."""
    image = mosaic(round(options.megapixels * 2**20))
    cv2.setNumThreads(threads)
    found = []
    with threadpool_limits(threads):
        for name in options.cases or CASES:
            case = CASES[name](image, threads)
            found.append((case, interleaved(case.contenders, options.rounds)))
    return found


def record(threads: int, case: Case, timings: dict[str, Timing]) -> dict:
    """Return the raw timings of a case as JSON-able values."""
    seconds = {name: asdict(timing) for name, timing in timings.items()}
    return {
        "case": case.title,
        "threads": threads,
        "pixels": case.pixels,
        "reference": case.reference,
        "seconds": seconds,
    }


if __name__ == "__main__":
    run(main)
