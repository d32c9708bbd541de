"""Where classes help, `python -m comparisons.where`: squared error by the true class of a pixel.

For each bin of strength and coherence of the clean image: its share of the pixels, its share of
the plain network's squared error, and by how much each class-specific network changes that error.
"""

from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.evaluate import Measure, Record
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import Protocol
from comparisons.measure.store import Result, ResultKey, Results
from comparisons.study import Conditions, Row, TableStudy
from raisr.command import run
from raisr.datasets import dataset_label
from raisr.noise import Sample
from raisr.provenance import content_digest

KIND = "where"
ROWS = ("edsr16", "cs_edsr", "cs_edsr_denoised", "cs_edsr_noisy", "cs_edsr_clean")
_PLAIN = ROWS[0]
_BINS = ("low", "middle", "high")


def errors_by_bin(sample: Sample, denoiser: Denoiser) -> dict[str, float]:
    """Return pixels and sum of squared errors of each bin, in squared gray levels."""
    import raisr

    classes = raisr.hash_image(sample.clean, "csconv", data_range=sample.data_range, num_threads=1)
    bins = classes.ravel() % len(_BINS) ** 2  # orientation is the slowest of the index
    errors = np.square(denoiser.run(sample).astype(np.float64).clip(0, 255) - sample.clean)
    pixels = np.bincount(bins, minlength=9)
    sums = np.bincount(bins, errors.ravel(), minlength=9)
    names = [f"{strength}/{coherence}" for strength, coherence in product(_BINS, repeat=2)]
    return {
        **{f"pixels {name}": float(n) for name, n in zip(names, pixels, strict=True)},
        **{f"error {name}": float(value) for name, value in zip(names, sums, strict=True)},
    }


@dataclass(frozen=True)
class WhereTable(TableStudy):
    """The errors of the plain network and of those with classes."""

    name = kind = KIND
    protocols = ("standard",)

    def methods(self, protocol: Protocol, sigma: float) -> tuple[str, ...]:
        """Return all rows."""
        return ROWS

    def build(self, protocol: Protocol, sigma: float) -> dict[str, Row]:
        """Return those that are trained."""
        code = content_digest([Path(__file__)])
        return {
            name: Row(
                Measure(
                    f"{KIND}/{name}",
                    denoiser.fingerprint + code,
                    partial(errors_by_bin, denoiser=denoiser),
                ),
                {"label": METHODS[name].label, **denoiser.facts},
            )
            for name in ROWS
            if (denoiser := METHODS[name].build(protocol, sigma))
        }

    def render(self, asked: Conditions, results: Results, *, timed: bool) -> list[Table]:
        """Return a table for each protocol, noise level and set; see `build_table`."""
        tables = []
        for (protocol, sigma), dataset in product(asked.levels, asked.datasets):
            keys = {name: ResultKey(KIND, protocol.name, sigma, dataset, name) for name in ROWS}
            found = {name: results[key] for name, key in keys.items() if key in results}
            tables.append(build_table(protocol, sigma, dataset, found))
        return tables


TABLE = WhereTable()


def build_table(
    protocol: Protocol, sigma: float, dataset: str, results: dict[str, Result]
) -> Table:
    """Return the table of one set."""
    others = [name for name in ROWS if name != _PLAIN and name in results]
    columns = ("strength/coherence", "pixels", "error", *(METHODS[n].label for n in others))
    rows = []
    if _PLAIN in results:
        sums = {name: _sums(results[name]["images"]) for name in (_PLAIN, *others)}
        plain = sums[_PLAIN]
        totals = {kind: sum(_of(plain, kind).values()) for kind in ("pixels", "error")}
        for name in product(_BINS, repeat=2):
            key = "/".join(name)
            error = plain[f"error {key}"]
            shares = plain[f"pixels {key}"] / totals["pixels"], error / totals["error"]
            changes = [
                f"{sums[other][f'error {key}'] / error - 1:+.1%}" if error else EMPTY
                for other in others
            ]
            rows.append((key, *(f"{share:.1%}" for share in shares), *changes))
        whole = [sum(_of(sums[other], "error").values()) / totals["error"] - 1 for other in others]
        rows.append(("all", "100.0%", "100.0%", *(f"{change:+.1%}" for change in whole)))
    title = f"Where classes help, protocol {protocol.name}, sigma {sigma:g}, "
    return Table(
        title + f"{dataset_label(dataset)}: change of the squared error",
        columns,
        (Section("by the class of the clean image", tuple(rows)),),
        (
            f"pixels, error: shares of the pixels and of the error of {METHODS[_PLAIN].label}; "
            "errors are added over all images, so large and hard images count more than in PSNR.",
        ),
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    TABLE.main(__doc__, arguments)


def _sums(records: list[Record]) -> dict[str, float]:
    return {
        name: sum(record[name] for record in records)
        for name in records[0]
        if name.startswith(("pixels", "error"))
    }


def _of(sums: dict[str, float], kind: str) -> dict[str, float]:
    return {name: value for name, value in sums.items() if name.startswith(kind)}


if __name__ == "__main__":
    run(main)
