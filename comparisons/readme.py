"""Fill the tables of README.md, RUNS.md and findings.md: `python -m comparisons.readme`."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from comparisons import command, leak, quality, table2, table3, table4, table5, training_runs, where
from comparisons.draw.tables import Table
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.store import COMMITTED
from comparisons.study import Conditions
from comparisons.training_runs import Runs
from raisr.command import run
from raisr.provenance import read_json, write_file

ROOT = Path(__file__).parent.parent
FILES = (
    ROOT / "README.md",
    ROOT / "comparisons" / "RUNS.md",
    ROOT / "docs" / "findings.md",
)
_SPEED = [
    ROOT / "benchmarks" / "results" / name for name in ("benchmarks.json", "csconv/benchmarks.json")
]
_SPEED_TITLE = "Speed: 1 thread, 1024 x 1024 pixels"
_SETS = {
    "standard": ["bsd68", "set12", "urban100"],
    "paper": ["cbsd68", "urban100", "div2k10", "set14m2"],
}
_SIGMAS = [15.0, 25.0, 50.0]


def results_block() -> str:
    """Return tables 2 to 5 and leak as Markdown, rendered from the committed results alone.

    All but table 2 are folded away; what is to be said about any of them is said once, below.
    """
    both = [("standard", 25.0), ("paper", 25.0)]
    first = _quality(table2.TABLE, both)
    folded = {
        "Table 3: errors of the classes": _errors(),
        "Table 4: where classes come from": _quality(table4.TABLE, both),
        "Table 5: number of classes": _quality(table5.TABLE, both),
        "The leak: classes from another noisy version of the same image": [
            *_quality(leak.TABLE, [("standard", 25.0), ("standard", 50.0)]),
            leak.paper_gains(),
        ],
    }
    tables = [*first, *(table for group in folded.values() for table in group)]
    notes = dict.fromkeys(note for table in tables for note in table.notes)
    return "\n".join(
        [
            _markdown(first),
            *(_folded(summary, _markdown(group)) for summary, group in folded.items()),
            _folded(
                "Notes: protocols, sets, sources, signs", "".join(f"- {note}\n" for note in notes)
            ),
        ]
    )


def speed_block() -> str:
    """Return the benchmarks of one megapixel on one thread as Markdown."""
    tables = []
    for path in _SPEED:
        values = next(t for t in read_json(path) or [] if t["title"] == _SPEED_TITLE)
        tables.append(Table.from_dict(values).to_markdown())
    return "\n".join(tables)


def _quality(table: quality.QualityTable, conditions: Iterable[tuple[str, float]]) -> list[Table]:
    asked = (Conditions([PROTOCOLS[name]], [sigma], _SETS[name]) for name, sigma in conditions)
    return [found for one in asked for found in table.stored(COMMITTED, one)]


def _errors() -> list[Table]:
    asked = (Conditions([PROTOCOLS[name]], _SIGMAS, sets) for name, sets in _SETS.items())
    return [found for one in asked for found in table3.TABLE.stored(COMMITTED, one)]


def _markdown(tables: Iterable[Table]) -> str:
    return "\n".join(replace(table, notes=()).to_markdown() for table in tables)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n</details>\n"


def runs_block(*tables: Callable[[Runs], Table]) -> str:
    """Return tables of the training runs as Markdown."""
    runs = read_json(training_runs.PATH) or {}
    return "\n".join(table(runs).to_markdown() for table in tables)


def where_block() -> str:
    """Return the errors by true class as Markdown."""
    (table,) = where.TABLE.stored(COMMITTED, Conditions([PROTOCOLS["standard"]], [25.0], ["bsd68"]))
    return table.to_markdown()


_BLOCKS: dict[str, Callable[[], str]] = {
    "results": results_block,
    "speed": speed_block,
    "runs": partial(runs_block, training_runs.runs_table, training_runs.plan_table),
    "remedies": partial(runs_block, training_runs.remedies_table),
    "leak": partial(runs_block, training_runs.leak_table),
    "pairs": partial(runs_block, training_runs.pairs_table),
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


def main() -> None:
    """Rewrite the files."""
    for path in FILES:
        write_file(path, filled(path.read_text(encoding="utf-8")))
    command.announce(list(FILES))


if __name__ == "__main__":
    run(main)
