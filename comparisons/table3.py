"""Table 3, `python -m comparisons.table3`: error of the gradient statistics of noisy images.

The truth is orientation, strength and coherence (in the units of the csconv preset) of the clean
image. The error of an estimate is the mean square over the pixels and the three channels, then
over the images: "linear" is the paper's way, which takes orientation as a number in [0, 1);
"circular" measures it around the half turn, where 0.99 and 0.01 are near. What a network sees of
them is the class: "accuracy" is the share of pixels whose class of 72 is that of the truth.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.draw.tables import EMPTY, EMPTY_NOTE, Section, Table
from comparisons.measure import gradients
from comparisons.measure.denoisers import package_digest
from comparisons.measure.evaluate import Measure, Record, evaluate
from comparisons.measure.gradients import (
    class_accuracy,
    predicted_statistics,
    statistics,
    statistics_errors,
)
from comparisons.measure.networks import (
    find_weights,
    network_code_digest,
    network_fingerprint,
    training_facts,
    weights_name,
)
from comparisons.measure.protocol import PROTOCOLS, Protocol
from comparisons.measure.published import (
    other_images_mark,
    paper_kflops,
    paper_notes,
    paper_rows,
    published,
)
from comparisons.measure.store import COMMITTED, Result, ResultKey, load_result, save_result
from raisr.command import run
from raisr.datasets import Dataset, dataset_label, dataset_note, load_dataset
from raisr.noise import Sample
from raisr.provenance import content_digest

if TYPE_CHECKING:
    from hybrid.networks.pcn import PCN

TABLE = "table3"
METHODS = {"raisr_n": "RAISR+N", "constant": "constant", "pcn": "PCN", "raisr_d": "RAISR+D"}
_MARK = "*"
_FORMATS = {"linear": "{:.3f}", "circular": "{:.3f}", "accuracy": "{:.1%}"}

Results = dict[tuple[str, str, float], Result]  # (method, set, sigma) -> result


@dataclass(frozen=True)
class Predictor:
    """A PCN of one protocol and noise level, and what a result tells of it."""

    network: "PCN"
    fingerprint: str
    facts: dict[str, Any]

    @classmethod
    def load(cls, protocol: Protocol, sigma: float) -> "Predictor | None":
        """Return the one whose weights are at hand; None: not trained."""
        from hybrid import zoo
        from hybrid.networks.pcn import PCN

        weights = find_weights(weights_name(protocol, sigma, "pcn"))
        if weights is None:
            return None
        network, provenance = zoo.load_network(weights)
        if not isinstance(network, PCN):
            raise ValueError(f"{weights}: wanted the weights of a pcn, got {provenance['model']!r}")
        fingerprint = network_fingerprint(network, provenance)
        kflops = {"kflops_per_pixel": network.cost().kflops}
        return cls(network, fingerprint, kflops | training_facts(provenance))

    def errors(self, sample: Sample, shave: int) -> dict[str, float]:
        """Return the errors of the statistics that it predicts from the noisy image."""
        return _all_errors(predicted_statistics(self.network, sample, shave), sample, shave)


def noisy_errors(sample: Sample, shave: int) -> dict[str, float]:
    """Return the errors of the statistics of the noisy image (RAISR+N)."""
    return _all_errors(statistics(sample.noisy, sample.data_range, shave), sample, shave)


def denoised_errors(sample: Sample, shave: int) -> dict[str, float]:
    """Return the errors of the statistics of what `raisr.denoise` makes of the image (RAISR+D)."""
    from hybrid.classifiers import denoised

    plane = denoised(sample.noisy, sample.sigma, sample.data_range, num_threads=1)
    return _all_errors(statistics(plane, sample.data_range, shave), sample, shave)


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
    dataset: Dataset,
    protocol: Protocol,
    sigma: float,
    predictor: Predictor | None,
    options: argparse.Namespace,
) -> Results:
    """Measure all estimates on a set, store a result file for each and return them."""

    def run(name: str, function: Callable[..., dict[str, float]], *facts: object) -> list[Record]:
        fingerprint = f"{_source_digest()} {options.shave} {facts}"
        measure = Measure(f"{TABLE}/{name}", fingerprint, partial(function, shave=options.shave))
        return evaluate(
            dataset,
            [measure],
            protocol,
            sigma,
            cache_dir=options.output / "cache",
            seeds=options.seeds,
            jobs=options.jobs,
        )[measure.name]

    moments = run("clean_means", clean_means)
    names = ("orientation", "cosine", "sine", "strength", "coherence")
    means = {name: float(np.mean([record[name] for record in moments])) for name in names}
    records = {
        "raisr_n": run("raisr_n", noisy_errors),
        "raisr_d": run("raisr_d", denoised_errors),
        "constant": run("constant", partial(constant_errors, means=means), means),
    }
    if predictor:
        records["pcn"] = run("pcn", predictor.errors, predictor.fingerprint)
    results = {}
    for method, of_method in records.items():
        key = ResultKey(TABLE, protocol.name, sigma, dataset.name, method)
        facts = {"label": METHODS[method], "shave": options.shave}
        if predictor and method == "pcn":
            facts |= predictor.facts
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
    measured = {name for _, name, _ in shown}
    absent = [_absent(protocol, sigma) for sigma in sigmas]
    sections = []
    for name in [*names, *others]:
        if name not in measured and name not in paper:
            continue
        rows = [_measured_row(method, name, sigmas, shown, absent) for method in METHODS]
        if name in paper:
            rows += _paper_rows(name, sigmas)
        mark = _MARK if name in others else ""
        sections.append(Section(dataset_label(name) + mark, tuple(rows)))
    headings = [f"{error} {sigma:g}" for error in _FORMATS for sigma in sigmas]
    return Table(
        f"Table 3, protocol {protocol.name}: MSE of the gradient statistics, accuracy, by sigma",
        ("estimate", *headings, "steps", "kFLOPs/pixel"),
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
        for sigma in options.sigma if sets else ():
            predictor = Predictor.load(protocol, sigma)
            for dataset in sets:
                results |= measure(dataset, protocol, sigma, predictor, options)
        tables.append(build_table(protocol, options.datasets, options.sigma, results))
    command.announce(command.publish(tables, options.output, TABLE))


def _all_errors(estimate: NDArray, sample: Sample, shave: int) -> dict[str, float]:
    truth = statistics(sample.clean, sample.data_range, shave)
    accuracy = class_accuracy(estimate, truth)
    return {**statistics_errors(estimate, truth), "accuracy": accuracy}


def _absent(protocol: Protocol, sigma: float) -> str:
    """Return what stands where PCN has no result."""
    return "not measured" if find_weights(weights_name(protocol, sigma, "pcn")) else "not trained"


def _measured_row(
    method: str, name: str, sigmas: Sequence[float], results: Results, absent: Sequence[str]
) -> tuple[str, ...]:
    found = [results.get((method, name, sigma)) for sigma in sigmas]
    missing = absent if method == "pcn" else [EMPTY] * len(sigmas)
    cells = [
        _number(result, error) if result else text
        for error in _FORMATS
        for result, text in zip(found, missing, strict=True)
    ]
    facts = [result["metadata"] for result in found if result]
    return (
        f"{METHODS[method]}, here",
        *cells,
        _each(f"{fact['steps']:,}" for fact in facts if "steps" in fact),
        _each(f"{fact['kflops_per_pixel']:.3g}" for fact in facts if "kflops_per_pixel" in fact),
    )


def _number(result: Result, error: str) -> str:
    mean = result["mean"]
    return _FORMATS[error].format(mean[error]) if error in mean else EMPTY


def _each(cells: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(cells)) or EMPTY


def _paper_rows(name: str, sigmas: Sequence[float]) -> list[tuple[str, ...]]:
    levels = [paper_rows(TABLE, sigma) for sigma in sigmas]
    mark = other_images_mark(name)
    blank = [EMPTY] * ((len(_FORMATS) - 1) * len(sigmas) + 1)
    return [
        (
            f"{method}, paper",
            *(f"{r[method].cells[name][0]:.3f}{mark}" if r else EMPTY for r in levels),
            *blank,
            EMPTY if (kflops := paper_kflops(method)) is None else f"{kflops:g}",
        )
        for method in dict.fromkeys(method for rows in levels for method in rows)
    ]


def _notes(protocol: Protocol, names: list[str], results: list[Result]) -> tuple[str, ...]:
    shaves = sorted({result["metadata"]["shave"] for result in results})
    notes = [
        f"Protocol {protocol.name}: {protocol.summary}.",
        *(f"{dataset_label(name)}: {note}." for name in names if (note := dataset_note(name))),
        "linear: the paper's way; circular: orientation measured around the half turn.",
        "accuracy: share of pixels whose class of 72 is that of the clean image.",
        "RAISR+D: statistics of what raisr.denoise (best) makes of the noisy image.",
        "constant: the mean of each clean statistic over the set, whatever the image.",
        f"Border left out: {', '.join(map(str, shaves))} pixels.",
        EMPTY_NOTE,
    ]
    if protocol.name != "paper":
        return tuple(notes)
    mark = f"{_MARK} committed results (comparisons/results), not measured in this run."
    return (*notes, mark, *paper_notes())


def _source_digest() -> str:
    """Return the SHA-256 of all code that statistics and classes go through."""
    own = content_digest([Path(__file__), Path(gradients.__file__)])
    return package_digest() + network_code_digest() + own


if __name__ == "__main__":
    run(main)
