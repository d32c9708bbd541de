"""Results of the long runs: one JSON, an entry for each, beside what they ran on."""

from pathlib import Path
from typing import Any

from raisr.provenance import environment, git_commit, read_json, write_json

__all__ = ["add_result"]


def add_result(path: Path, name: str, result: dict[str, Any]) -> None:
    """Add a run to the runs of that name."""
    results = read_json(path) or {}
    entry = {**result, **environment(), "git_commit": git_commit()}
    write_json(path, {**results, name: [*results.get(name, []), entry]})
