"""A share of `make fuzz`: what reads foreign bytes meets changed files."""

import random

import pytest

from tests.fuzz.guided import fuzz
from tests.fuzz.mutations import change_tree, mend_png
from tests.fuzz.targets import REFUSED, TARGETS


@pytest.mark.filterwarnings("ignore")  # a reader may warn of what it takes
@pytest.mark.parametrize("name", TARGETS)
def test_changed_files_are_taken_or_refused(name):
    target, rng, taken = TARGETS[name], random.Random(7), 0
    seeds = target.seeds()
    for content in seeds:
        target.run(content)
    for _ in range(200):
        try:
            target.run(target.change(rng.choice(seeds), rng))
            taken += 1
        except REFUSED:
            pass
    assert 10 < taken < 200


def test_guided_fuzzing_finds_nothing(tmp_path):
    result = fuzz("picture", 300, 10, 0, tmp_path / "corpus", tmp_path / "found")
    assert result["faults"] == {}
    assert result["executions"] > 20
    assert result["corpus"] >= len(TARGETS["picture"].seeds())


def test_guided_fuzzing_finds_a_fault_alone(tmp_path, monkeypatch):
    """A fault that is put in, where only some inputs get to."""
    monkeypatch.setenv("PYTHONPATH", str(_with_a_fault(tmp_path)), prepend=":")
    result = fuzz("config", 1000, 60, 0, tmp_path / "corpus", tmp_path / "found")
    assert result["faults"]
    assert all("ZeroDivisionError" in fault for fault in result["faults"])
    assert list((tmp_path / "found").iterdir())
    assert result["corpus"] >= len(TARGETS["config"].seeds())


def _with_a_fault(folder):
    (folder / "sitecustomize.py").write_text(
        "import tomllib\n"
        "loads = tomllib.loads\n"
        "def broken(text):\n"
        "    found = loads(text)\n"
        "    if found.get('steps') == 300 and 'init' not in found and len(found) < 4:\n"
        "        1 / 0\n"
        "    return found\n"
        "tomllib.loads = broken\n"
    )
    return folder


def test_a_tree_is_changed_in_one_place():
    tree = {"a": [1, 2, {"b": "c"}], "d": 1.5}
    rng = random.Random(0)
    changed = [change_tree(tree, rng) for _ in range(50)]
    assert tree == {"a": [1, 2, {"b": "c"}], "d": 1.5}
    assert sum(str(other) != str(tree) for other in changed) > 45


def test_a_mended_png_has_the_right_sums():
    png = TARGETS["picture"].seeds()[0]
    assert mend_png(png) == png
    broken = png[:29] + bytes(4) + png[33:]
    assert broken != png
    assert mend_png(broken) == png
