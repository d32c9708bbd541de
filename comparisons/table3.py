"""Table 3, `python -m comparisons.table3`: error of the gradient statistics of noisy images.

The truth is orientation, strength and coherence (in the units of the csconv preset) of the clean
image. The error of an estimate is the mean square over the pixels and the three channels, then
over the images: "linear" is the paper's way, which takes orientation as a number in [0, 1);
"circular" measures it around the half turn, where 0.99 and 0.01 are near. What a network sees of
them is the class: "accuracy" is the share of pixels whose class of 72 is that of the truth.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

from comparisons import command
from comparisons.draw.tables import EMPTY, EMPTY_NOTE, Section, Table
from comparisons.measure.evaluate import Measure, evaluate
from comparisons.measure.gradients import (
    Predictor,
    clean_means,
    constant_errors,
    denoised_errors,
    noisy_errors,
    source_digest,
)
from comparisons.measure.networks import find_weights, weights_name
from comparisons.measure.protocol import Protocol
from comparisons.measure.published import (
    other_images_mark,
    paper_kflops,
    paper_notes,
    paper_rows,
    published,
)
from comparisons.measure.store import COMMITTED, Result, ResultKey, Results
from comparisons.study import Conditions, Row, Run, TableStudy
from raisr.command import run
from raisr.datasets import Dataset, dataset_label, dataset_note

KIND = "table3"
ROWS = {"raisr_n": "RAISR+N", "constant": "constant", "pcn": "PCN", "raisr_d": "RAISR+D"}
_MARK = "*"
_FORMATS = {"linear": "{:.3f}", "circular": "{:.3f}", "accuracy": "{:.1%}"}


@dataclass(frozen=True)
class GradientTable(TableStudy):
    """The errors of all estimates, without `shave` pixels along the border."""

    shave: int = 6
    name = kind = KIND
    protocols = ("paper",)
    sigmas = (15, 25, 50)

    def methods(self, protocol: Protocol, sigma: float) -> list[str]:
        """Return all rows."""
        return list(ROWS)

    def build(self, protocol: Protocol, sigma: float) -> dict[str, Row]:
        """Return the rows that need one image at a time; PCN where it is trained."""
        rows = {
            "raisr_n": self._row("raisr_n", noisy_errors),
            "raisr_d": self._row("raisr_d", denoised_errors),
        }
        if pcn := Predictor.load(protocol, sigma):
            rows["pcn"] = self._row("pcn", pcn.errors, pcn.fingerprint, facts=pcn.facts)
        return rows

    def measure(
        self, rows: Mapping[str, Row], dataset: Dataset, protocol: Protocol, sigma: float, run: Run
    ) -> Results:
        """Measure rows on a set, and the constant that fits it best."""
        moments = self._row("clean_means", clean_means).measure
        records = evaluate(
            dataset,
            [moments],
            protocol,
            sigma,
            cache_dir=run.cache,
            seeds=run.seeds,
            jobs=run.jobs,
        )[moments.name]
        names = ("orientation", "cosine", "sine", "strength", "coherence")
        means = {name: float(np.mean([record[name] for record in records])) for name in names}
        constant = self._row("constant", partial(constant_errors, means=means), means)
        return super().measure({**rows, "constant": constant}, dataset, protocol, sigma, run)

    def render(self, asked: Conditions, results: Results, *, timed: bool) -> list[Table]:
        """Return a table for each protocol; see `build_table`."""
        given = asked.datasets, asked.sigmas
        return [build_table(protocol, *given, results) for protocol in asked.protocols]

    def add_options(self, parser: ArgumentParser) -> None:
        """Add --shave."""
        parser.add_argument(
            "--shave",
            type=command.at_least(0),
            default=self.shave,
            metavar="N",
            help="pixels left out along the border (default: 6, as the paper's code does)",
        )

    def narrowed(self, options: Namespace) -> Self:
        """Return the table with the border that is left out."""
        return replace(self, shave=options.shave)

    def _row(
        self,
        name: str,
        function: Callable[..., dict[str, float]],
        *depends: object,
        facts: Mapping[str, object] | None = None,
    ) -> Row:
        fingerprint = f"{source_digest()} {self.shave} {depends}"
        measure = Measure(f"{KIND}/{name}", fingerprint, partial(function, shave=self.shave))
        return Row(measure, {"label": ROWS.get(name), "shave": self.shave, **(facts or {})})


TABLE = GradientTable()


def build_table(
    protocol: Protocol, names: Sequence[str], sigmas: Sequence[float], results: Results
) -> Table:
    """Return the table of one protocol: for each set our rows, then the paper's.

    The sets asked for come first; under `paper` the paper's follow, with our committed results.
    """
    paper = published()["paper"]["datasets"].values() if protocol.name == "paper" else ()
    others = [name for name in paper if name not in names]
    ours = {key: result for key, result in results.items() if key.protocol == protocol.name}
    shown = ours | TABLE.read(COMMITTED, Conditions([protocol], sigmas, others))
    measured = {key.dataset for key in shown}
    absent = [_absent(protocol, sigma) for sigma in sigmas]
    sections = []
    for name in [*names, *others]:
        if name not in measured and name not in paper:
            continue
        rows = []
        for method in ROWS:
            keys = [ResultKey(KIND, protocol.name, sigma, name, method) for sigma in sigmas]
            rows.append(_measured_row(method, list(map(shown.get, keys)), absent))
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
    TABLE.main(__doc__, arguments)


def _absent(protocol: Protocol, sigma: float) -> str:
    """Return what stands where PCN has no result."""
    return "not measured" if find_weights(weights_name(protocol, sigma, "pcn")) else "not trained"


def _measured_row(
    method: str, found: Sequence[Result | None], absent: Sequence[str]
) -> tuple[str, ...]:
    missing = absent if method == "pcn" else [EMPTY] * len(found)
    cells = [
        _number(result, error) if result else text
        for error in _FORMATS
        for result, text in zip(found, missing, strict=True)
    ]
    facts = [result["metadata"] for result in found if result]
    return (
        f"{ROWS[method]}, here",
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
    levels = [paper_rows(KIND, sigma) for sigma in sigmas]
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


if __name__ == "__main__":
    run(main)
