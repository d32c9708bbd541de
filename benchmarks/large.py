"""Peak of memory and time of images larger than memory: `python -m benchmarks.large`.

Zarr arrays of 8 bits, in chunks of 1024 x 1024; a quarter of each has waves and noise of sigma
20, the rest is constant. Each is denoised by `raisr.denoise_stream`, level estimated, in a fresh
process. The peak is that of the resident set.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import metadata, verdict
from comparisons import command
from comparisons.draw.tables import Section, Table
from raisr.command import Parser, run
from raisr.provenance import write_json

__all__ = ["main", "make_image"]

_CHUNK = 1024
_GOAL = 1e9  # bytes
_SCRIPT = """
import json, sys, time
import raisr
from benchmarks.peak import peak_memory
start = time.perf_counter(), time.process_time()
raisr.denoise_stream(sys.argv[1], sys.argv[2], num_threads=1)
peak = peak_memory()
seconds, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
print(json.dumps({"peak": peak, "seconds": seconds, "cpu_seconds": cpu}))
"""


def make_image(path: Path, side: int, seed: int = 0) -> None:
    """Write a square image of `side` pixels, uint8, as a zarr with all its chunks."""
    import zarr

    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:_CHUNK, :_CHUNK]
    waves = [np.sin(x / (7 + k)) * np.cos(y / (11 + k)) for k in range(4)]
    noisy = [(128 + 60 * w + rng.normal(0, 20, w.shape)).clip(0, 255).astype("u1") for w in waves]
    image = zarr.create_array(
        path,
        shape=(side, side),
        chunks=(_CHUNK, _CHUNK),
        dtype="u1",
        dimension_names=["y", "x"],
        config={"write_empty_chunks": True},
    )
    for i in range(-(-side // _CHUNK)):
        for j in range(-(-side // _CHUNK)):
            place = tuple(slice(k * _CHUNK, min(side, (k + 1) * _CHUNK)) for k in (i, j))
            height, width = (span.stop - span.start for span in place)
            area = (i // 4 + j // 4) % 4
            flat = np.full((height, width), 60 * area, np.uint8)
            image[place] = flat if area else noisy[(i + j) % 4][:height, :width]


def main(arguments: list[str] | None = None) -> None:
    """Measure every size; print and write the table and what was measured."""
    parser = Parser(prog="python -m benchmarks.large", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--megapixels",
        action=command.ListOf,
        item=command.at_least(1),
        default=[100, 1000, 10_000],
        metavar="N",
        help="sizes (default: 100 1000 10000)",
    )
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR")
    parser.add_argument("--scratch", type=Path, help="folder with room for the files")
    options: argparse.Namespace = parser.parse_args(arguments)
    about, found = metadata(), []
    for megapixels in options.megapixels:
        side = round((megapixels * 10**6) ** 0.5)
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            make_image(Path(folder, "image.zarr"), side)
            found.append({"side": side, **_denoised(Path(folder))})
        raw = options.output / "large_raw.json"
        write_json(raw, {"metadata": about, "results": found})
    table = _table(found, about)
    command.announce([*command.publish([table], options.output, "large"), raw])


def _denoised(folder: Path) -> dict[str, Any]:
    names = [str(folder / name) for name in ("image.zarr", "denoised.zarr")]
    arguments = [sys.executable, "-c", _SCRIPT, *names]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def _table(found: list[dict[str, Any]], about: dict[str, Any]) -> Table:
    rows = [
        (
            f"{one['side']} x {one['side']}",
            f"{one['peak'] / 1e6:.0f}",
            f"{one['cpu_seconds']:.0f}",
            f"{one['seconds']:.0f}",
            f"< {_GOAL / 1e6:.0f}: {verdict(one['peak'] < _GOAL)}",
        )
        for one in found
    ]
    return Table(
        "Images larger than memory: zarr to zarr, 8 bits, one thread",
        ("pixels", "peak, MB", "CPU seconds", "seconds", "goal for the peak"),
        (Section("`raisr.denoise_stream`, level estimated", tuple(rows)),),
        (
            "a quarter of each image has waves and noise, the rest is constant; the peak is all "
            "that is resident, libraries and compiled kernels included",
            ", ".join(f"{key} {value}" for key, value in about.items()),
        ),
    )


if __name__ == "__main__":
    run(main)
