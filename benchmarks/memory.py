"""Peaks of memory, each in a fresh process: `python -m benchmarks memory`.

A peak is that of the resident set, from which what is resident just before is taken
away: libraries, compiled kernels and, for denoising, the image.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import raisr
from benchmarks.peak import peak_memory
from benchmarks.report import metadata, verdict
from comparisons import command
from comparisons.draw.tables import Section, Table
from raisr.command import Parser
from raisr.provenance import write_json

__all__ = ["MEASURES", "main", "peak_of"]

_SIDE = 1024  # of a training image
_BLOCKS = 50e6  # rows in work in two threads
_EDGES = (0.1, 0.2, 0.3, 0.4, 0.5)
_SPEC = raisr.HashSpec(orientations=24, strength_edges=_EDGES, coherence_edges=_EDGES)
_Work = tuple[Callable[[], object], float]


class _Pairs:
    """Pairs of noise and its half, each made when it is asked for."""

    def __init__(self, count: int, side: int = _SIDE) -> None:
        self.count, self.side = count, side

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        for seed in range(self.count):
            shape = self.side, self.side
            image = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
            yield image, image // 2


def _denoising(model: str, pixels: int) -> _Work:
    """Return a call, and the bytes it may take: those of the result and two planes, and blocks."""
    image = np.random.default_rng(0).integers(0, 65536, (-(-pixels // 8192), 8192), np.uint16)

    def run(part: NDArray[np.uint16] = image) -> NDArray[np.uint16]:
        return raisr.denoise(part, 25 / 255 * 65535, model=model, num_threads=2)

    run(image[:64, :64])
    return run, image.nbytes + 2 * 4 * image.size + _BLOCKS


def _learning(pixels: int) -> _Work:
    """Return the learning from so many pixels, and the bytes it may take."""

    def learn(pairs: _Pairs) -> raisr.FilterBank:
        return raisr.learn_filters(pairs, _SPEC, size=11, num_threads=2, progress=False)

    learn(_Pairs(1, 64))
    return lambda: learn(_Pairs(-(-pixels // _SIDE**2))), 500e6


MEASURES: dict[str, Callable[[int], _Work]] = {
    "denoise fast, uint16": lambda pixels: _denoising("fast", pixels),
    "denoise best, uint16": lambda pixels: _denoising("best", pixels),
    "learn 864 classes of 11x11": lambda pixels: _learning(pixels // 8),
    "learn 864 classes of 11x11, a quarter of the images": lambda pixels: _learning(pixels // 32),
}
"""Name -> maker of the work, for a number of pixels."""


def peak_of(name: str, pixels: int) -> dict[str, float]:
    """Run one of `MEASURES` in this process; return bytes before, at the peak, and allowed."""
    run, allowed = MEASURES[name](pixels)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    run()
    return {"before": before, "peak": peak_memory(), "allowed": allowed}


def _in_fresh_process(name: str, pixels: int) -> dict[str, float]:
    script = (
        "import json, sys; from benchmarks.memory import peak_of; "
        "print(json.dumps(peak_of(sys.argv[1], int(sys.argv[2]))))"
    )
    arguments = [sys.executable, "-c", script, name, str(pixels)]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main(arguments: list[str] | None = None) -> None:
    """Measure every peak; print and write the table and the bytes."""
    parser = Parser(prog="python -m benchmarks memory", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--megapixels", type=command.at_least(1), default=100, help="of the image (default: 100)"
    )
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR")
    options: argparse.Namespace = parser.parse_args(arguments)
    pixels = options.megapixels * 10**6
    peaks = {name: _in_fresh_process(name, pixels) for name in MEASURES}
    about = metadata()
    raw = options.output / "memory_raw.json"
    write_json(raw, {"metadata": about, "pixels": pixels, "bytes": peaks})
    table = _table(options.megapixels, peaks, about)
    command.announce([*command.publish([table], options.output, "memory"), raw])


def _table(megapixels: int, peaks: dict[str, dict[str, float]], about: dict) -> Table:
    rows = []
    for name, found in peaks.items():
        above = found["peak"] - found["before"]
        cells = [f"{value / 1e6:.0f}" for value in (found["before"], found["peak"], above)]
        goal = f"<= {found['allowed'] / 1e6:.0f}: {verdict(above <= found['allowed'])}"
        rows.append((name, *cells, goal))
    return Table(
        f"Peaks of memory, MB: an image of {megapixels} megapixels, two threads",
        ("", "before", "peak", "above", "goal for above"),
        (Section("resident set of a fresh process", tuple(rows)),),
        (
            "allowed for denoising: the result, two float32 planes, and 50 MB for blocks of rows",
            f"learning sees {megapixels / 8:g} megapixels, in images of one, or a quarter of them",
            ", ".join(f"{key} {value}" for key, value in about.items()),
        ),
    )
