"""The README's commands and examples run as printed."""

import doctest
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from raisr.cli import build_parser
from raisr.io import write_image
from tests.images import scene

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.[mr][ds]*")]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
OPTIONAL = ("skimage", "torch", "matplotlib", "rich", "pooch")


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """A folder with the colour photograph that the examples read."""
    monkeypatch.chdir(tmp_path)
    write_image("photo.jpg", np.stack([scene(seed=seed) for seed in range(3)], axis=-1))


def test_it_is_one_page():
    assert len(README.splitlines()) <= 150


def test_python_examples(photo):
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", None, 0)
    assert len(examples.examples) > 10
    assert doctest.DocTestRunner().run(examples).failed == 0
    assert Path("denoised.png").is_file()


def test_a_plain_install_runs_what_comes_before_networks(photo):
    plain, _ = README.split("\n## Networks\n")
    examples = doctest.DocTestParser().get_examples(plain)
    assert len(examples) > 8
    blocked = f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL}))\n"
    subprocess.run(
        [sys.executable, "-c", blocked + "".join(example.source for example in examples)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )


def test_nothing_installs_the_name_from_an_index():
    for page in PAGES:
        for command in re.findall(r"pip install ([^`\n]*)", page.read_text(encoding="utf-8")):
            wanted = re.match(r"'?\.(?:\[(.*)\])?(?:'|$)", command)
            assert wanted, f"{page}: pip install {command}"
            assert set((wanted[1] or "plot").split(",")) <= set(EXTRAS)


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
