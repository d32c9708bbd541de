"""Table 3, `python -m comparisons.table3`: error of the gradient statistics of noisy images.

The truth is orientation, strength and coherence (in the units of the csconv preset) of the clean
image. The error of an estimate is the mean square over the pixels and the three channels, then
over the images: "linear" is the paper's way, which takes orientation as a number in [0, 1);
"circular" measures it around the half turn, where 0.99 and 0.01 are near.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.datasets import Dataset, dataset_label, dataset_note, load_dataset
from comparisons.evaluate import Measure, evaluate
from comparisons.methods import package_digest
from comparisons.protocol import PROTOCOLS, Protocol, Sample
from comparisons.provenance import content_digest
from comparisons.published import other_images_mark, paper_notes, paper_rows, published
from comparisons.store import COMMITTED, Result, ResultKey, load_result, save_result
from comparisons.tables import EMPTY, Section, Table

TABLE = "table3"
METHODS = {"raisr_n": "RAISR+N", "constant": "constant", "pcn": "PCN"}
_MARK = "*"
_ERRORS = ("linear", "circular")

Results = dict[tuple[str, str, float], Result]  # (method, set, sigma) -> result


def statistics(plane: NDArray[np.float32], data_range: float, shave: int) -> NDArray[np.float64]:
    """Return (3, H, W) orientation, strength and coherence without `shave` pixels of border."""
    import raisr

    height, width = plane.shape
    if 2 * shave >= min(height, width):
        raise ValueError(f"shave of {shave} pixels leaves nothing of {height} x {width}")
    maps = raisr.gradient_statistics(plane, "csconv", data_range=data_range, num_threads=1)
    return np.stack(maps).astype(np.float64)[:, shave : height - shave, shave : width - shave]


def statistics_errors(estimate: NDArray, truth: NDArray) -> dict[str, float]:
    """Return the linear and the circular mean square error of (3, H, W) statistics."""
    difference = estimate - truth
    linear = float(np.mean(np.square(difference)))
    difference[0] -= np.rint(difference[0])
    return {"linear": linear, "circular": float(np.mean(np.square(difference)))}


def noisy_errors(sample: Sample, shave: int) -> dict[str, float]:
    """Return the errors of the statistics of the noisy image (RAISR+N)."""
    noisy = statistics(sample.noisy, sample.data_range, shave)
    return statistics_errors(noisy, statistics(sample.clean, sample.data_range, shave))


def clean_means(sample: Sample, shave: int) -> dict[str, float]:
    """Return the mean of each clean statistic, and the mean direction of the doubled angle."""
    orientation, strength, coherence = statistics(sample.clean, sample.data_range, shave)
    angle = 2 * math.pi * orientation
    return {
        "orientation": float(orientation.mean()),
        "cosine": float(np.cos(angle).mean()),
        "sine": float(np.sin(angle).mean()),
        "strength": float(strength.mean()),
        "coherence": float(coherence.mean()),
    }


def constant_errors(sample: Sample, shave: int, means: dict[str, float]) -> dict[str, float]:
    """Return the errors of predicting one constant per channel, from means over the whole set.

    The constant orientation is the mean for the linear error and the mean direction for the
    circular one.
    """
    truth = statistics(sample.clean, sample.data_range, shave)
    direction = math.atan2(means["sine"], means["cosine"]) / (2 * math.pi) % 1
    errors = {}
    for name, orientation in (("linear", means["orientation"]), ("circular", direction)):
        constant = np.array([orientation, means["strength"], means["coherence"]])
        errors[name] = statistics_errors(constant[:, None, None], truth)[name]
    return errors


def measure(
    dataset: Dataset, protocol: Protocol, sigma: float, options: argparse.Namespace
) -> Results:
    """Measure both predictors on a set, store a result file for each and return them."""

    def run(name: str, function: Callable[[Sample], dict[str, float]], *facts: object) -> list:
        fingerprint = f"{_source_digest()} {options.shave} {facts}"
        return evaluate(
            dataset,
            [Measure(f"{TABLE}/{name}", fingerprint, function)],
            protocol,
            sigma,
            cache_dir=options.output / "cache",
            seeds=options.seeds,
            jobs=options.jobs,
        )[f"{TABLE}/{name}"]

    moments = run("clean_means", partial(clean_means, shave=options.shave))
    names = ("orientation", "cosine", "sine", "strength", "coherence")
    means = {name: float(np.mean([record[name] for record in moments])) for name in names}
    records = {
        "raisr_n": run("raisr_n", partial(noisy_errors, shave=options.shave)),
        "constant": run(
            "constant", partial(constant_errors, shave=options.shave, means=means), means
        ),
    }
    results = {}
    for method, of_method in records.items():
        key = ResultKey(TABLE, protocol.name, sigma, dataset.name, method)
        facts = {"label": METHODS[method], "shave": options.shave}
        results[method, dataset.name, sigma] = save_result(options.results, key, facts, of_method)
    return results


def read_results(
    root: Path, protocol: str, names: Iterable[str], sigmas: Sequence[float]
) -> Results:
    """Return the stored results of some sets and noise levels."""
    results = {}
    for method, name, sigma in product(METHODS, names, sigmas):
        result = load_result(root, ResultKey(TABLE, protocol, sigma, name, method))
        if result:
            results[method, name, sigma] = result
    return results


def build_table(
    protocol: Protocol, names: Sequence[str], sigmas: Sequence[float], results: Results
) -> Table:
    """Return the table of one protocol: for each set our rows, then the paper's.

    The sets asked for come first; under `paper` the paper's follow, with our committed results.
    """
    paper = published()["paper"]["datasets"].values() if protocol.name == "paper" else ()
    others = [name for name in paper if name not in names]
    shown = results | read_results(COMMITTED, protocol.name, others, sigmas)
    sections = []
    for name in [*names, *others]:
        rows = [_measured_row(method, name, sigmas, shown) for method in METHODS]
        if name in paper:
            rows += _paper_rows(name, sigmas)
        mark = _MARK if name in others else ""
        sections.append(Section(dataset_label(name) + mark, tuple(rows)))
    headings = [f"{error} {sigma:g}" for error in _ERRORS for sigma in sigmas]
    return Table(
        f"Table 3, protocol {protocol.name}: MSE of the gradient statistics, by sigma",
        ("estimate", *headings),
        tuple(sections),
        _notes(protocol, [*names, *others], list(shown.values())),
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    parser = command.table_parser(
        "comparisons.table3",
        __doc__.split("\n\n")[0],
        protocols=["paper"],
        sigmas=[15, 25, 50],
    )
    parser.add_argument(
        "--shave",
        type=command.at_least(0),
        default=6,
        metavar="N",
        help="pixels left out along the border (default: 6, as the paper's code does)",
    )
    options = command.parse(parser, arguments)
    sets = []
    if not options.from_results:
        sets = [load_dataset(name, download=options.download) for name in options.datasets]
    tables = []
    for protocol in (PROTOCOLS[name] for name in options.protocol):
        results: Results = {}
        if options.from_results:
            root, names = options.from_results, options.datasets
            results = read_results(root, protocol.name, names, options.sigma)
        for dataset, sigma in product(sets, options.sigma):
            results |= measure(dataset, protocol, sigma, options)
        tables.append(build_table(protocol, options.datasets, options.sigma, results))
    command.announce(command.publish(tables, options.output, TABLE))


def _measured_row(
    method: str, name: str, sigmas: Sequence[float], results: Results
) -> tuple[str, ...]:
    absent = "not trained" if method == "pcn" else EMPTY
    found = [results.get((method, name, sigma)) for sigma in sigmas]
    cells = [f"{r['mean'][error]:.3f}" if r else absent for error in _ERRORS for r in found]
    return f"{METHODS[method]}, here", *cells


def _paper_rows(name: str, sigmas: Sequence[float]) -> list[tuple[str, ...]]:
    levels = [paper_rows(TABLE, sigma) for sigma in sigmas]
    mark = other_images_mark(name)
    return [
        (
            f"{method}, paper",
            *(f"{r[method].cells[name][0]:.3f}{mark}" if r else EMPTY for r in levels),
            *[EMPTY] * len(sigmas),
        )
        for method in dict.fromkeys(method for rows in levels for method in rows)
    ]


def _notes(protocol: Protocol, names: list[str], results: list[Result]) -> tuple[str, ...]:
    shaves = sorted({result["metadata"]["shave"] for result in results})
    notes = [
        f"Protocol {protocol.name}: {protocol.summary}.",
        *(f"{dataset_label(name)}: {note}." for name in names if (note := dataset_note(name))),
        "linear: the paper's way; circular: orientation measured around the half turn.",
        "constant: the mean of each clean statistic over the set, whatever the image.",
        f"Border left out: {', '.join(map(str, shaves))} pixels.",
    ]
    if protocol.name != "paper":
        return tuple(notes)
    mark = f"{_MARK} committed results (comparisons/results), not measured in this run."
    return (*notes, mark, *paper_notes())


def _source_digest() -> str:
    return package_digest() + content_digest([Path(__file__)])


if __name__ == "__main__":
    command.run(main)
