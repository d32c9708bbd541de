"""Table 2, `python -m comparisons.table2`: learned filters on real images, beside the paper.

Rows measured here, rows that the paper prints and rows that the literature prints stand in
sections of their own; a table holds numbers of one protocol and one noise level only.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from comparisons import command
from comparisons.crops import draw_example, save_figure
from comparisons.datasets import Dataset, dataset_label, dataset_note, load_dataset
from comparisons.evaluate import denoising_measure, evaluate
from comparisons.methods import METHODS, Denoisers
from comparisons.protocol import PROTOCOLS, Protocol
from comparisons.published import (
    Row,
    literature_rows,
    literature_source,
    other_images_mark,
    paper_notes,
    paper_rows,
)
from comparisons.store import COMMITTED, Result, ResultKey, load_result, save_result
from comparisons.tables import EMPTY, Section, Table

TABLE = "table2"
_MARK = "*"  # a committed result that this run did not measure

Results = dict[tuple[str, str], Result]  # (method, set) -> result


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
        key = ResultKey(TABLE, protocol.name, sigma, dataset.name, name)
        facts = {
            "label": METHODS[name].label,
            "about": METHODS[name].about,
            "fingerprint": denoiser.fingerprint,
            "kflops_per_pixel": denoiser.kflops,
            "training": denoiser.training,
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
            result = load_result(root, ResultKey(TABLE, protocol, sigma, name, method))
            if result:
                results[method, name] = result
    return results


def build_table(
    protocol: Protocol,
    sigma: float,
    names: Sequence[str],
    methods: Iterable[str],
    results: Results,
) -> Table:
    """Return the table of one protocol and noise level.

    Parameters
    ----------
    protocol, sigma
        Of all the numbers in the table.
    names : sequence of str
        The sets asked for. Sets with published numbers follow, with our committed results.
    methods : iterable of str
        The rows to show; one without any result is not trained.
    results : dict
        What was measured, or read, for the sets asked for.
    """
    paper, literature = paper_rows(TABLE, sigma), literature_rows(sigma)
    others = paper if protocol.name == "paper" else literature
    shown = list(dict.fromkeys([*names, *(name for row in others.values() for name in row.cells)]))
    others_shown = [name for name in shown if name not in names]
    committed = read_results(COMMITTED, protocol.name, sigma, methods, others_shown)
    measured = [
        _measured_row(method, shown, committed | results, set(committed)) for method in methods
    ]
    sections = [Section("measured here", tuple(measured))]
    if others:
        title = "the paper prints" if protocol.name == "paper" else "the literature"
        rows = [_published_row(method, row, shown) for method, row in others.items()]
        sections.append(Section(title, tuple(rows)))
    return Table(
        f"Table 2, protocol {protocol.name}, sigma {sigma:g}: PSNR (dB) / SSIM",
        ("method", *map(dataset_label, shown), "s/Mpixel", "kFLOPs/pixel"),
        tuple(sections),
        (
            *_protocol_notes(protocol, shown, list(others)),
            *_result_notes(list(results.values()), list(committed.values())),
        ),
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    parser = command.table_parser(
        "comparisons.table2", __doc__.split("\n\n")[0], protocols=list(PROTOCOLS), sigmas=[25]
    )
    parser.add_argument(
        "--methods",
        action=command.ListOf,
        item=command.one_of(list(METHODS)),
        default=list(METHODS),
        metavar="NAME",
        help=f"rows to measure, of {', '.join(METHODS)} (default: all)",
    )
    options = command.parse(parser, arguments)
    sets = []
    if not options.from_results:
        sets = [load_dataset(name, download=options.download) for name in options.datasets]
    tables, pictures = [], []
    for protocol in (PROTOCOLS[name] for name in options.protocol):
        for sigma in options.sigma:
            results: Results = {}
            if options.from_results:
                stored = options.from_results, protocol.name, sigma
                results = read_results(*stored, options.methods, options.datasets)
            else:
                denoisers = {name: METHODS[name].build(protocol, sigma) for name in options.methods}
                for dataset in sets:
                    results |= measure(dataset, denoisers, protocol, sigma, options)
                pictures.append(options.output / f"{TABLE}_{protocol.name}_{sigma:g}.png")
                save_figure(draw_example(sets, denoisers, protocol, sigma), pictures[-1])
            asked = options.datasets, options.methods
            tables.append(build_table(protocol, sigma, *asked, results))
    command.announce([*command.publish(tables, options.output, TABLE), *pictures])


def _measured_row(
    method: str, shown: list[str], results: Results, marked: set[tuple[str, str]]
) -> tuple[str, ...]:
    keys = [(method, name) for name in shown]
    found = [results[key] for key in keys if key in results]
    if not found:
        return METHODS[method].label, *["not trained"] * len(shown), EMPTY, EMPTY
    cells = [
        _cell(results[key]) + _MARK * (key in marked) if key in results else EMPTY for key in keys
    ]
    # Times of two machines are never averaged.
    own = [results[key] for key in keys if key in results and key not in marked]
    seconds = np.mean([result["mean"]["seconds_per_megapixel"] for result in own or found])
    kflops = found[0]["metadata"]["kflops_per_pixel"]
    cost = EMPTY if kflops is None else f"{kflops:.3g}"
    return METHODS[method].label, *cells, f"{seconds:.3f}" + _MARK * (not own), cost


def _cell(result: Result) -> str:
    mean, spread = result["mean"], result.get("spread")
    about = f"±{spread['psnr']:.2f}" if spread else ""
    return f"{mean['psnr']:.2f}{about}/{mean['ssim']:.3f}"


def _published_row(method: str, row: Row, shown: list[str]) -> tuple[str, ...]:
    cells = [_published_cell(row, name) for name in shown]
    return method, *cells, EMPTY, EMPTY if row.kflops is None else f"{row.kflops:g}"


def _published_cell(row: Row, name: str) -> str:
    if name not in row.cells:
        return EMPTY
    psnr, *ssim = row.cells[name]
    return "/".join([f"{psnr:.2f}", *(f"{value:.3f}" for value in ssim)]) + other_images_mark(name)


def _protocol_notes(protocol: Protocol, shown: list[str], others: list[str]) -> list[str]:
    notes = [f"Protocol {protocol.name}: {protocol.summary}."]
    notes += [f"{dataset_label(name)}: {note}." for name in shown if (note := dataset_note(name))]
    notes.append("RAISR+N is the paper's RAISR: 72 filters of 7x7, classes of the noisy image.")
    notes.append("RAISR+C is an oracle: the same, with the classes of the clean image.")
    if protocol.name == "paper":
        return [*notes, *paper_notes()]
    return [*notes, *(f"{method}: {literature_source(method)}." for method in others)]


def _result_notes(results: list[Result], committed: list[Result]) -> list[str]:
    shown = [*results, *committed]
    if not shown:
        return []
    processors = sorted({result["metadata"]["cpu"] for result in results or committed})
    trained = {
        f"{result['metadata']['label']}: {told}."
        for result in shown
        if (told := result["metadata"].get("training"))
    }
    seeds = sorted({seed for result in shown for seed in result["metadata"]["seeds"]})
    notes = [
        f"s/Mpixel: CPU seconds of one thread on {', '.join(processors)}.",
        f"Noise seeds: {', '.join(map(str, seeds))}.",
        *sorted(trained),
    ]
    if committed:
        notes.append(f"{_MARK} committed result (comparisons/results), not measured in this run.")
    return notes


if __name__ == "__main__":
    command.run(main)
