"""The pages name everything that is public, and what they tell a reader to run runs."""

import doctest
import importlib
import importlib.util
import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from raisr.cli import main
from raisr.io import write_image
from tests.images import scene

DOCS = Path(__file__).parents[1] / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.py"))
PAGES = [*sorted(DOCS.glob("*.md")), *TUTORIALS]


def commands(program):
    """Return the arguments of every command of a program that the pages show, in order."""
    found = [re.findall(rf"^(?:# +)?\$ {program} (.*)$", p.read_text(), re.M) for p in PAGES]
    return [line.split() for lines in found for line in lines]


@pytest.mark.parametrize("package", ["raisr", "hybrid"])
def test_every_public_name_is_documented(package):
    page = (DOCS / f"{package}.rst").read_text()
    documented = re.findall(r"^\.\. auto(?:function|class):: (\w+)$", page, re.M)
    public = set(importlib.import_module(package).__all__) - {"noise"}  # a module
    assert len(documented) == len(set(documented))
    assert set(documented) == public


@pytest.mark.parametrize(("page", "least"), [("index.md", 4), ("researchers.md", 30)])
def test_examples_on(page, least):
    text = (DOCS / page).read_text()
    examples = doctest.DocTestParser().get_doctest(text, {}, page, None, 0)
    assert len(examples.examples) >= least
    assert doctest.DocTestRunner().run(examples).failed == 0


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a tutorial and returns its variables."""
    monkeypatch.chdir(tmp_path)
    yield lambda name: runpy.run_path(str(DOCS / "tutorials" / f"{name}.py"))
    plt.close("all")


def test_filters_learned_for_the_camera_beat_the_shipped_ones(run):
    found = run("learn_your_own")
    scores = {name: found["psnr"](image) for name, image in found["outputs"].items()}
    assert scores["noisy"] < scores["shipped model"] < scores["learned here"] - 0.5
    assert (
        found["psnr"](found["cascade"].apply(found["noisy"], data_range=255))
        > (scores["learned here"])
    )


def test_weak_classes_smooth_most(run):
    found = run("read_a_filter_bank")
    strengths = found["left"].mean(axis=(0, 2))
    assert strengths[0] < strengths[1] < strengths[2]


def test_commands_of_the_tutorials_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for seed, name in enumerate(("a.png", "b.png")):
        clean = scene(seed=seed)
        noisy = np.uint8(np.clip(clean + rng.normal(0, 25, clean.shape), 0, 255))
        for folder, image in (("clean", clean), ("noisy", noisy)):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_image(Path(folder, name), image)
    write_image(Path("photo.png"), noisy)
    shown = commands("raisr")
    assert {arguments[0] for arguments in shown} == {"learn", "denoise", "info", "hash"}
    for arguments in shown:
        assert main(arguments) == 0, capsys.readouterr().err
    assert Path("denoised.png").is_file()
    assert Path("classes.png").is_file()


def test_modules_and_files_of_the_other_commands_exist():
    shown = commands("python -m")
    assert len(shown) > 5
    for module, *arguments in shown:
        assert importlib.util.find_spec(module)
        for path in (text for text in arguments if text.endswith(".toml")):
            assert (DOCS.parent / path).is_file()


def test_modules_that_the_pages_name_exist():
    """`hybrid.levels`, `comparisons.measure.protocol`: a module, or a public name of one."""
    guides = [*DOCS.glob("*.md"), DOCS.parent / "CONTRIBUTING.md", DOCS.parent / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in guides)
    named = set(re.findall(r"`((?:raisr|hybrid|comparisons|benchmarks)(?:\.\w+)+)[`(]", text))
    assert len(named) > 20
    for name in sorted(named):
        module, _, attribute = name.rpartition(".")
        found = getattr(importlib.import_module(module), attribute, None)
        assert found is not None or importlib.util.find_spec(name), name


def test_folders_and_files_that_contributors_are_sent_to_exist():
    text = (DOCS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:raisr|hybrid|comparisons|benchmarks|tests|docs)/[\w/.]*)`", text))
    assert len(named) > 15
    assert [path for path in sorted(named) if not (DOCS.parent / path).exists()] == []
