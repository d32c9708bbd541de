"""Mutants differ from the module in one thing that its work depends on."""

import ast

from tests.mutants import MODULES, mutants

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
