"""Work killed at random moments: `python -m tests.faults.kills --kills 60 train publish`.

The process is forked from one that has imported everything, so that kills meet the work itself.
After each kill every file must be readable and nothing that was finished may be gone; after at
most three kills the work is done, and must be what it is without a kill.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from tests.faults.works import WORKS, Work
from tests.long_runs import add_result

__all__ = ["kill_at_random", "kill_at_renames"]

_IN_A_ROW = 3
_LONG = 600  # seconds after which work hangs


def kill_at_random(work: Work, folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill work so many times; return counts, and assert what must hold."""
    rng, start = random.Random(seed), time.monotonic()
    wanted, seconds = _undisturbed(work, folder)
    done = rounds = files = 0
    while done < kills:
        place = _fresh(work, folder)
        before: dict[str, Any] = {}
        for _ in range(min(_IN_A_ROW, kills - done)):
            if not _killed(_start(work, place), rng.uniform(0, seconds)):
                break
            done += 1
            before = _kept(work, place, before)
        files += sum(1 for path in place.rglob(".*.tmp"))
        _finish(work, place)
        assert work.content(place) == wanted
        rounds += 1
    return {
        "kills": done,
        "finished": rounds,
        "temporary_files_left": files,
        "seed": seed,
        "seconds": round(time.monotonic() - start),
    }


def kill_at_renames(work: Work, folder: Path) -> int:
    """Kill work right before and right after each of its renames; return how many kills."""
    wanted, _ = _undisturbed(work, folder)
    kills = 0
    for before in (True, False):
        for number in range(1000):
            place = _fresh(work, folder)
            if not _killed(_start(work, place, _killing_rename(number, before))):
                break
            kills += 1
            _kept(work, place, {})
            _finish(work, place)
            assert work.content(place) == wanted
    return kills


def _undisturbed(work: Work, folder: Path) -> tuple[dict[str, Any], float]:
    """Return the content of the work without a kill, and the seconds that it takes."""
    _finish(work, _fresh(work, folder))  # compiles
    place, start = _fresh(work, folder), time.monotonic()
    _finish(work, place)
    return work.content(place), time.monotonic() - start


def _fresh(work: Work, folder: Path) -> Path:
    """Return a folder with nothing but what the work starts from."""
    prepared, place = folder / "prepared", folder / "place"
    if not prepared.exists():
        prepared.mkdir()
        work.prepare(prepared)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(prepared, place)
    return place


def _start(work: Work, folder: Path, patch: Any = None) -> int:
    """Do the work in a forked process; return its id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of a library, all idle
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        with patch or contextlib.nullcontext(), open(os.devnull, "w") as null:
            os.dup2(null.fileno(), 1)
            work.do(folder)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _finish(work: Work, folder: Path) -> None:
    assert not _killed(_start(work, folder))


def _killed(child: int, seconds: float = _LONG) -> bool:
    """Wait for so many seconds, then kill; return whether the work was killed."""
    end = time.monotonic() + seconds
    while not (found := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            assert seconds < _LONG, "the work hangs"
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(found[1])
    assert code in (0, -signal.SIGKILL), f"the work failed with {code}"
    return code != 0


def _kept(work: Work, folder: Path, before: dict[str, Any]) -> dict[str, Any]:
    """Return what is finished now; all that was finished before must be there."""
    now = work.content(folder)
    assert {name: now.get(name) for name in before} == before
    return now


@contextlib.contextmanager
def _killing_rename(number: int, before: bool) -> Any:
    rename, count, lock = os.replace, 0, threading.Lock()

    def replace(*names: Any) -> None:
        nonlocal count
        with lock:  # work in several threads renames at once; no number is passed over
            if before and count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            rename(*names)
            if not before and count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    os.replace = replace
    try:
        yield
    finally:
        os.replace = rename


def main(arguments: list[str] | None = None) -> None:
    """Kill what the options name, and write a summary as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help=", ".join(WORKS))
    parser.add_argument("--kills", type=int, default=60, help="of each (default: 60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("output/faults"), metavar="DIR")
    options = parser.parse_args(arguments)
    if unknown := set(options.works) - set(WORKS):
        parser.error(f"no work {', '.join(sorted(unknown))}; choose from {', '.join(WORKS)}")
    for name in options.works or WORKS:
        with tempfile.TemporaryDirectory() as folder:
            result = kill_at_random(WORKS[name], Path(folder), options.kills, options.seed)
        add_result(options.output / "kills.json", name, result)
        print(f"{name}: {result}", flush=True)


if __name__ == "__main__":
    main()
