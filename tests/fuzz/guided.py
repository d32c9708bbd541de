"""Fuzzing guided by the branches that an input takes: `python -m tests.fuzz.guided bank picture`.

atheris (libFuzzer for Python) changes inputs, starting from the seeds of a target, and keeps
those that take new branches. Faults are collected, each kind once, in `--found`; a process that
dies or hangs is a fault, too, and the run goes on in a new one.
"""

import argparse
import os
import pkgutil
import random
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.fuzz.targets import REFUSED, TARGETS
from tests.long_runs import add_result

__all__ = ["fuzz", "main"]

_DONE = re.compile(r"^Done (\d+) runs in", re.MULTILINE)
_EXECUTED = re.compile(r"^#(\d+)\s", re.MULTILINE)
_ROOT = Path(__file__).parents[2]
_HANG, _MEMORY = 60, 4000  # seconds an input may take, MB of the process


def fuzz(
    name: str, runs: int, seconds: int, seed: int, corpus: Path, found: Path
) -> dict[str, Any]:
    """Fuzz a target in processes of its own.

    Parameters
    ----------
    name : str
        Of `TARGETS`.
    runs, seconds : int
        What ends first ends the run; 0 is no limit.
    seed : int
    corpus, found : Path
        Folders of the inputs that took new branches, and of those that showed a fault.

    Returns
    -------
    dict
        Executions, inputs in the corpus, processes, seconds, and the faults: {what: file}.
    """
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    for index, content in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed{index}").write_bytes(content)
    start, done, processes = time.monotonic(), 0, 0
    faults: dict[str, str] = {}
    while True:
        passed = time.monotonic() - start
        limits = [f"-runs={runs - done}"] if runs else []
        limits += [f"-max_total_time={max(1, int(seconds - passed))}"] if seconds else []
        command = [sys.executable, "-m", "tests.fuzz.guided", "--child", name, found]
        flags = [f"-seed={seed + processes + 1}", f"-timeout={_HANG}", f"-rss_limit_mb={_MEMORY}"]
        flags += [f"-artifact_prefix={found}/{name}.{processes}.", "-max_len=65536", *limits]
        ended = subprocess.run(
            [*map(str, command), *flags, str(corpus)],
            capture_output=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        log = ended.stderr.decode(errors="replace")
        processes += 1
        done += int((_DONE.findall(log) or _EXECUTED.findall(log) or ["0"])[-1])
        faults |= {
            match[0]: Path(match[1]).name
            for match in re.findall(r"^FAULT (.*) in (\S+)$", log, re.M)
        }
        if ended.returncode:
            last = log.strip().splitlines()[-1]
            faults[f"process {processes} ended with {ended.returncode}"] = last[-300:]
        passed = time.monotonic() - start
        if (runs and done >= runs) or (seconds and passed >= seconds - 1) or processes > 50:
            break
        if not ended.returncode:
            break
    inputs = sum(1 for _ in corpus.iterdir())
    return {
        "executions": done,
        "corpus": inputs,
        "processes": processes,
        "seconds": round(passed),
        "seed": seed,
        "faults": faults,
    }


def _child(name: str, found: Path, flags: list[str]) -> None:
    """Fuzz in this process, until libFuzzer ends it."""
    import atheris

    target = TARGETS[name]
    with atheris.instrument_imports(include=list(target.instrumented), exclude=_compiled()):
        for content in target.seeds():
            target.run(content)
    kinds = set()

    def test(data: bytes) -> None:
        try:
            target.run(data)
        except REFUSED:
            pass
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
            if kind not in kinds:
                kinds.add(kind)
                path = (
                    found
                    / f"{name}_{type(error).__name__}_{Path(last.filename).stem}_{last.lineno}"
                )
                path.write_bytes(data)
                print(f"FAULT {kind} in {path}", file=sys.stderr, flush=True)

    def change(data: bytes, size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.7:
            try:
                return target.change(data, rng)[:size]
            except Exception:  # what cannot be read is changed as bytes
                pass
        return atheris.Mutate(data, size)

    atheris.Setup([sys.argv[0], *flags], test, custom_mutator=change)
    atheris.Fuzz()


def _compiled() -> list[str]:
    """Return the modules whose functions Numba compiles: it knows no counters of branches."""
    names = [f"raisr.{path.stem}" for path in (_ROOT / "raisr").glob("*simd*.py")]
    for package in ("raisr/kernels", "hybrid/csconv"):
        prefix = package.replace("/", ".")
        modules = pkgutil.iter_modules([str(_ROOT / package)])
        names += [prefix, *(f"{prefix}.{module.name}" for module in modules)]
    return names


def main(arguments: list[str] | None = None) -> int:
    """Fuzz what the options name and write a summary as JSON; 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--runs", type=int, default=0, help="executions of each (0: no limit)")
    parser.add_argument("--seconds", type=int, default=60, help="for each (0: no limit)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("output/fuzz"), metavar="DIR")
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}; choose from {', '.join(TARGETS)}")
    limits = options.runs, options.seconds, options.seed
    faults = 0
    for name in options.targets or TARGETS:
        found = options.output / "found"
        result = fuzz(name, *limits, options.output / "corpus" / name, found)
        add_result(options.output / "guided.json", name, result)
        faults += len(result["faults"])
        print(f"{name}: {result['executions']:,} executions, faults: {result['faults'] or 'none'}")
    return 1 if faults else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    sys.exit(main())
