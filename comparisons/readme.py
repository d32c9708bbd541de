"""Fill the tables of README.md, RUNS.md and the docs: `python -m comparisons.readme`."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from comparisons import (
    adopt,
    command,
    leak,
    networks,
    photographs,
    quality,
    table1,
    table2,
    table3,
    table4,
    table5,
    training_runs,
    where,
)
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.protocol import COLOUR, PROTOCOLS
from comparisons.measure.published import literature_rows
from comparisons.measure.store import COMMITTED
from comparisons.study import Conditions
from comparisons.training_runs import Runs
from raisr.command import Parser, run
from raisr.provenance import read_json, write_file

ROOT = Path(__file__).parent.parent
FILES = (
    ROOT / "README.md",
    ROOT / "comparisons" / "RUNS.md",
    ROOT / "docs" / "elsewhere.md",
    ROOT / "docs" / "findings.md",
    ROOT / "docs" / "results.md",
    ROOT / "docs" / "scale.md",
    ROOT / "docs" / "speed.md",
)
_BENCHMARKS = ROOT / "benchmarks" / "results"
_SPEED = [_BENCHMARKS / name for name in ("benchmarks.json", "csconv/benchmarks.json")]
_SPEED_TITLE = "Speed: 1 thread, 1024 x 1024 pixels"
_PARETO = ("bsd68", "set12")
_SETS = {
    "standard": ["bsd68", "set12", "urban100"],
    "paper": ["cbsd68", "urban100", "div2k10", "set14m2"],
}
_SIGMAS = [15.0, 25.0, 50.0]
_TO_CHOOSE = {  # in the CSV of benchmarks.pareto: what a user types, and what it needs
    "raisr fast": ("`raisr.denoise(image)`", "a plain install"),
    "raisr best": ('`raisr.denoise(image, model="best")`', "a plain install"),
    "hybrid.denoise, small": ('`hybrid.denoise(image, model="small")`', "PyTorch"),
    "hybrid.denoise": ("`hybrid.denoise(image)`", "PyTorch"),
}
_BESIDE = {
    "BM3D": ("BM3D", "bm3d, not for commercial use"),
    "FFDNet": ("FFDNet, public weights", "PyTorch"),
}
_COLOUR_SET = "cbsd68"
_COLOUR_ROWS = {  # what a user types, and what it needs
    "raisr_fast": ("`raisr.denoise(image, channel_axis=-1)`", "a plain install"),
    "raisr_best": ('`raisr.denoise(..., model="best")`', "a plain install"),
    "hybrid_small": ('`hybrid.denoise(..., model="small")`', "PyTorch"),
    "hybrid_told": ("`hybrid.denoise(image, channel_axis=-1)`", "PyTorch"),
    "hybrid_finest": ('`hybrid.denoise(..., model="finest")`', "PyTorch"),
    "opencv_nl_means_colour": ("OpenCV fastNlMeansDenoisingColored", "opencv-python"),
    "nl_means_colour": ("scikit-image denoise_nl_means", "scikit-image"),
}
_COLOUR_BESIDE = ("CBM3D", "FFDNet")
_SUMMARY = (  # rows of table 2 that the README shows
    "RAISR+N",
    "raisr fast",
    "raisr best",
    "CARN16",
    "CS-CARN",
    "hybrid.denoise",
    "EDSR16",
    "CS-EDSR",
    "FFDNet, public",
)


def choose_block() -> str:
    """Return what a user can choose from, by quality and speed, as Markdown."""
    found = {}
    for name in _PARETO:
        with (_BENCHMARKS / f"pareto_{name}.csv").open(encoding="utf-8", newline="") as file:
            found[name] = {row["denoiser"]: row for row in csv.DictReader(file)}

    def row(denoiser: str, call: str, needs: str) -> tuple[str, ...]:
        cells = [found[name].get(denoiser) for name in _PARETO]
        psnr = [f"{float(cell['psnr']):.2f}" if cell else EMPTY for cell in cells]
        speed = 1 / float(found[_PARETO[0]][denoiser]["seconds_per_megapixel"])
        return call, *psnr, f"{speed:.2g}", needs

    sections = {"this package": _TO_CHOOSE, "beside it": _BESIDE}
    table = Table(
        "Gray images, sigma 25 told, protocol standard, one thread",
        ("call", "BSD68, dB", "Set12, dB", "megapixels/s", "needs"),
        tuple(
            Section(title, tuple(row(name, *cells) for name, cells in rows.items()))
            for title, rows in sections.items()
        ),
    )
    return table.to_markdown()


def colour_block() -> str:
    """Return the quality on colour images, beside what the literature prints, as Markdown."""
    asked = Conditions([COLOUR], _SIGMAS, [_COLOUR_SET])
    found = {
        (key.method, key.sigma): result["mean"]
        for key, result in photographs.TABLE.read(COMMITTED, asked).items()
    }

    def measured(method: str, call: str, needs: str) -> tuple[str, ...]:
        means = [found.get((method, sigma)) for sigma in _SIGMAS]
        seconds = [mean["seconds_per_megapixel"] for mean in means if mean]
        speed = f"{len(seconds) / sum(seconds):.2g}" if seconds else EMPTY
        return call, *(f"{mean['psnr']:.2f}" if mean else EMPTY for mean in means), speed, needs

    def literature(method: str) -> tuple[str, ...]:
        cells = [printed[sigma][method].cells[_COLOUR_SET][0] for sigma in _SIGMAS]
        return method, *(f"{psnr:.2f}" for psnr in cells), EMPTY, EMPTY

    printed = {sigma: literature_rows(COLOUR.name, sigma) for sigma in _SIGMAS}
    table = Table(
        "Colour images: PSNR (dB) over RGB on CBSD68, sigma told, one thread",
        ("call", *(f"sigma {sigma:g}" for sigma in _SIGMAS), "megapixels/s", "needs"),
        (
            Section(
                "measured", tuple(measured(row, *cells) for row, cells in _COLOUR_ROWS.items())
            ),
            Section("the literature prints", tuple(map(literature, _COLOUR_BESIDE))),
        ),
    )
    return table.to_markdown()


def summary_block() -> str:
    """Return the rows of table 2 that the README shows as Markdown."""
    (table,) = _quality(table2.TABLE, [("standard", 25.0)])
    kept = (
        (section.title, tuple(row for row in section.rows if row[0] in _SUMMARY))
        for section in table.sections
    )
    sections = tuple(Section(title, rows) for title, rows in kept if rows)
    return replace(table, sections=sections, notes=()).to_markdown()


def results_block() -> str:
    """Return tables 1 to 5 and leak as Markdown, rendered from the committed results alone.

    What is to be said about any of them is said once, below.
    """
    both = [("standard", 25.0), ("paper", 25.0)]
    colour = Conditions([COLOUR], _SIGMAS, [_COLOUR_SET, "sample_colour"])
    groups = {
        "Colour images": photographs.TABLE.stored(COMMITTED, colour),
        "Networks for every noise level": [
            *_quality(networks.TABLE, [("standard", sigma) for sigma in _SIGMAS]),
            *networks.TABLE.stored(COMMITTED, Conditions([COLOUR], _SIGMAS, [_COLOUR_SET])),
        ],
        "Table 1: all networks": _quality(table1.TABLE, both),
        "Table 2: learned filters and networks": _quality(table2.TABLE, both),
        "Table 3: errors of the classes": _errors(),
        "Table 4: where classes come from": _quality(table4.TABLE, both),
        "Table 5: number of classes": _quality(table5.TABLE, both),
        "The leak: classes from another noisy version of the same image": [
            *_quality(leak.TABLE, [("standard", 25.0), ("standard", 50.0)]),
            leak.paper_gains(),
        ],
    }
    notes = dict.fromkeys(note for tables in groups.values() for t in tables for note in t.notes)
    pages = [f"## {title}\n\n{_markdown(tables)}" for title, tables in groups.items()]
    return "\n".join([*pages, "## Notes\n", *(f"- {note}" for note in notes), ""])


def speed_block() -> str:
    """Return the benchmarks of one megapixel on one thread as Markdown."""
    tables = []
    for path in _SPEED:
        values = next(t for t in read_json(path) or [] if t["title"] == _SPEED_TITLE)
        tables.append(Table.from_dict(values).to_markdown())
    return "\n".join(tables)


def pareto_block() -> str:
    """Return quality against time on two sets as Markdown."""
    pages = [_BENCHMARKS / f"pareto_{name}.md" for name in _PARETO]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def benchmark_block(name: str) -> str:
    """Return the tables of one benchmark as Markdown."""
    return (_BENCHMARKS / name).read_text(encoding="utf-8")


def _quality(table: quality.QualityTable, conditions: Iterable[tuple[str, float]]) -> list[Table]:
    asked = (Conditions([PROTOCOLS[name]], [sigma], _SETS[name]) for name, sigma in conditions)
    return [found for one in asked for found in table.stored(COMMITTED, one)]


def _errors() -> list[Table]:
    asked = (Conditions([PROTOCOLS[name]], _SIGMAS, sets) for name, sets in _SETS.items())
    return [found for one in asked for found in table3.TABLE.stored(COMMITTED, one)]


def _markdown(tables: Iterable[Table]) -> str:
    pages = (replace(table, notes=()).to_markdown() for table in tables)
    return "\n".join(pages).replace("not installed", "not measured")  # no matter what is here


def runs_block(*tables: Callable[[Runs], Table]) -> str:
    """Return tables of the training runs as Markdown."""
    runs = read_json(training_runs.PATH) or {}
    return "\n".join(table(runs).to_markdown() for table in tables)


def adopted_block() -> str:
    """Return the scores of weights from another machine as Markdown."""
    return adopt.build_table(read_json(adopt.PATH) or {}).to_markdown()


def where_block() -> str:
    """Return the errors by true class as Markdown."""
    (table,) = where.TABLE.stored(COMMITTED, Conditions([PROTOCOLS["standard"]], [25.0], ["bsd68"]))
    return table.to_markdown()


_BLOCKS: dict[str, Callable[[], str]] = {
    "choose": choose_block,
    "colour": colour_block,
    "summary": summary_block,
    "results": results_block,
    "speed": speed_block,
    "pareto": pareto_block,
    "large": partial(benchmark_block, "large.md"),
    "photographs": partial(benchmark_block, "colour/benchmarks.md"),
    "enlarging": partial(benchmark_block, "upscaling/benchmarks.md"),
    "networks": partial(benchmark_block, "networks/benchmarks.md"),
    "onnx": partial(benchmark_block, "onnx/benchmarks.md"),
    "workers": partial(benchmark_block, "workers.md"),
    "runs": partial(runs_block, training_runs.runs_table, training_runs.plan_table),
    "remedies": partial(runs_block, training_runs.remedies_table),
    "leak": partial(runs_block, training_runs.leak_table),
    "pairs": partial(runs_block, training_runs.pairs_table),
    "unets": partial(runs_block, training_runs.unets_table),
    "adopted": adopted_block,
    "where": where_block,
}


def filled(text: str) -> str:
    """Return a text with the lines between its marks replaced by the tables."""
    for name, block in _BLOCKS.items():
        if f"<!-- {name}: begin" not in text:
            continue
        head, rest = text.split(f"<!-- {name}: begin")
        mark, rest = rest.split("\n", 1)
        tail = rest.split(f"<!-- {name}: end")[1]
        text = f"{head}<!-- {name}: begin{mark}\n\n{block()}\n<!-- {name}: end{tail}"
    return text


def main(arguments: list[str] | None = None) -> None:
    """Rewrite the files."""
    Parser(prog="python -m comparisons.readme", description=__doc__).parse_args(arguments)
    for path in FILES:
        write_file(path, filled(path.read_text(encoding="utf-8")))
    command.announce(list(FILES))


if __name__ == "__main__":
    run(main)
