"""Tasks beside denoising, `python -m comparisons.tasks`: enlarging, cleaning JPEGs, sharpening.

Beside raisr.upscale stand the resizers that people use, and what papers print of learned filters
and of the first network; beside raisr.deblock the JPEG itself and a filter that people use; beside
raisr.sharpen the unsharp masks that people use.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comparisons import command
from comparisons.draw.crops import save_figure
from comparisons.draw.tables import EMPTY, EMPTY_NOTE, Section, Table
from comparisons.draw.task_crops import PICTURES
from comparisons.measure import deblocking, sharpening
from comparisons.measure.enlarging import (
    COMPRESSED,
    COMPRESSED_PROTOCOL,
    METHODS,
    PROTOCOL,
    measure,
)
from comparisons.measure.store import COMMITTED
from raisr.command import Parser, run
from raisr.datasets import dataset_label, load_dataset
from raisr.provenance import environment, git_commit, read_json, write_json

FILE = "upscaling.json"
_FACTORS = (2, 3, 4)
_REFERENCE = "opencv_cubic"

COMPRESSED_FILE = "upscaling_compressed.json"
_COMPRESSED_SET, _COMPRESSED_FACTOR = "set14", 2
_COMPRESSED_QUALITIES = (30, 50, 75, 90)

CLEANING_FILE = "deblocking.json"
_QUALITIES = (10, 20, 30, 40)
_CLEANING_SETS = ["bsd68", "cbsd68"]

SHARPENING_FILE = "sharpening.json"
_SHARPENING_SET = "bsd68"

_TASKS = ["upscale", "compressed", "deblock", "sharpen"]

PUBLISHED: dict[str, dict[str, tuple[float, ...]]] = {
    "set14": {
        "bicubic": (30.24, 27.55, 26.00),
        "RAISR (Romano et al., 2016)": (31.98, 28.76, 26.91),
        "A+ (Timofte et al., 2014)": (32.28, 29.13, 27.32),
        "SRCNN (Dong et al., 2014)": (32.42, 29.28, 27.49),
    }
}
"""Printed PSNR in dB by factor, 2, 3 and 4, on a set."""

PUBLISHED_CLEANING: dict[str, dict[str, dict[int, float]]] = {
    "bsd68": {
        "LIVE1: the JPEG": {10: 27.77, 20: 30.07, 30: 31.41, 40: 32.35},
        "LIVE1: SA-DCT (Foi et al., 2007)": {10: 28.65, 20: 30.81, 30: 32.08, 40: 32.99},
        "LIVE1: AR-CNN (Dong et al., 2015)": {10: 28.96, 20: 31.29, 30: 32.67, 40: 33.63},
    }
}
"""Printed PSNR in dB by quality, beside a set."""
_LIVE1 = (
    "LIVE1: luma of other images, compressed by MATLAB: compare what is gained over the JPEG. As "
    "printed by Dong et al., ICCV 2015, and Zhang et al., TIP 2017 (AR-CNN)."
)


def measure_all(sets: Sequence[str], *, download: bool) -> dict[str, Any]:
    """Measure every method on some sets, by each factor."""
    found = {
        name: {
            str(factor): measure(load_dataset(name, download=download), factor, METHODS)
            for factor in _FACTORS
        }
        for name in sets
    }
    return {"metadata": _about(PROTOCOL), "upscaling": found}


def _about(protocol: str) -> dict[str, Any]:
    return {
        "protocol": protocol,
        "timing": "CPU time of one thread, methods in turns, without compilation",
        "git_commit": git_commit(),
        **environment(),
    }


def build_table(name: str, found: Mapping[str, Any]) -> Table:
    """Return the table of one set."""
    rows = []
    for method, enlarger in METHODS.items():
        cells = [f"{np.mean(found[str(factor)][method]['psnr']):.2f}" for factor in _FACTORS]
        times = [f"{_ratio(found[str(factor)], method):.3g}" for factor in _FACTORS]
        rows.append((enlarger.label, *cells, *times))
    printed = [
        (label, *(f"{value:.2f}" for value in values), *[EMPTY] * len(_FACTORS))
        for label, values in PUBLISHED.get(name, {}).items()
    ]
    sections = Section("measured", tuple(rows)), Section("published", tuple(printed))
    return Table(
        f"Enlarging, {dataset_label(name)}: PSNR in dB, and time",
        ("method", *(f"x{f}" for f in _FACTORS), *(f"time x{f}" for f in _FACTORS)),
        tuple(section for section in sections if section.rows),
        (
            f"PSNR: {PROTOCOL}.",
            "time: CPU time of one thread over that of OpenCV INTER_CUBIC in the same run, "
            "medians of the images.",
            EMPTY_NOTE,
        ),
    )


def _ratio(found: Mapping[str, Any], method: str) -> float:
    times = (found[name]["seconds_per_megapixel"] for name in (method, _REFERENCE))
    mine, reference = map(np.median, times)
    return float(mine / reference)


def measure_compressed(*, download: bool) -> dict[str, Any]:
    """Measure what enlarges JPEGs, at each quality."""
    dataset = load_dataset(_COMPRESSED_SET, download=download)
    found = {
        str(quality): measure(dataset, _COMPRESSED_FACTOR, COMPRESSED, quality)
        for quality in _COMPRESSED_QUALITIES
    }
    about = _about(COMPRESSED_PROTOCOL)
    return {"metadata": about | {"dataset": _COMPRESSED_SET}, "compressed": found}


def build_compressed_table(stored: Mapping[str, Any]) -> Table:
    """Return the table of enlarged JPEGs."""
    found = stored["compressed"]
    rows = _rows(COMPRESSED, list(found.values()))
    label = dataset_label(stored["metadata"]["dataset"])
    return Table(
        f"Enlarging JPEGs by {_COMPRESSED_FACTOR}, {label}: PSNR in dB, and time",
        ("method", *(f"quality {quality}" for quality in found), "seconds"),
        (Section("measured", tuple(rows)),),
        (
            f"PSNR: {COMPRESSED_PROTOCOL}.",
            "seconds: CPU time of one thread for a megapixel of the result, mean of the qualities, "
            "medians of the images.",
        ),
    )


def _rows(methods: Mapping[str, Any], qualities: Sequence[Mapping[str, Any]]) -> list[tuple]:
    """Return label, PSNR at each quality, and seconds of each method."""
    rows = []
    for name, method in methods.items():
        each = [found[name] for found in qualities]
        seconds = np.mean([np.median(one["seconds_per_megapixel"]) for one in each])
        cells = [f"{np.mean(one['psnr']):.2f}" for one in each]
        rows.append((method.label, *cells, f"{seconds:.2g}"))
    return rows


def measure_cleaning(*, download: bool) -> dict[str, Any]:
    """Measure what cleans JPEGs, at each quality, on gray and on colour images."""
    found = {
        name: {
            str(quality): deblocking.measure(
                load_dataset(name, download=download), quality, list(deblocking.CLEANERS)
            )
            for quality in _QUALITIES
        }
        for name in _CLEANING_SETS
    }
    return {"metadata": _about(deblocking.PROTOCOL), "deblocking": found}


def build_cleaning_table(name: str, found: Mapping[str, Any]) -> Table:
    """Return the table of cleaned JPEGs of one set."""
    rows = _rows(deblocking.CLEANERS, [found[str(quality)] for quality in _QUALITIES])
    printed = [
        (label, *(f"{values[quality]:.2f}" for quality in _QUALITIES), EMPTY)
        for label, values in PUBLISHED_CLEANING.get(name, {}).items()
    ]
    sections = Section("measured", tuple(rows)), Section("published", tuple(printed))
    return Table(
        f"Cleaning JPEGs, {dataset_label(name)}: PSNR in dB, and time",
        ("method", *(f"quality {quality}" for quality in _QUALITIES), "seconds"),
        tuple(section for section in sections if section.rows),
        (
            f"PSNR: {deblocking.PROTOCOL}.",
            *[_LIVE1] * bool(printed),
            "seconds: CPU time of one thread for a megapixel, mean of the qualities, medians of "
            "the images; of raisr.deblock with the search for blocks.",
        ),
    )


def measure_sharpening(*, download: bool) -> dict[str, Any]:
    """Measure what sharpens: soft images, a step, and flat areas."""
    dataset, names = load_dataset(_SHARPENING_SET, download=download), list(sharpening.SHARPENERS)
    found = {
        _condition(*condition): sharpening.measure(dataset, *condition, names)
        for condition in sharpening.CONDITIONS
    }
    facts = {
        "overshoot": {name: round(sharpening.overshoot(name), 4) for name in names},
        "noise_gain": {
            name: {
                f"{sigma:g}": round(sharpening.noise_gain(name, sigma), 4)
                for sigma in sharpening.NOISES
            }
            for name in names
        },
    }
    about = _about(sharpening.PROTOCOL) | {"dataset": _SHARPENING_SET}
    return {"metadata": about, "sharpening": found} | facts


def _condition(blur: float, sigma: float) -> str:
    return f"{blur:g} px, noise {sigma:g}"


def build_sharpening_table(stored: Mapping[str, Any]) -> Table:
    """Return the table of sharpened images."""
    found, rows = stored["sharpening"], []
    for method, sharpener in sharpening.SHARPENERS.items():
        each = [methods[method] for methods in found.values()]
        cells = [f"{np.mean(one['psnr']):.2f}/{np.mean(one['ssim']):.3f}" for one in each]
        gains = stored["noise_gain"][method].values()
        seconds = np.mean([np.median(one["seconds_per_megapixel"]) for one in each])
        halo = f"{100 * stored['overshoot'][method]:.1f} %"
        rows.append((sharpener.label, *cells, halo, f"{max(gains):.2f}", f"{seconds:.2g}"))
    return Table(
        f"Sharpening, {dataset_label(stored['metadata']['dataset'])}: PSNR in dB / SSIM, and harm",
        ("method", *found, "overshoot", "noise gain", "seconds"),
        (Section("measured", tuple(rows)),),
        (
            f"Columns: blur and noise. {sharpening.PROTOCOL}.",
            "overshoot: at steps from 60 to 180, of their height, blurred by "
            f"{', '.join(f'{blur:g}' for blur in sharpening.STEP_BLURS)} pixels, the largest.",
            "noise gain: standard deviation of a flat area after over before, white noise of "
            f"{', '.join(f'{sigma:g}' for sigma in sharpening.NOISES)}, the largest.",
            "seconds: CPU time of one thread for a megapixel, mean of the columns, medians of the "
            "images.",
        ),
    )


def read_sharpening(root: Path = COMMITTED) -> dict[str, Any] | None:
    """Return the stored results of sharpening; None where there are none."""
    return read_json(root / SHARPENING_FILE)


def read_compressed(root: Path = COMMITTED) -> dict[str, Any] | None:
    """Return the stored results of enlarged JPEGs; None where there are none."""
    return read_json(root / COMPRESSED_FILE)


def read_tasks(root: Path = COMMITTED) -> dict[str, Any]:
    """Return the stored results of each set; empty where nothing was measured."""
    return (read_json(root / FILE) or {"upscaling": {}})["upscaling"]


def read_cleaning(root: Path = COMMITTED) -> dict[str, Any]:
    """Return the stored results of cleaned JPEGs of each set; empty where there are none."""
    return (read_json(root / CLEANING_FILE) or {"deblocking": {}})["deblocking"]


def main(arguments: list[str] | None = None) -> None:
    """Measure, or read; store the results, print the tables and write their files."""
    parser = Parser(prog="python -m comparisons.tasks", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--task",
        action=command.ListOf,
        item=command.one_of(_TASKS),
        default=_TASKS,
        metavar="TASK",
        help=f"{', '.join(_TASKS)} (default: all)",
    )
    what = "test sets to enlarge"
    command.add_dataset_option(parser, what, sets=["set14", "bsd68"])
    command.add_data_options(parser)
    command.add_output_option(parser, "tables and crops")
    command.add_results_option(parser)
    parser.add_argument(
        "--from-results", type=Path, metavar="DIR", help="read the results here; measure nothing"
    )
    options = parser.parse_args(arguments)
    if not options.from_results:
        _measure(options)
    root, tables = options.from_results or options.results, []
    if "upscale" in options.task:
        stored = read_tasks(root)
        tables += [build_table(name, stored[name]) for name in options.datasets if name in stored]
    if "compressed" in options.task and (results := read_compressed(root)):
        tables.append(build_compressed_table(results))
    if "deblock" in options.task:
        tables += [build_cleaning_table(*item) for item in read_cleaning(root).items()]
    if "sharpen" in options.task and (results := read_sharpening(root)):
        tables.append(build_sharpening_table(results))
    written = command.publish(tables, options.output, "tasks")
    for task in PICTURES.keys() & set(options.task):
        written.append(options.output / f"tasks_{task}.png")
        save_figure(PICTURES[task](), written[-1])
    command.announce(written)


def _measure(options: Any) -> None:
    """Measure the tasks of the options, and store the results."""
    if "upscale" in options.task:
        results = measure_all(options.datasets, download=options.download)
        write_json(options.results / FILE, results)
    if "compressed" in options.task:
        results = measure_compressed(download=options.download)
        write_json(options.results / COMPRESSED_FILE, results)
    if "deblock" in options.task:
        write_json(options.results / CLEANING_FILE, measure_cleaning(download=options.download))
    if "sharpen" in options.task:
        write_json(options.results / SHARPENING_FILE, measure_sharpening(download=options.download))


if __name__ == "__main__":
    run(main)
