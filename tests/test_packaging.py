"""What a user installs: the wheel's content, a light import, one version everywhere."""

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from comparisons.measure.store import COMMITTED
from hybrid.default import CAMERA, MODELS
from raisr.io import read_image, write_image
from raisr.kernels.apply import filter_rows
from raisr.metrics import psnr
from tests.images import scene

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel built from a copy of the sources, without a network."""
    source = tmp_path_factory.mktemp("source") / "raisr"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info")
    )
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", str(source)],
        check=True,
        capture_output=True,
    )
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(built):
    """Names inside the wheel."""
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Return a function that runs a command of the wheel alone; its dependencies are those here."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(built)], check=True, capture_output=True)

    def run(folder, *command):
        return subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    run.site = site
    return run


PACKAGES = ("raisr", "hybrid", "comparisons")
SHIPPED = {
    f"{choice.weights}.safetensors" for choice in itertools.chain((CAMERA,), *MODELS.values())
}
ELSEWHERE = {path.name for path in (ROOT / "hybrid/weights").glob("*.safetensors")} - SHIPPED
"""Weights that stay in the repository."""
RESULTS = [("comparisons", "results", path.name) for path in COMMITTED.iterdir() if path.is_dir()]
"""Folders of results, image by image, that stay there, too."""


def test_wheel_holds_the_packages_only(wheel):
    assert {name.split("/")[0] for name in wheel} == {*PACKAGES, "raisr-0.1.0.dist-info"}


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_file_of_a_package(wheel, package):
    kept = {".py", ".safetensors", ".toml", ".json"}
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / package).rglob("*")
        if (path.suffix in kept or path.name == "py.typed") and path.name not in ELSEWHERE
        if path.relative_to(ROOT).parts[:3] not in RESULTS
    }
    assert f"{package}/__init__.py" in sources
    assert sources <= set(wheel)


def test_wheel_carries_the_shipped_banks_and_the_licence(wheel):
    assert any(name.startswith("raisr/banks/") for name in wheel)
    assert any(name.endswith("LICENSE") for name in wheel)


def test_wheel_is_small_and_brings_the_default_weights(built, wheel):
    assert built.stat().st_size < 20e6
    weights = {Path(name).name for name in wheel if name.startswith("hybrid/weights/")}
    assert weights == SHIPPED | {"registry.json"}


TRAINS_AND_LOADS = """
import runpy, sys
sys.argv = ["train", "mine.toml"]
runpy.run_module("hybrid.train", run_name="__main__")
import hybrid
print(hybrid.load('runs/mine/weights.safetensors').behaviour.sigma)
print([entry.name for entry in hybrid.list_weights()])
try:
    hybrid.load('edsr16_standard_25')
except FileNotFoundError as error:
    print(error)
