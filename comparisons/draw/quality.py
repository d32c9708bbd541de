"""The table of PSNR and SSIM of one protocol and noise level.

Rows measured here, rows measured with the public weights of others, rows that the paper prints
and rows that the literature prints stand in sections of their own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from comparisons.draw.tables import EMPTY, EMPTY_NOTE, Section, Table
from comparisons.measure.denoisers import NOT_INSTALLED
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import Protocol
from comparisons.measure.published import (
    Row,
    literature_rows,
    literature_source,
    other_images_mark,
    paper_notes,
)
from comparisons.measure.store import COMMITTED, Result, ResultKey, load_result, read_results
from raisr.datasets import dataset_label, dataset_note

KIND = "quality"
_MARK = "*"  # a committed result that this run did not measure

_Found = dict[tuple[str, str], Result]  # (method, set) -> result


@dataclass(frozen=True)
class Page:
    """What a table shows.

    Attributes
    ----------
    heading : str
        Beginning of its title.
    protocol, sigma
        Of all the numbers in the table.
    names : sequence of str
        The sets asked for. Sets with published numbers follow, with our committed results.
    methods : sequence of str
        The rows to show; one without any result tells why, or is left out if its weights are
        those of others.
    results : dict
        (method, set) -> what was measured, or read, for the sets asked for.
    printed : mapping
        Label -> the row that the paper prints; shown under `paper`.
    literature : bool
        Whether the rows that the literature prints stand below, but under `paper`.
    notes : sequence of str
        What to say about its rows.
    timed : bool
        Whether one run measured them, so that their times can be compared.
    """

    heading: str
    protocol: Protocol
    sigma: float
    names: Sequence[str]
    methods: Sequence[str]
    results: _Found
    printed: Mapping[str, Row]
    literature: bool = False
    notes: Sequence[str] = ()
    timed: bool = True

    @property
    def in_paper(self) -> bool:
        """Whether the numbers are measured as the paper's are."""
        return self.protocol.name == "paper"

    @cached_property
    def others(self) -> Mapping[str, Row]:
        """The rows that others print, by label."""
        return self.printed if self.in_paper else literature_rows(self.protocol.name, self.sigma)

    @cached_property
    def shown(self) -> list[str]:
        """The sets, those asked for first."""
        published = (name for row in self.others.values() for name in row.cells)
        return list(dict.fromkeys([*self.names, *published]))

    @cached_property
    def committed(self) -> _Found:
        """Our committed results on the sets that were not asked for."""
        keys = (
            ResultKey(KIND, self.protocol.name, self.sigma, name, method)
            for method in self.methods
            for name in self.shown
            if name not in self.names
        )
        found = read_results(COMMITTED, keys)
        return {(key.method, key.dataset): result for key, result in found.items()}

    @cached_property
    def found(self) -> _Found:
        """All results."""
        return self.committed | self.results

    @property
    def costs(self) -> list[str]:
        """The columns on the right."""
        return ["steps", *["s/Mpixel"] * self.timed, "kFLOPs/pixel"]

    def table(self) -> Table:
        """Return the table."""
        others = self.others if self.in_paper or self.literature else {}
        ours, public = (
            [method for method in self.methods if METHODS[method].public == public]
            for public in (False, True)
        )
        groups = {
            "measured here": [self._measured(method) for method in ours],
            "public weights, measured here": [
                self._measured(method) for method in public if self._of(method)
            ],
            "the paper prints" if self.in_paper else "the literature": [
                _published_row(label, row, self.shown, len(self.costs))
                for label, row in others.items()
            ],
        }
        level = f"protocol {self.protocol.name}, sigma {self.sigma:g}"
        return Table(
            f"{self.heading}, {level}: PSNR (dB) / SSIM",
            ("method", *map(dataset_label, self.shown), *self.costs),
            tuple(Section(title, tuple(rows)) for title, rows in groups.items() if rows),
            (
                *_protocol_notes(self.protocol, self.shown),
                *self.notes,
                *_other_images_notes(self.protocol, self.results),
                *_source_notes(self.protocol, list(others)),
                EMPTY_NOTE,
                *self._result_notes(),
            ),
        )

    def _of(self, method: str) -> list[Result]:
        """Return all results of a row, in the order of the sets."""
        return [self.found[method, name] for name in self.shown if (method, name) in self.found]

    def _measured(self, method: str) -> tuple[str, ...]:
        label, found = METHODS[method].label, self._of(method)
        if not found:
            absent = METHODS[method].find(self.protocol, self.sigma)
            if not isinstance(absent, str) or (absent == NOT_INSTALLED and not self.timed):
                absent = "not measured"
            return label, *[absent] * len(self.shown), *[EMPTY] * len(self.costs)
        cells = [_cell((method, name), self.found, self.committed) for name in self.shown]
        own = [self.results[key] for name in self.shown if (key := (method, name)) in self.results]
        times = [_seconds(own)] if self.timed else []
        return label, *cells, _steps_cell(found), *times, _kflops(found)

    def _result_notes(self) -> list[str]:
        shown = [*self.results.values(), *self.committed.values()]
        if not shown:
            return []
        processors = sorted({result["metadata"]["cpu"] for result in self.results.values()})
        seeds = sorted({seed for result in shown for seed in result["metadata"]["seeds"]})
        times = f"s/Mpixel: CPU seconds of one thread on {', '.join(processors)}."
        notes = [
            *[times] * self.timed,
            f"Noise seeds: {', '.join(map(str, seeds))}.",
            *_training_notes(shown),
        ]
        if self.committed:
            notes.append(
                f"{_MARK} committed result (comparisons/results), not measured in this run."
            )
        return notes


def _cell(key: tuple[str, str], results: _Found, marked: _Found) -> str:
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


def _other_images_notes(protocol: Protocol, results: _Found) -> list[str]:
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
