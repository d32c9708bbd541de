"""Where classes help, `python -m comparisons.where`: squared error by the true class of a pixel.

For each bin of strength and coherence of the clean image: its share of the pixels, its share of
the plain network's squared error, and by how much each class-specific network changes that error.
"""

import argparse
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from comparisons import command
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.denoisers import Denoiser
from comparisons.measure.evaluate import Measure, Record, evaluate
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS, Protocol
from comparisons.measure.store import Result, ResultKey, load_result, save_result
from raisr.command import run
from raisr.datasets import Dataset, dataset_label, load_dataset
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


def measure(
    dataset: Dataset, protocol: Protocol, sigma: float, options: argparse.Namespace
) -> dict[str, Result]:
    """Measure the trained rows on a set, store a result file for each and return them."""
    built = {name: METHODS[name].build(protocol, sigma) for name in ROWS}
    trained = {name: denoiser for name, denoiser in built.items() if denoiser}
    measures = [
        Measure(
            f"{KIND}/{name}",
            denoiser.fingerprint + content_digest([Path(__file__)]),
            partial(errors_by_bin, denoiser=denoiser),
        )
        for name, denoiser in trained.items()
    ]
    records = evaluate(
        dataset,
        measures,
        protocol,
        sigma,
        cache_dir=options.output / "cache",
        seeds=options.seeds,
        jobs=options.jobs,
    )
    return {
        name: save_result(
            options.results,
            ResultKey(KIND, protocol.name, sigma, dataset.name, name),
            {"label": METHODS[name].label, **denoiser.facts},
            records[f"{KIND}/{name}"],
        )
        for name, denoiser in trained.items()
    }


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
    parser = command.table_parser(
        f"comparisons.{KIND}", __doc__.split("\n\n")[0], protocols=["standard"], sigmas=[25]
    )
    options = command.parse(parser, arguments)
    tables = []
    for name, sigma, dataset in product(options.protocol, options.sigma, options.datasets):
        protocol = PROTOCOLS[name]
        if options.from_results:
            results = read_results(options.from_results, name, sigma, dataset)
        else:
            loaded = load_dataset(dataset, download=options.download)
            results = measure(loaded, protocol, sigma, options)
        tables.append(build_table(protocol, sigma, dataset, results))
    command.announce(command.publish(tables, options.output, KIND))


def read_results(root: Path, protocol: str, sigma: float, dataset: str) -> dict[str, Result]:
    """Return the stored results of a set."""
    found = {
        name: load_result(root, ResultKey(KIND, protocol, sigma, dataset, name)) for name in ROWS
    }
    return {name: result for name, result in found.items() if result}


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
