"""Mutation testing: `python -m tests.mutants colour noise` changes a module and runs its tests.

A mutant has one change: a comparison, an operator, a number, a condition, a call left out. It is
killed where a test fails, and survives where none does. Each runs in a process forked from one
that has imported the libraries, but nothing of the project; files are not touched.
"""

import argparse
import ast
import copy
import importlib
import importlib.machinery
import importlib.util
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

from tests.long_runs import add_result

__all__ = ["MODULES", "main", "mutants", "survives", "time_limit"]

_ROOT = Path(__file__).parents[1]
_LIBRARIES = ("hypothesis", "matplotlib", "numba", "scipy.ndimage", "skimage.metrics", "tifffile")
_TIMES, _LEAST = 5, 20  # as long as the tests take without a change, and seconds at least

MODULES = {
    "statistics": ("raisr.statistics", "test_statistics.py properties/test_hashing.py"),
    "hashing": ("raisr.hashing", "test_hashing.py properties/test_hashing.py test_statistics.py"),
    "normal_equations": (
        "raisr.normal_equations",
        "test_normal_equations.py test_learning.py test_learning_facts.py "
        "test_learning_refusals.py properties/test_learning.py",
    ),
    "least_squares": ("raisr.least_squares", "test_least_squares.py"),
    "filtering": ("raisr.filtering", "test_filtering.py test_files.py properties/test_learning.py"),
    "colour": ("raisr.colour", "test_colour.py test_colour_bank.py"),
    "noise": ("raisr.noise", "test_noise.py test_camera.py comparisons/test_protocol.py"),
    "protocol": ("comparisons.measure.protocol", "comparisons/test_protocol.py"),
}
"""Short name -> module and the files of its tests."""

_PAIRS: tuple[tuple[type, type], ...] = (
    (ast.Lt, ast.LtE),
    (ast.Gt, ast.GtE),
    (ast.Eq, ast.NotEq),
    (ast.Is, ast.IsNot),
    (ast.In, ast.NotIn),
    (ast.And, ast.Or),
    (ast.Add, ast.Sub),
    (ast.Mult, ast.Div),
    (ast.Break, ast.Continue),
)
_SWAPS: dict[type, type] = {
    **dict(_PAIRS),
    **{second: first for first, second in _PAIRS},
    **dict.fromkeys((ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult), ast.Mult),
    ast.BitOr: ast.BitAnd,
}
_WANTED = {ast.Return: ast.expr, ast.Expr: ast.Call}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


