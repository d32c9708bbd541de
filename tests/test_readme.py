"""The README's commands and examples run as printed."""

import doctest
import re
from pathlib import Path

import pytest

from raisr.cli import build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_python_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", None, 0)
    assert len(examples.examples) > 10
    assert doctest.DocTestRunner().run(examples).failed == 0


@pytest.mark.parametrize("command", re.findall(r"^\$ raisr (.*)$", README, re.MULTILINE))
def test_raisr_commands_parse(command):
    build_parser().parse_args(command.split())


@pytest.mark.parametrize("target", re.findall(r"^\$ make (\w+)", README, re.MULTILINE))
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(name):
    for link in re.findall(r"\]\(([^):#]+)\)", (ROOT / name).read_text()):
        assert (ROOT / link).exists(), link


def test_tables_are_those_committed():
    from comparisons.readme import FILES, filled

    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert filled(text) == text
