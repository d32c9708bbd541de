"""PSNR and SSIM: measured once for each method and set, and shown by tables 2, 4 and 5 and leak.

Rows measured here, rows measured with the public weights of others, rows that the paper prints
and rows that the literature prints stand in sections of their own; a table holds numbers of one
protocol and one noise level only.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comparisons import command
from comparisons.draw.crops import draw_example, save_figure
from comparisons.draw.tables import EMPTY, EMPTY_NOTE, Section, Table
from comparisons.measure.denoisers import Denoisers
from comparisons.measure.evaluate import denoising_measure, evaluate
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS, Protocol
from comparisons.measure.published import (
    Row,
    literature_rows,
    literature_source,
    other_images_mark,
    paper_notes,
)
from comparisons.measure.store import COMMITTED, Result, ResultKey, load_result, save_result
from raisr.datasets import Dataset, dataset_label, dataset_note, load_dataset

KIND = "quality"
_MARK = "*"  # a committed result that this run did not measure

Results = dict[tuple[str, str], Result]  # (method, set) -> result


@dataclass(frozen=True)
class QualityTable:
    """What a table of PSNR and SSIM shows.

    Attributes
    ----------
    name : str
        Of its module and its files.
    heading : str
        Beginning of its titles.
    rows : tuple of str
        Names in `METHODS`.
    paper_rows : callable
        Noise level -> the rows that the paper prints, by label.
    notes : tuple of str
        What to say about its rows.
    literature : bool
        Whether the rows that the literature prints stand below, under `standard`.
    """

    name: str
    heading: str
    rows: tuple[str, ...]
    paper_rows: Callable[[float], dict[str, Row]]
    notes: tuple[str, ...] = ()
    literature: bool = False

    def methods(
        self, protocol: Protocol, sigma: float, chosen: Sequence[str] | None = None
    ) -> list[str]:
        """Return the rows that exist under a protocol at a noise level; of `chosen`, if given."""
        rows = self.rows if chosen is None else chosen
        return [row for row in rows if METHODS[row].defined(protocol.name, sigma)]


def measure(
    dataset: Dataset,
    denoisers: Denoisers,
    protocol: Protocol,
    sigma: float,
    options: argparse.Namespace,
) -> Results:
    """Measure the trained methods on a set, store a result file for each and return them."""
    trained = {name: denoiser for name, denoiser in denoisers.items() if denoiser}
    records = evaluate(
        dataset,
        [denoising_measure(name, denoiser, protocol) for name, denoiser in trained.items()],
        protocol,
        sigma,
        cache_dir=options.output / "cache",
        seeds=options.seeds,
        jobs=options.jobs,
    )
    results = {}
    for name, denoiser in trained.items():
        key = ResultKey(KIND, protocol.name, sigma, dataset.name, name)
        facts = {
            "label": METHODS[name].label,
            "about": METHODS[name].about,
            "fingerprint": denoiser.fingerprint,
            "kflops_per_pixel": denoiser.kflops,
            **denoiser.facts,
            "timing": "CPU time of one thread, without compilation",
        }
        results[name, dataset.name] = save_result(options.results, key, facts, records[name])
    return results


def read_results(
    root: Path, protocol: str, sigma: float, methods: Iterable[str], names: Sequence[str]
) -> Results:
    """Return the stored results of some methods on some sets."""
    results = {}
    for method in methods:
        for name in names:
            result = load_result(root, ResultKey(KIND, protocol, sigma, name, method))
            if result:
                results[method, name] = result
    return results


def build_table(
    table: QualityTable,
    protocol: Protocol,
    sigma: float,
    names: Sequence[str],
    methods: Sequence[str],
    results: Results,
    *,
    timed: bool = True,
) -> Table:
    """Return the table of one protocol and noise level.

    Parameters
    ----------
    table : QualityTable
    protocol, sigma
        Of all the numbers in the table.
    names : sequence of str
        The sets asked for. Sets with published numbers follow, with our committed results.
    methods : sequence of str
        The rows to show; one without any result tells why, or is left out if its weights are
        those of others.
    results : dict
        What was measured, or read, for the sets asked for.
    timed : bool
        Whether one run measured them, so that their times can be compared.
    """
    in_paper = protocol.name == "paper"
    others = table.paper_rows(sigma) if in_paper else literature_rows(sigma)
    shown = list(dict.fromkeys([*names, *(name for row in others.values() for name in row.cells)]))
    others_shown = [name for name in shown if name not in names]
    committed = read_results(COMMITTED, protocol.name, sigma, methods, others_shown)
    found = committed | results
    if not (in_paper or table.literature):
        others = {}
    costs = ("steps", "s/Mpixel", "kFLOPs/pixel") if timed else ("steps", "kFLOPs/pixel")

    def measured(method: str) -> tuple[str, ...]:
        cells = [_cell((method, name), found, committed) for name in shown]
        of_method = [found[method, name] for name in shown if (method, name) in found]
        if not of_method:
            absent = _absent(method, protocol, sigma)
            return METHODS[method].label, *[absent] * len(shown), *[EMPTY] * len(costs)
        own = [results[method, name] for name in shown if (method, name) in results]
        times = [_seconds(own)] if timed else []
        return METHODS[method].label, *cells, _steps_cell(of_method), *times, _kflops(of_method)

    groups = {
        "measured here": [measured(method) for method in methods if not METHODS[method].public],
        "public weights, measured here": [
            measured(method)
            for method in methods
            if METHODS[method].public and any((method, name) in found for name in shown)
        ],
        "the paper prints" if in_paper else "the literature": [
            _published_row(label, row, shown, len(costs)) for label, row in others.items()
        ],
    }
    return Table(
        f"{table.heading}, protocol {protocol.name}, sigma {sigma:g}: PSNR (dB) / SSIM",
        ("method", *map(dataset_label, shown), *costs),
        tuple(Section(title, tuple(rows)) for title, rows in groups.items() if rows),
        (
            *_protocol_notes(protocol, shown),
            *table.notes,
            *_other_images_notes(protocol, results),
            *_source_notes(protocol, list(others)),
            EMPTY_NOTE,
            *_result_notes(list(results.values()), list(committed.values()), timed),
        ),
    )


def main(
    table: QualityTable,
    description: str,
    arguments: list[str] | None,
    *,
    sigmas: Sequence[float] = (25,),
    more: Sequence[Table] = (),
) -> None:
    """Measure, print the tables and write the files: the command of a table.

    Parameters
    ----------
    table, description
        The table, and its line of help.
    arguments : list of str, optional
        Default: those of the command line.
    sigmas : sequence of float
        Default noise levels.
    more : sequence of Table
        What to print below.
    """
    parser = command.table_parser(
        f"comparisons.{table.name}", description, protocols=list(PROTOCOLS), sigmas=list(sigmas)
    )
    parser.add_argument(
        "--methods",
        action=command.ListOf,
        item=command.one_of(list(table.rows)),
        default=list(table.rows),
        metavar="NAME",
        help=f"rows to measure, of {', '.join(table.rows)} (default: all)",
    )
    options = command.parse(parser, arguments)
    sets = []
    if not options.from_results:
        sets = [load_dataset(name, download=options.download) for name in options.datasets]
    tables, pictures = [], []
    for protocol in (PROTOCOLS[name] for name in options.protocol):
        for sigma in options.sigma:
            methods = table.methods(protocol, sigma, options.methods)
            results: Results = {}
            if options.from_results:
                stored = options.from_results, protocol.name, sigma
                results = read_results(*stored, methods, options.datasets)
            else:
                denoisers = {name: METHODS[name].build(protocol, sigma) for name in methods}
                for dataset in sets:
                    results |= measure(dataset, denoisers, protocol, sigma, options)
                pictures.append(options.output / f"{table.name}_{protocol.name}_{sigma:g}.png")
                save_figure(draw_example(sets, denoisers, protocol, sigma), pictures[-1])
            given = table, protocol, sigma, options.datasets, methods, results
            tables.append(build_table(*given, timed=not options.from_results))
    written = command.publish([*tables, *more], options.output, table.name)
    command.announce([*written, *pictures])


def _absent(method: str, protocol: Protocol, sigma: float) -> str:
    trained = METHODS[method].build(protocol, sigma) is not None
    return "not measured" if trained else "not trained"


def _cell(key: tuple[str, str], results: Results, marked: Results) -> str:
    if key not in results:
        return EMPTY
    mean, spread = results[key]["mean"], results[key].get("spread")
    about = f"±{spread['psnr']:.2f}" if spread else ""
    cell = f"{mean['psnr']:.2f}{about}/{mean['ssim']:.3f}{_MARK * (key in marked)}"
    method, name = key
    plain = results.get((METHODS[method].plain, name))
    if plain is None or _conditions(plain) != _conditions(results[key]):
        return cell
    return f"{cell} ({mean['psnr'] - plain['mean']['psnr']:+.2f})"


def _steps_cell(results: list[Result]) -> str:
    steps = (result["metadata"].get("steps") for result in results)
    return " / ".join(dict.fromkeys(f"{number:,}" for number in steps if number)) or EMPTY


def _seconds(results: list[Result]) -> str:
    seconds = [result["mean"]["seconds_per_megapixel"] for result in results]
    return f"{np.mean(seconds):.3f}" if seconds else EMPTY


def _kflops(results: list[Result]) -> str:
    kflops = results[0]["metadata"]["kflops_per_pixel"]
    return EMPTY if kflops is None else f"{kflops:.4g}"


def _conditions(result: Result) -> list[Any]:
    """Return what must be the same where two results are compared."""
    return [result["metadata"].get(fact) for fact in ("steps", "batch", "seeds")]


def _published_row(label: str, row: Row, shown: list[str], costs: int) -> tuple[str, ...]:
    cells = [_published_cell(row, name) for name in shown]
    kflops = EMPTY if row.kflops is None else f"{row.kflops:g}"
    return label, *cells, *[EMPTY] * (costs - 1), kflops


def _published_cell(row: Row, name: str) -> str:
    if name not in row.cells:
        return EMPTY
    psnr, *ssim = row.cells[name]
    return "/".join([f"{psnr:.2f}", *(f"{value:.3f}" for value in ssim)]) + other_images_mark(name)


def _protocol_notes(protocol: Protocol, shown: list[str]) -> list[str]:
    sets = [f"{dataset_label(name)}: {note}." for name in shown if (note := dataset_note(name))]
    return [f"Protocol {protocol.name}: {protocol.summary}.", *sets]


def _other_images_notes(protocol: Protocol, results: Results) -> list[str]:
    """Name images whose pixels are not those of the committed results."""
    notes = []
    for name in dict.fromkeys(name for _, name in results):
        key = ResultKey(KIND, protocol.name, 25, name, "noisy")  # pixels are those of any level
        known = dict(_pixels(load_result(COMMITTED, key)))
        given = [
            pair for (_, of), result in results.items() if of == name for pair in _pixels(result)
        ]
        others = dict.fromkeys(
            image for image, digest in given if known.get(image, digest) != digest
        )
        if others:
            notes.append(
                f"{dataset_label(name)}: do not compare, {len(others)} of {len(dict(given))} "
                f"images are not those of the committed results; the first is {next(iter(others))}."
            )
    return notes


def _pixels(result: Result | None) -> list[tuple[str, str]]:
    """Return the name and the SHA-256 of the pixels of each image of a result."""
    return [(image["image"], image["sha256"]) for image in (result or {}).get("images", ())]


def _source_notes(protocol: Protocol, others: list[str]) -> list[str]:
    if protocol.name == "paper":
        return paper_notes()
    return [f"{method}: {literature_source(method)}." for method in others]


def _result_notes(results: list[Result], committed: list[Result], timed: bool) -> list[str]:
    shown = [*results, *committed]
    if not shown:
        return []
    processors = sorted({result["metadata"]["cpu"] for result in results})
    seeds = sorted({seed for result in shown for seed in result["metadata"]["seeds"]})
    notes = [
        *([f"s/Mpixel: CPU seconds of one thread on {', '.join(processors)}."] if timed else []),
        f"Noise seeds: {', '.join(map(str, seeds))}.",
        *_training_notes(shown),
    ]
    if committed:
        notes.append(f"{_MARK} committed result (comparisons/results), not measured in this run.")
    return notes


def _training_notes(results: list[Result]) -> list[str]:
    facts = [result["metadata"] for result in results if "steps" in result["metadata"]]
    if not facts:
        return []
    notes = ["steps: of training, with those of the weights that a run started from."]
    usual, *others = (batch for batch, _ in Counter(fact["batch"] for fact in facts).most_common())
    notes.append(f"A step is {usual}.")
    for batch in others:
        labels = dict.fromkeys(fact["label"] for fact in facts if fact["batch"] == batch)
        notes.append(f"A step of {', '.join(labels)} is {batch}.")
    steps = {fact["method"]: fact["steps"] for fact in facts}
    if any(steps.get(METHODS[method].plain) == number for method, number in steps.items()):
        notes.append("In parentheses: PSNR less that of the plain network after as many steps.")
    return notes
