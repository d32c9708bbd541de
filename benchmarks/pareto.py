"""Quality against time of every denoiser: `python -m benchmarks.pareto`.

PSNR on bsd68 under the protocol `standard` at sigma 25 against seconds per megapixel on one
thread. All denoisers run in turns on the same images. Writes JSON, CSV, a table and the picture.
"""

import argparse
import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import SIGMA
from benchmarks.denoisers import DENOISERS, PROTOCOL, find
from benchmarks.pareto_plot import Point, save_plot
from benchmarks.report import metadata, verdict
from benchmarks.timing import thread_limit
from comparisons import command
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.evaluate import Record, denoising_measure, evaluate
from raisr.command import Parser, run
from raisr.datasets import dataset_names, load_dataset
from raisr.provenance import write_file, write_json

_LEAST_PSNR = {"bsd68": 28.57, "set12": 29.9}
_MOST_SECONDS = 0.1
_LEAST_GAIN = 500


def main(arguments: list[str] | None = None) -> None:
    """Measure the denoisers that can run; print and write what was found."""
    options = _options(arguments)
    found, absent = find(options.denoisers)
    about = metadata() | {"protocol": PROTOCOL.name, "sigma": SIGMA, "set": options.dataset}
    records = _measure(options, found)
    points = [_point(name, of_denoiser) for name, of_denoiser in records.items()]
    data, sheet = (options.output / f"pareto_{options.dataset}{s}" for s in ("_raw.json", ".csv"))
    write_json(data, {"metadata": about, "absent": absent, "denoisers": _columns(records)})
    write_file(sheet, _csv(points))
    pictures = [options.output / f"pareto_{options.dataset}{s}" for s in (".png", ".svg")]
    for picture in pictures:
        save_plot(points, options.dataset, picture)
    tables = [_table(options.dataset, points, absent, about)]
    written = command.publish(tables, options.output, f"pareto_{options.dataset}")
    command.announce([*written, data, sheet, *pictures])


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="python -m benchmarks.pareto", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--dataset", type=command.one_of(dataset_names()), default="bsd68", metavar="SET"
    )
    parser.add_argument(
        "--denoisers",
        nargs="+",
        type=command.one_of(list(DENOISERS)),
        default=list(DENOISERS),
        metavar="NAME",
        help=f"one or more of {', '.join(DENOISERS)} (default: all)",
    )
    parser.add_argument("--output", type=Path, default=Path("output"), metavar="DIR")
    command.add_data_options(parser)
    return parser.parse_args(arguments)


def _measure(
    options: argparse.Namespace, denoisers: dict[str, Denoiser]
) -> dict[str, list[Record]]:
    measures = [denoising_measure(name, d, PROTOCOL) for name, d in denoisers.items()]
    dataset = load_dataset(options.dataset, download=options.download)
    cache = options.output / "pareto_cache"
    with thread_limit(1):
        return evaluate(dataset, measures, PROTOCOL, SIGMA, cache_dir=cache, jobs=1)


def _point(name: str, records: list[Record]) -> Point:
    seconds = [record["seconds_per_megapixel"] for record in records]
    low, median, high = np.quantile(seconds, (0.25, 0.5, 0.75)).tolist()
    psnr, ssim = (float(np.mean([r[key] for r in records])) for key in ("psnr", "ssim"))
    return Point(name, DENOISERS[name].method.family, psnr, ssim, median, (low, high))


def _columns(records: dict[str, list[Record]]) -> dict[str, dict[str, list[Any]]]:
    keys = ("image", "psnr", "ssim", "seconds_per_megapixel")
    return {name: {key: [r[key] for r in found] for key in keys} for name, found in records.items()}


def _csv(points: list[Point]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("denoiser", "psnr", "ssim", "seconds_per_megapixel"))
    writer.writerows((p.name, f"{p.psnr:.3f}", f"{p.ssim:.4f}", f"{p.seconds:.4g}") for p in points)
    return out.getvalue()


def _table(dataset: str, points: list[Point], absent: dict[str, str], about: dict) -> Table:
    rows: list[tuple[str, ...]] = [
        (
            point.name,
            f"{point.psnr:.2f}",
            f"{point.ssim:.4f}",
            f"{point.seconds:.3g}",
            "{:.3g}-{:.3g}".format(*point.quartiles),
        )
        for point in sorted(points, key=lambda point: point.seconds)
    ]
    rows += [(name, reason, *[EMPTY] * 3) for name, reason in absent.items()]
    return Table(
        f"Quality and time on {dataset}: {PROTOCOL.name}, sigma {SIGMA:g}, one thread",
        ("", "PSNR", "SSIM", "s/Mpixel", "quartiles"),
        (Section("denoisers, fastest first", tuple(rows)), *_goals(dataset, points)),
        (
            "medians over the images of the CPU time of a call",
            "every denoiser is told sigma; tables 1 to 5 leave it to hybrid.denoise to estimate it",
            "hybrid.denoise in bfloat16, as it runs where a processor multiplies that",
            ", ".join(f"{key} {value}" for key, value in about.items()),
        ),
    )


def _goals(dataset: str, points: list[Point]) -> list[Section]:
    """Return the goals of the model `best` that these points can tell, met or missed."""
    by_name = {point.name: point for point in points}
    best, bm3d = by_name.get("raisr best"), by_name.get("BM3D")
    if best is None:
        return []
    goals = [(f"<= {_MOST_SECONDS} s/Mpixel", best.seconds <= _MOST_SECONDS)]
    if dataset in _LEAST_PSNR:
        least = _LEAST_PSNR[dataset]
        goals.append((f">= {least:g} dB", best.psnr >= least))
    if bm3d:
        gain = bm3d.seconds / best.seconds
        goals.append((f">= {_LEAST_GAIN}x BM3D's speed ({gain:.0f}x)", gain >= _LEAST_GAIN))
        goals.append((f">= BM3D's PSNR ({bm3d.psnr:.2f} dB)", best.psnr >= bm3d.psnr))
    rows = tuple((f"raisr best {goal}", verdict(met), *[""] * 3) for goal, met in goals)
    return [Section("goals", rows)]


if __name__ == "__main__":
    run(main)
