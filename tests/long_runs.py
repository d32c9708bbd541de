"""Results of the long runs, and their table in docs/testing.md.

`python -m tests.long_runs output/fuzz/guided.json output/faults/*.json output/mutants.json` adds
what was run to `tests/long_runs.json`, and fills the page from it. Faults of mutants are those that
survive.
"""

import sys
from pathlib import Path
from typing import Any

from raisr.provenance import environment, git_commit, read_json, write_file, write_json

__all__ = ["KEPT", "PAGE", "add_result", "filled", "main"]

KEPT = Path(__file__).with_name("long_runs.json")
PAGE = Path(__file__).parents[1] / "docs" / "testing.md"
_BEGIN, _END = "<!-- runs: begin (filled by tests.long_runs) -->\n", "<!-- runs: end -->\n"
_COUNTS = {"guided": "executions", "kills": "kills", "mixed": "calls", "mutants": "tried"}


def add_result(path: Path, name: str, result: dict[str, Any]) -> None:
    """Add a run to the runs of that name, beside what it ran on."""
    results = read_json(path) or {}
    entry = {**result, **environment(), "git_commit": git_commit()}
    write_json(path, {**results, name: [*results.get(name, []), entry]})


def filled(page: str, kept: dict[str, Any]) -> str:
    """Return the page with the table of these runs."""
    lines = ["| run | of | count | faults | seconds | seeds | commits |"]
    lines.append("| --- | --- | ---: | ---: | ---: | --- | --- |")
    for kind, runs in kept.items():
        total = 0
        for name, entries in runs.items():
            count = sum(entry.get(_COUNTS[kind], 0) for entry in entries)
            total += count
            found = (entry.get("faults", entry.get("survivors", ())) for entry in entries)
            faults = sum(map(len, found))
            seconds = sum(entry["seconds"] for entry in entries)
            seeds = ", ".join(sorted({str(entry["seed"]) for entry in entries if "seed" in entry}))
            commits = ", ".join(dict.fromkeys(_short(entry["git_commit"]) for entry in entries))
            lines.append(
                f"| {kind} | {name} | {count:,} | {faults} | {seconds:,} | {seeds} | {commits} |"
            )
        lines.append(f"| **{kind}** | all | **{total:,}** |  |  |  |  |")
    head, rest = page.split(_BEGIN)
    return head + _BEGIN + "\n".join(["", *lines, "", ""]) + _END + rest.split(_END)[1]


def _short(commit: str | None) -> str:
    return "?" if commit is None else commit[:7] + "+" * commit.endswith("+")


def main(paths: list[str]) -> None:
    """Keep the runs of these files, and fill the page."""
    kept = read_json(KEPT) or {}
    for path in map(Path, paths):
        runs = kept.setdefault(path.stem, {})
        for name, entries in (read_json(path) or {}).items():
            old = runs.setdefault(name, [])
            old += [entry for entry in entries if entry not in old]
    write_json(KEPT, kept)
    write_file(PAGE, filled(PAGE.read_text(encoding="utf-8"), kept))


if __name__ == "__main__":
    main(sys.argv[1:])
