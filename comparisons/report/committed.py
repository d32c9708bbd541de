"""What is committed and goes onto the page: tables, figures, and where their numbers come from."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from comparisons import leak, networks, photographs, table1, table2, table3, table4, table5, times
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.protocol import COLOUR, PROTOCOLS, Protocol, protocol_named
from comparisons.measure.store import COMMITTED
from comparisons.quality import QualityTable
from comparisons.report.pictures import Picture, from_file
from comparisons.study import Conditions
from raisr.datasets import dataset_names
from raisr.provenance import read_json

_QUALITY = (photographs, networks, table2, table1, table4, table5, leak)
_FIGURES = {
    "pareto": "Quality against time on one thread",
    "figure1": "Figure 1: quality against cost",
    "figure3": "Figure 3: crops of ppt3",
    "figure4": "Figure 4: crops of img079",
    "figure5": "Figure 5: gradient statistics of a clean and of a noisy image, and those of PCN",
    "figure6": "Figure 6: crops of barbara, by the size of the network",
    "figure7": "Figure 7: quality against the size of the network",
}
_ROOT = Path(__file__).parents[2]
_BENCHMARKS = _ROOT / "benchmarks" / "results"
_PICTURES = (_BENCHMARKS, _ROOT / "docs" / "figures")


@dataclass(frozen=True)
class Group:
    """Tables under one heading."""

    title: str
    tables: list[Table]


@dataclass(frozen=True)
class Drawing:
    """A figure, and its numbers where they are committed."""

    picture: Picture
    numbers: Table | None


def tables() -> list[Group]:
    """Return every table that committed results fill at least in part."""
    groups = [Group(module.TABLE.heading, _quality_tables(module.TABLE)) for module in _QUALITY]
    groups += [
        Group("Table 3 (gradient statistics)", _statistics_tables()),
        Group("What classes gain in the paper", [leak.paper_gains()]),
        Group("Cost of the networks", [times.build_table(times.read_times())]),
    ]
    speed = [_BENCHMARKS / name for name in ("benchmarks.json", "csconv/benchmarks.json")]
    stored = chain.from_iterable(read_json(path) or [] for path in speed)
    groups += [Group("Speed", [Table.from_dict(values) for values in stored])]
    return [group for group in groups if group.tables]


def figures() -> list[Drawing]:
    """Return every figure that is committed, under each protocol and noise level."""
    found = []
    for name, caption in _FIGURES.items():
        paths = [path for folder in _PICTURES for path in folder.glob(f"{name}*.svg")]
        for path in sorted(paths):
            smaller = min((path, path.with_suffix(".png")), key=_bytes)
            label = " ".join(path.stem.split("_")[1:])
            found.append(Drawing(Picture(caption, from_file(smaller), label), _numbers(path)))
    return found


def origin() -> list[Table]:
    """Return which commits and machines the committed results and the shipped weights are from."""
    return [_results_origin(), _weights_origin()]


def _quality_tables(table: QualityTable) -> list[Table]:
    built = []
    for protocol, sigma, names in _measured(table.kind):
        if protocol.name not in table.known:
            continue
        asked = Conditions([protocol], [sigma], names)
        measured = {key.dataset for key in table.read(COMMITTED, asked)}
        if shown := [name for name in names if name in measured]:
            built += table.stored(COMMITTED, replace(asked, datasets=shown))
    return built


def _statistics_tables() -> list[Table]:
    measured = _measured(table3.KIND)
    built = []
    for protocol in {protocol.name: protocol for protocol, _, _ in measured}.values():
        sigmas = [sigma for found, sigma, _ in measured if found == protocol]
        names = _ordered(
            name for found, _, names in measured if found == protocol for name in names
        )
        built += table3.TABLE.stored(COMMITTED, Conditions([protocol], sigmas, names))
    return built


def _measured(kind: str) -> list[tuple[Protocol, float, list[str]]]:
    """Return protocol, noise level and sets of the committed results of a kind."""
    found = []
    for folder in (COMMITTED / kind).iterdir():
        name, sigma = folder.name.split("_")
        names = _ordered(path.name for path in folder.iterdir())
        found.append((protocol_named(name), float(sigma), names))
    order = [*PROTOCOLS, COLOUR.name]
    return sorted(found, key=lambda item: (order.index(item[0].name), item[1]))


def _ordered(names: Iterable[str]) -> list[str]:
    found = set(names)
    return [name for name in dataset_names() if name in found]


def _bytes(path: Path) -> float:
    return path.stat().st_size if path.is_file() else float("inf")


def _numbers(path: Path) -> Table | None:
    sheet = path.with_suffix(".csv")
    if not sheet.is_file():
        return None
    columns, *rows = csv.reader(sheet.read_text(encoding="utf-8").splitlines())
    cells = tuple(tuple(cell or EMPTY for cell in row) for row in rows)
    return Table(f"Numbers of {path.stem}", tuple(columns), (Section("", cells),))


def _results_origin() -> Table:
    found: dict[tuple[str, ...], set[str]] = {}
    for path in COMMITTED.rglob("*.json"):
        facts = (read_json(path) or {}).get("metadata", {})
        if "git_commit" in facts:
            kind = path.relative_to(COMMITTED).parts[0].removesuffix(".json")
            level = f"{facts['sigma']:g}" if "sigma" in facts else EMPTY
            versions = (facts[name] for name in ("cpu", "python", "numpy", "numba"))
            key = (kind, facts.get("protocol", EMPTY), level, *versions)
            found.setdefault(key, set()).add(_short(facts["git_commit"]))
    rows = tuple((*key, ", ".join(sorted(commits))) for key, commits in sorted(found.items()))
    columns = ("results", "protocol", "sigma", "processor", "Python", "NumPy", "Numba", "commits")
    return Table("Committed results", columns, (Section("", rows),))


def _weights_origin() -> Table:
    from hybrid import zoo
    from hybrid.weights import steps_in_all

    rows = []
    for weights in zoo.list_weights():
        facts = weights.provenance
        steps = steps_in_all(facts)
        cells = f"{steps:,}", f"{facts['seconds']:,.0f}", f"{facts['parameters']:,}", facts["cpu"]
        rows.append((weights.name, *cells, _short(facts["git_commit"]), weights.sha256[:12]))
    columns = ("weights", "steps", "seconds", "parameters", "processor", "commit", "SHA-256")
    return Table("Shipped networks", columns, (Section("", tuple(rows)),))


def _short(commit: str | None) -> str:
    """Return the first digits of a commit, with the "+" of a tree that differed from it."""
    return "unknown" if commit is None else commit[:10] + "+" * commit.endswith("+")
