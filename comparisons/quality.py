"""PSNR and SSIM: measured once for each method and set, and shown by tables 1, 2, 4, 5 and leak.

A table holds numbers of one protocol and one noise level only.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from comparisons import command
from comparisons.draw.crops import draw_example, save_figure
from comparisons.draw.quality import KIND, Page
from comparisons.draw.tables import Table
from comparisons.measure import published
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS, Protocol
from comparisons.measure.store import Results
from comparisons.study import Conditions, Row, TableStudy, denoising_row
from raisr.datasets import Dataset


@dataclass(frozen=True)
class QualityTable(TableStudy):
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
    sigmas, protocols, known, datasets
        See `TableStudy`.
    """

    name: str
    heading: str
    rows: tuple[str, ...]
    paper_rows: Callable[[float], dict[str, published.Row]]
    notes: tuple[str, ...] = ()
    literature: bool = False
    sigmas: Sequence[float] = (25,)
    protocols: Sequence[str] = tuple(PROTOCOLS)
    known: Sequence[str] = tuple(PROTOCOLS)
    datasets: Sequence[str] = ("sample",)
    kind = KIND

    def methods(self, protocol: Protocol, sigma: float) -> list[str]:
        """Return the rows that exist under a protocol at a noise level."""
        return [name for name in self.rows if METHODS[name].defined(protocol.name, sigma)]

    def build(self, protocol: Protocol, sigma: float) -> dict[str, Row]:
        """Return those whose weights are at hand."""
        return {
            name: denoising_row(
                name, denoiser, protocol, label=METHODS[name].label, about=METHODS[name].about
            )
            for name in self.methods(protocol, sigma)
            if (denoiser := METHODS[name].build(protocol, sigma))
        }

    def render(self, asked: Conditions, results: Results, *, timed: bool) -> list[Table]:
        """Return a table for each protocol and noise level; see `Page`."""
        return [
            Page(
                self.heading,
                protocol,
                sigma,
                asked.datasets,
                self.methods(protocol, sigma),
                {
                    (key.method, key.dataset): result
                    for key, result in results.items()
                    if (key.protocol, key.sigma) == (protocol.name, sigma)
                },
                self.paper_rows(sigma),
                self.literature,
                self.notes,
                timed,
            ).table()
            for protocol, sigma in asked.levels
        ]

    def pictures(
        self,
        rows: Mapping[str, Row],
        sets: Sequence[Dataset],
        protocol: Protocol,
        sigma: float,
        folder: Path,
    ) -> list[Path]:
        """Draw crops of one image by every row that was measured."""
        path = folder / f"{self.name}_{protocol.name}_{sigma:g}.png"
        denoisers = {METHODS[name].label: row.denoiser for name, row in rows.items()}
        save_figure(draw_example(sets, denoisers, protocol, sigma), path)
        return [path]

    def add_options(self, parser: ArgumentParser) -> None:
        """Add --methods."""
        parser.add_argument(
            "--methods",
            action=command.ListOf,
            item=command.one_of(list(self.rows)),
            default=list(self.rows),
            metavar="NAME",
            help=f"rows to measure, of {', '.join(self.rows)} (default: all)",
        )

    def narrowed(self, options: Namespace) -> Self:
        """Return the table with the rows that are chosen."""
        return replace(self, rows=tuple(options.methods))
