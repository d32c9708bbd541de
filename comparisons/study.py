"""A study: what a table or figure measures, what it keeps of it, and how that is shown.

A table declares `methods` (its rows), `build` (how these are measured) and `render`; a figure
declares the first two where it measures, and draws for itself. Everything else is here.
"""

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Self

from matplotlib.figure import Figure

from comparisons import command
from comparisons.draw.figures import Line, save, stem
from comparisons.draw.tables import Table
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.evaluate import Measure, denoising_measure, evaluate
from comparisons.measure.protocol import PROTOCOLS, Protocol, protocol_named
from comparisons.measure.store import ResultKey, Results, read_results, save_result
from raisr.datasets import Dataset, load_dataset


@dataclass(frozen=True)
class Conditions:
    """What numbers are asked for: each protocol, with each noise level, on each set."""

    protocols: Sequence[Protocol]
    sigmas: Sequence[float]
    datasets: Sequence[str]

    @classmethod
    def of(cls, options: Namespace) -> Self:
        """Return what the options of a command ask for."""
        protocols = [protocol_named(name) for name in options.protocol]
        return cls(protocols, options.sigma, getattr(options, "datasets", ()))

    @property
    def levels(self) -> list[tuple[Protocol, float]]:
        """The protocols and noise levels, each with each."""
        return list(product(self.protocols, self.sigmas))


@dataclass(frozen=True)
class Row:
    """A row that can be measured, and what its results tell of it.

    Attributes
    ----------
    measure : Measure
    facts : dict
    denoiser : Denoiser, optional
        What pictures of it show.
    """

    measure: Measure
    facts: dict[str, Any]
    denoiser: Denoiser | None = None


def denoising_row(name: str, denoiser: Denoiser, protocol: Protocol, **facts: object) -> Row:
    """Return the row of a denoiser that is scored and timed."""
    about = {
        **facts,
        "fingerprint": denoiser.fingerprint,
        "kflops_per_pixel": denoiser.kflops,
        **denoiser.facts,
        "timing": "CPU time of one thread, without compilation",
    }
    return Row(denoising_measure(name, denoiser, protocol), about, denoiser)


@dataclass(frozen=True)
class Run:
    """Where results and the cache go, the noise seeds, and how many images are in work at once."""

    results: Path
    cache: Path
    seeds: Sequence[int] = (0,)
    jobs: int | None = None


class Study(ABC):
    """What is measured and kept.

    Attributes
    ----------
    name : str
        Of its module and its files.
    kind : str
        Folder of its results; studies of one kind share them.
    """

    name: str
    kind: str

    @abstractmethod
    def methods(self, protocol: Protocol, sigma: float) -> Sequence[str]:
        """Return the names of the rows that exist under a protocol at a noise level."""

    @abstractmethod
    def build(self, protocol: Protocol, sigma: float) -> dict[str, Row]:
        """Return those of them that can be measured here."""

    def measure(
        self, rows: Mapping[str, Row], dataset: Dataset, protocol: Protocol, sigma: float, run: Run
    ) -> Results:
        """Measure rows on a set, store a result file for each and return them."""
        records = evaluate(
            dataset,
            [row.measure for row in rows.values()],
            protocol,
            sigma,
            cache_dir=run.cache,
            seeds=run.seeds,
            jobs=run.jobs,
        )
        keys = {
            name: ResultKey(self.kind, protocol.name, sigma, dataset.name, name) for name in rows
        }
        return {
            keys[name]: save_result(run.results, keys[name], row.facts, records[row.measure.name])
            for name, row in rows.items()
        }

    def read(self, root: Path, asked: Conditions) -> Results:
        """Return the stored results."""
        keys = (
            ResultKey(self.kind, protocol.name, sigma, dataset, method)
            for protocol, sigma in asked.levels
            for method in self.methods(protocol, sigma)
            for dataset in asked.datasets
        )
        return read_results(root, keys)


class TableStudy(Study):
    """A study that is shown as tables; `main` is its command.

    Attributes
    ----------
    protocols, sigmas, datasets
        What its command measures by default.
    known : sequence of str
        The protocols that it knows.
    """

    protocols: Sequence[str] = tuple(PROTOCOLS)
    known: Sequence[str] = tuple(PROTOCOLS)
    datasets: Sequence[str] = ("sample",)
    sigmas: Sequence[float] = (25,)

    @abstractmethod
    def render(self, asked: Conditions, results: Results, *, timed: bool) -> list[Table]:
        """Return the tables of what was measured, or read.

        Parameters
        ----------
        asked : Conditions
        results : dict
        timed : bool
            Whether one run measured them, so that their times can be compared.
        """

    def stored(self, root: Path, asked: Conditions) -> list[Table]:
        """Return the tables of stored results."""
        return self.render(asked, self.read(root, asked), timed=False)

    def add_options(self, parser: ArgumentParser) -> None:
        """Add the options that its command alone has."""

    def narrowed(self, options: Namespace) -> Self:
        """Return the study as these options want it."""
        return self

    def pictures(
        self,
        rows: Mapping[str, Row],
        sets: Sequence[Dataset],
        protocol: Protocol,
        sigma: float,
        folder: Path,
    ) -> list[Path]:
        """Draw what was measured at a noise level; return the files written."""
        return []

    def main(
        self, description: str, arguments: list[str] | None, more: Sequence[Table] = ()
    ) -> None:
        """Measure, or read; print the tables, and those of `more`, and write the files."""
        parser = command.table_parser(
            f"comparisons.{self.name}",
            description.split("\n\n")[0],
            protocols=list(self.protocols),
            sigmas=list(self.sigmas),
            choices=list(self.known),
            sets=list(self.datasets),
        )
        self.add_options(parser)
        options = command.parse(parser, arguments)
        study, asked = self.narrowed(options), Conditions.of(options)
        pictures: list[Path] = []
        if options.from_results:
            results = study.read(options.from_results, asked)
        else:
            results, pictures = study._run(asked, options)
        tables = study.render(asked, results, timed=not options.from_results)
        command.announce([*command.publish([*tables, *more], options.output, self.name), *pictures])

    def _run(self, asked: Conditions, options: Namespace) -> tuple[Results, list[Path]]:
        sets = [load_dataset(name, download=options.download) for name in asked.datasets]
        run = Run(options.results, options.output / "cache", options.seeds, options.jobs)
        results: Results = {}
        pictures = []
        for protocol, sigma in asked.levels:
            rows = self.build(protocol, sigma)
            for dataset in sets:
                results |= self.measure(rows, dataset, protocol, sigma, run)
            pictures += self.pictures(rows, sets, protocol, sigma, options.output)
        return results, pictures


Drawing = tuple[Figure, Sequence[Line]]  # and its numbers


def draw_each(
    name: str, options: Namespace, draw: Callable[[Protocol, float], Drawing | None]
) -> None:
    """Draw a figure under each protocol, at each noise level, and write its files."""
    for protocol, sigma in Conditions.of(options).levels:
        if drawing := draw(protocol, sigma):
            command.announce(save(*drawing, options.output, stem(name, protocol, sigma)))