"""


def test_the_installed_wheel_trains_on_a_folder_of_pictures(installed, tmp_path):
    (tmp_path / "photos").mkdir()
    for seed in range(10):
        picture = scene((70, 80), seed=seed)
        write_image(tmp_path / "photos" / f"{seed}.jpg", np.stack([picture] * 3, axis=-1))
    (tmp_path / "mine.toml").write_text(
        'model = "edsr"\noptions = { features = 4, blocks = 1 }\nimages = ["photos"]\n'
        "steps = 20\nwarmup = 5\ncrop = 32\nbatch = 2\n"
    )
    told, sigma, names, refused = installed(tmp_path, "-c", TRAINS_AND_LOADS).splitlines()
    assert told == "wrote runs/mine/weights.safetensors"
    assert sigma == "25.0"
    assert set(ast.literal_eval(names)) == {name.removesuffix(".safetensors") for name in SHIPPED}
    assert "edsr16_standard_25 are not part of this installation" in refused


CACHE = "from raisr.kernels import apply; print(apply.filter_rows._cache.cache_path)"


@pytest.mark.usefixtures("compiled")
def test_the_installed_wheel_denoises_a_jpeg(installed, tmp_path):
    """It may load what was compiled here: Numba does where all sources of kernels are the same."""
    there = installed(tmp_path, "-c", CACHE).strip()
    for file in Path(filter_rows._cache.cache_path).glob("*.nb[ci]"):
        shutil.copy(file, there)
    modules = installed(tmp_path, "-c", "import raisr, raisr.cli; print(raisr.cli.__file__)")
    assert Path(modules.strip()).is_relative_to(installed.site)
    clean = np.stack([20 * k + (1 - 0.2 * k) * scene() for k in range(3)], axis=-1)
    noise = np.random.default_rng(0).normal(0, 25, clean.shape)
    write_image(tmp_path / "photo.jpg", np.uint8(np.clip(clean + noise, 0, 255).round()))
    command = installed.site / "bin" / "raisr"
    for name, options in (("fast.png", []), ("best.jpg", ["--sigma", "25", "--model", "best"])):
        installed(tmp_path, command, "denoise", *options, "photo.jpg", name)
        denoised, noisy = (read_image(tmp_path / file)[0] for file in (name, "photo.jpg"))
        assert denoised.shape == clean.shape
        assert psnr(denoised, clean) > psnr(noisy, clean) + 3


def test_import_is_light():
    """What takes time are the packages that are loaded, and none but our own is."""
    script = (
        "import sys; before = set(sys.modules); import raisr; print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    packages = {module.split(".")[0] for module in done.stdout.split()}
    assert packages - set(sys.stdlib_module_names) == {"raisr"}


def test_every_public_name_is_there():
    import raisr

    assert all(getattr(raisr, name) is not None for name in raisr.__all__)
    with pytest.raises(AttributeError, match="module 'raisr' has no attribute 'nothing'"):
        raisr.nothing  # noqa: B018


def test_one_version_everywhere():
    from raisr import __version__

    version = PROJECT["version"]
    assert __version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {version} " in (ROOT / "CHANGELOG.md").read_text()


def test_dependencies_have_a_known_good_version_and_no_upper_bound():
    extras = PROJECT["optional-dependencies"].values()
    every = [name for names in [PROJECT["dependencies"], *extras] for name in names]
    wanted = {name.split(";")[0] for name in every}  # without markers such as the machine's
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower() for line in lines}
    assert not [name for name in wanted if "<" in name or "==" in name]
    assert {n.split(">=")[0].lower() for n in wanted if not n.startswith("raisr[")} <= pinned


def test_old_python_is_refused_with_advice(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert f"Python 3.11 or newer is needed; {old} is Python 3.9.2." in done.stderr
    assert not (tmp_path / "venv").exists()


def recipe(target):
    """Return the commands that make runs for a target in an environment that is not there."""
    arguments = ["make", "--dry-run", target, "VENV=nowhere/venv"]
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def names_of(extra):
    """Return the packages that an extra asks for, with those of the extras that it names."""
    found = set()
    for wanted in PROJECT["optional-dependencies"][extra]:
        if inner := re.fullmatch(r"raisr\[(.*)\]", wanted):
            found |= set().union(*map(names_of, inner[1].split(",")))
        else:
            found.add(re.match(r"[\w-]+", wanted)[0].lower())
    return found


def test_table_2_installs_only_what_it_needs():
    assert re.findall(r"'\.\[(.*)\]'", recipe("table2")) == ["table2"]
    assert names_of("table2") == {"matplotlib", "rich", "scikit-image", "torch"}
    assert re.findall(r"'\.\[(.*)\]'", recipe("test")) == ["table2", "dev"]
    for target, installs in (("table2", 1), ("test", 2)):
        assert recipe(target).count("-m pip install") == installs
        assert recipe(target).count("--constraint constraints.txt") == installs


@pytest.mark.parametrize(("types", "tests"), [(0, 0), (1, 0), (0, 1)])
def test_types_are_checked_beside_the_tests_and_both_must_pass(tmp_path, types, tests):
    (tmp_path / "bin").mkdir()
    for name, status in {"ruff": 0, "lint-imports": 0, "mypy": types, "python": tests}.items():
        command = tmp_path / "bin" / name
        command.write_text(f"#!/bin/sh\necho said by {name}\nexit {status}\n")
        command.chmod(0o755)
    for stamp in (".table2", ".installed"):
        (tmp_path / stamp).touch()
    command = ["make", "test", f"VENV={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode == 0) == (types == tests == 0)
    for name in ("mypy", "python"):
        assert f"said by {name}\n" in done.stdout
