"""Fill the results of README.md from the committed results: `python -m comparisons.readme`."""

from pathlib import Path

from comparisons import command, table2, table3
from comparisons.methods import METHODS
from comparisons.protocol import PROTOCOLS
from comparisons.store import COMMITTED

README = Path(__file__).parent.parent / "README.md"
_BEGIN, _END = "<!-- results: begin", "<!-- results: end"
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


def filled(text: str) -> str:
    """Return the README with the lines between its marks replaced by the tables."""
    head, rest = text.split(_BEGIN)
    mark, rest = rest.split("\n", 1)
    tail = rest.split(_END)[1]
    return f"{head}{_BEGIN}{mark}\n\n{results_block()}\n{_END}{tail}"


def main() -> None:
    """Rewrite README.md."""
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    command.announce([README])


if __name__ == "__main__":
    command.run(main)
