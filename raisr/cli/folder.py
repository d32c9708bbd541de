"""A command on a folder: resumed where it stopped, and nothing is passed over in silence."""

from __future__ import annotations

import errno
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from raisr.cli.checks import check_writable, describe
from raisr.cli.work import change_file
from raisr.io import SUFFIXES
from raisr.io.folders import survey

__all__ = ["change_folder"]

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NAMED = 10


def change_folder(source: Path, target: Path, arguments: Namespace) -> int:
    """Do the work on each image below a folder; results that are there already are kept."""
    if not target.is_dir() and (target.exists() or target.suffix.lower() in SUFFIXES):
        raise NotADirectoryError(f"{target}: OUT must be a folder, as {source} is one")
    names, others = (_outside(target, source, found) for found in survey(source))
    if not names:
        raise ValueError(f"{source}: no images in this folder{_passed_over(others)}")
    target.mkdir(parents=True, exist_ok=True)
    check_writable(target)
    run = _Run(source, target, arguments)
    try:
        for name in tqdm(names, unit="image", disable=None):
            run.add(name)
    except KeyboardInterrupt:
        # One that was just written may not be counted yet.
        there = sum((target / name).is_file() for name in names)
        done = run.done + run.kept if arguments.overwrite else there
        raise KeyboardInterrupt(
            f"{done} of {len(names)} images are done; the same command goes on"
        ) from None
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        left = len(names) - run.done - run.kept - run.failed
        print(
            f"raisr: {describe(error)}: stopped; {left} of {len(names)} images are left; "
            "with more space the same command goes on",
            file=sys.stderr,
        )
        return 1
    print(f"{target}: {run.summary()}{_passed_over(others)}")
    return 1 if run.failed else 0


class _Run:
    """Counts of one run over a folder."""

    def __init__(self, source: Path, target: Path, arguments: Namespace) -> None:
        self.source, self.target, self.arguments = source, target, arguments
        self.done = self.little = self.kept = self.failed = 0

    def add(self, name: Path) -> None:
        """Do the work on one image, unless its result is there; only a full disk is raised."""
        result = self.target / name
        if result.is_file() and not self.arguments.overwrite:
            self.kept += 1
            return
        try:
            if result.is_dir():
                raise IsADirectoryError(f"{result}: a folder is where the result should go")
            result.parent.mkdir(parents=True, exist_ok=True)
            report = change_file(self.source / name, result, self.arguments)
        except (OSError, ValueError, TypeError) as error:
            if isinstance(error, OSError) and error.errno in _NO_SPACE:
                raise
            self.failed += 1
            _say(describe(error))
            return
        self.done += 1
        self.little += report.little
        for note in report.notes:
            _say(f"{self.source / name}: {note}")

    def summary(self) -> str:
        """Return the counts in words."""
        little = f" ({self.little} of them next to unchanged)" if self.little else ""
        done = f"{self.done} {self.arguments.work.done}{little}"
        return f"{done}, {self.kept} kept, {self.failed} failed"


def _outside(target: Path, source: Path, names: Sequence[Path]) -> list[Path]:
    """Leave out the results of a run into a folder inside the source."""
    inside = target.resolve()
    resolved = ((name, (source / name).resolve()) for name in names)
    return [name for name, path in resolved if inside not in (path, *path.parents)]


def _passed_over(others: Sequence[Path]) -> str:
    if not others:
        return ""
    named = ", ".join(map(str, others[:_NAMED]))
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return f", {len(others)} passed over: {named}{more}"


def _say(line: str) -> None:
    tqdm.write(f"raisr: {line}", file=sys.stderr)