def mutants(source: str) -> Iterator[tuple[str, ast.Module]]:
    """Return every mutant of a source: what was changed, with its line, and the tree."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    hidden = {id(part) for node in nodes for part in _not_run(node)}
    for index, node in enumerate(nodes):
        if id(node) in hidden:
            continue
        for name, number, new in _changes(node):
            changed = copy.deepcopy(tree)
            place = list(ast.walk(changed))[index]
            _put(place, name, number, new)
            line = getattr(node, "lineno", 0)
            told = f"line {line}: {ast.unparse(node)[:70]!r} -> {ast.unparse(place)[:70]!r}"
            yield told, ast.fix_missing_locations(changed)


def _not_run(node: ast.AST) -> Iterator[ast.AST]:
    """Return what says nothing about the work: types, and the words of errors."""
    parts: list[ast.AST | None] = []
    if isinstance(node, ast.FunctionDef):
        parts = [node.returns, *node.decorator_list]
    elif isinstance(node, ast.arg | ast.AnnAssign):
        parts = [node.annotation]
    elif isinstance(node, ast.Raise):
        parts = [node.exc]
    for part in parts:
        if part is not None:
            yield from ast.walk(part)


def _changes(node: ast.AST) -> Iterator[tuple[str, int | None, Any]]:
    """Return the changes of a node: the name of a field, the place in it, the new value."""
    for name in ("op", "ops"):
        value = getattr(node, name, None)
        for number, op in enumerate(value if isinstance(value, list) else [value]):
            if type(op) in _SWAPS:
                place = number if isinstance(value, list) else None
                yield name, place, _SWAPS[type(op)]()
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "value", None, not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "value", None, node.value + 1
    elif isinstance(node, ast.Name) and node.id in _NAMES:
        yield "id", None, _NAMES[node.id]
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "test", None, ast.UnaryOp(ast.Not(), copy.deepcopy(node.test))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "op", None, ast.UAdd()
    elif isinstance(getattr(node, "value", None), _WANTED.get(type(node), ())):
        yield "value", None, ast.Constant(None)


def _put(node: ast.AST, name: str, number: int | None, new: Any) -> None:
    if number is None:
        setattr(node, name, new)
    else:
        getattr(node, name)[number] = new


def time_limit(seconds: float) -> float:
    """Return when a mutant hangs, in seconds: by how long the tests take without a change."""
    return max(_LEAST, _TIMES * seconds)


def survives(
    module: str,
    tree: ast.Module,
    tests: Sequence[str],
    kills: Counter[str],
    limit: float = math.inf,
) -> bool:
    """Run tests on a module that is what the tree says, in a process of its own.

    The tests that killed most run first; the one that kills is counted. After `limit` seconds it
    hangs, which kills it, too.
    """
    end = time.monotonic() + limit
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os._exit(_run(module, tree, tests, _KillersFirst(kills, write)))
    os.close(write)
    with open(read) as killer:
        while time.monotonic() < end:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                kills.update(killer.read().splitlines())
                return status == 0
            time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run(module: str, tree: ast.Module, tests: Sequence[str], order: "_KillersFirst") -> int:
    import pytest

    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    sys.meta_path.insert(0, _Changed(module, tree))
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is there already
    return int(pytest.main([*options, *tests], plugins=[_WithoutShrinking(), order]))


class _Changed:
    """Finds one module, and gives another tree for it."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module, self._tree = module, tree

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Return the spec of the module."""
        if name != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.origin is not None
        code = compile(self._tree, spec.origin, "exec")
        spec.loader = _Compiled(name, spec.origin, code)
        return spec


class _Compiled(importlib.machinery.SourceFileLoader):
    """Loads a module from code that was compiled before."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        """Return the code."""
        return self._code


class _KillersFirst:
    """Puts the tests first that killed most mutants, and writes which one kills this."""

    def __init__(self, kills: Counter[str], pipe: int) -> None:
        self._kills, self._pipe = kills, pipe

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Sort the tests."""
        items.sort(key=lambda item: -self._kills[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Write the name of a test that fails."""
        if report.failed:
            os.write(self._pipe, f"{report.nodeid}\n".encode())


class _WithoutShrinking:
    """A failing example need not be the smallest, and is the same each time."""

    def pytest_sessionstart(self) -> None:
        """Set the profile after the one of the tests."""
        from hypothesis import Phase, settings

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile(
            "mutants", deadline=None, derandomize=True, database=None, phases=phases
        )
        settings.load_profile("mutants")


def main(arguments: list[str] | None = None) -> None:
    """Try the mutants of what the options name, and write a summary as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(MODULES))
    parser.add_argument("--count", type=int, default=0, help="drawn of each (0: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("output/mutants.json"))
    options = parser.parse_args(arguments)
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"no module {', '.join(sorted(unknown))}; choose from {', '.join(MODULES)}")
    for library in _LIBRARIES:
        importlib.import_module(library)
    for name in options.modules or MODULES:
        module, files = MODULES[name]
        tests = [str(_ROOT / "tests" / file) for file in files.split()]
        source = (_ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        start, kills = time.monotonic(), Counter[str]()
        assert survives(module, ast.parse(source), tests, kills), f"tests of {module} fail as it is"
        limit = time_limit(time.monotonic() - start)
        every = list(mutants(source))
        tried = random.Random(options.seed).sample(every, min(options.count or 10**6, len(every)))
        left = [told for told, tree in tried if survives(module, tree, tests, kills, limit)]
        result = {
            "mutants": len(every),
            "tried": len(tried),
            "killed": len(tried) - len(left),
            "survivors": left,
            "seed": options.seed,
            "seconds": round(time.monotonic() - start),
        }
        add_result(options.output, name, result)
        print(f"{name}: {result['killed']} of {len(tried)} killed, of {len(every)}")
        print("".join(f"  {told}\n" for told in left), end="", flush=True)


if __name__ == "__main__":
    main()
