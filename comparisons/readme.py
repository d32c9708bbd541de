"""Fill the tables of README.md from the committed results: `python -m comparisons.readme`."""

from pathlib import Path

from comparisons import command, table2, table3
from comparisons.methods import METHODS
from comparisons.protocol import PROTOCOLS
from comparisons.provenance import read_json
from comparisons.store import COMMITTED
from comparisons.tables import Table

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
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
    """Return tables 2 and 3 as Markdown, rendered from the committed results alone."""
    tables = []
    for name, sets in _SETS.items():
        protocol = PROTOCOLS[name]
        results = table2.read_results(COMMITTED, name, 25.0, METHODS, sets)
        tables.append(table2.build_table(protocol, 25.0, sets, METHODS, results))
    results3 = table3.read_results(COMMITTED, "paper", _SETS["paper"], _SIGMAS)
    tables.append(table3.build_table(PROTOCOLS["paper"], _SETS["paper"], _SIGMAS, results3))
    return "\n".join(table.to_markdown() for table in tables)


def speed_block() -> str:
    """Return the benchmarks of one megapixel on one thread as Markdown."""
    tables = []
    for path in _SPEED:
        values = next(t for t in read_json(path) or [] if t["title"] == _SPEED_TITLE)
        tables.append(Table.from_dict(values).to_markdown())
    return "\n".join(tables)


def filled(text: str) -> str:
    """Return the README with the lines between its marks replaced by the tables."""
    for name, block in (("results", results_block), ("speed", speed_block)):
        head, rest = text.split(f"<!-- {name}: begin")
        mark, rest = rest.split("\n", 1)
        tail = rest.split(f"<!-- {name}: end")[1]
        text = f"{head}<!-- {name}: begin{mark}\n\n{block()}\n<!-- {name}: end{tail}"
    return text


def main() -> None:
    """Rewrite README.md."""
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    command.announce([README])


if __name__ == "__main__":
    command.run(main)
