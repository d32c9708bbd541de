"""Mutants differ from the module in one thing that its work depends on."""

import ast
import time
from collections import Counter

import pytest

from tests import mutants as program
from tests.mutants import MODULES, mutants, survives, time_limit

SOURCE = '''
def smaller(a: int = 1, b: float = -2.0):
    """Return the smaller."""
    if a < b and b is not None:
        return min(a, b + 3)
    notify(a)
    raise ValueError("not 1 < 2")
'''


def test_each_mutant_has_one_change():
    found = {ast.unparse(tree).strip() for _, tree in mutants(SOURCE)}
    whole = ast.unparse(ast.parse(SOURCE)).strip()
    changes = {
        ("a: int=1", "a: int=2"),
        ("-2.0", "+2.0"),
        ("-2.0", "-3.0"),
        ("a < b", "a <= b"),
        ("is not", "is"),
        (" and ", " or "),
        ("if a < b and b is not None", "if not (a < b and b is not None)"),
        ("return min(a, b + 3)", "return None"),
        ("min(", "max("),
        ("b + 3", "b - 3"),
        ("b + 3", "b + 4"),
        ("notify(a)", "None"),
    }
    assert found == {whole.replace(*change) for change in changes}


def test_every_module_has_mutants_and_tests():
    from tests.mutants import _ROOT

    for module, files in MODULES.values():
        source = (_ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert any(True for _ in mutants(source))
        assert all((_ROOT / "tests" / file).is_file() for file in files.split())


def test_what_hangs_is_killed_when_its_time_is_over(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    module, tests = tmp_path / "mutated_example.py", tmp_path / "test_example.py"
    module.write_text("def one():\n    return 1\n")
    tests.write_text(
        "import mutated_example\n\ndef test_one():\n    assert mutated_example.one() == 1\n"
    )

    def lives(source, *limit):
        return survives(module.stem, ast.parse(source), [str(tests)], Counter(), *limit)

    assert lives(module.read_text())
    assert not lives("def one():\n    return 2\n", 600)
    start = time.monotonic()
    assert not lives("while True:\n    pass\n", 0.5)
    assert 0.5 <= time.monotonic() - start < 300


@pytest.mark.parametrize(("seconds", "limit"), [(0.1, 20), (4, 20), (30, 150)])
def test_a_mutant_has_a_multiple_of_the_time_without_a_change(
    tmp_path, monkeypatch, seconds, limit
):
    now, given = [0.0], []

    def takes(*arguments):
        now[0] += seconds
        given.append(arguments[4:])
        return True

    monkeypatch.setattr(program, "survives", takes)
    monkeypatch.setattr(program.time, "monotonic", lambda: now[0])
    program.main(["statistics", "--count", "2", "--output", str(tmp_path / "mutants.json")])
    assert given == [(), (limit,), (limit,)]
    assert time_limit(seconds) == limit
