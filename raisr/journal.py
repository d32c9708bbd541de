"""`Journal`: which parts of a long run are done, in a file that outlives the run."""

import json
import os
from pathlib import Path
from typing import Any

from raisr.files import write_atomically

__all__ = ["Journal", "is_journal"]

_FORMAT = "raisr journal 1"


class Journal:
    """Parts that are done: the first line of the file tells the run, each further one a part.

    Parameters
    ----------
    path : path-like or None
        None keeps it in memory.
    run : dict
        JSON-able: what the run does, by which it is known again.

    Raises
    ------
    ValueError
        If the file is the journal of another run, or none.
    """

    def __init__(self, path: str | os.PathLike[str] | None, run: dict[str, Any]) -> None:
        self.done: dict[str, None] = {}  # in order
        self.path, self._file = path, None
        if path is None:
            return
        head = json.dumps({"format": _FORMAT, **run}, sort_keys=True)
        path = Path(path)
        there = path.read_bytes().decode(errors="replace") if path.exists() else ""
        if there:
            first, *others = there.splitlines(keepends=True)
            _check(path, first.strip(), head)
            # A part whose line was cut is done again.
            self.done = dict.fromkeys(line.strip() for line in others if line.endswith("\n"))
        write_atomically(path, "".join(f"{line}\n" for line in [head, *self.done]).encode())
        self._file = path.open("a", buffering=1)

    def add(self, part: str) -> None:
        """Note that a part, named by a line of text, is done."""
        self.done[part] = None
        if self._file is not None:
            self._file.write(f"{part}\n")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def is_journal(path: Path) -> bool:
    """Return whether a file is the journal of some run."""
    with path.open("rb") as file:
        head = file.readline().decode(errors="replace")
    try:
        return json.loads(head)["format"] == _FORMAT
    except (ValueError, TypeError, KeyError):
        return False


def _check(path: Path, found: str, wanted: str) -> None:
    if found == wanted:
        return
    try:
        there, here = json.loads(found), json.loads(wanted)
        differ = sorted(k for k in {*there, *here} if there.get(k) != here.get(k))
    except (ValueError, TypeError, AttributeError):
        raise ValueError(f"{path}: not the journal of a run") from None
    raise ValueError(
        f"{path}: the journal of another run, which differs in {', '.join(differ)}; "
        "remove it and what that run wrote, or go on with that run"
    )
