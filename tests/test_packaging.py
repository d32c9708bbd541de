"""What a user installs: the wheel's content, a light import, one version everywhere."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Names inside a wheel built from a copy of the sources, without a network."""
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
    return zipfile.ZipFile(built).namelist()


PACKAGES = ("raisr", "hybrid", "comparisons")


def test_wheel_holds_the_packages_only(wheel):
    assert {name.split("/")[0] for name in wheel} == {*PACKAGES, "raisr-0.1.0.dist-info"}


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_file_of_a_package(wheel, package):
    kept = {".py", ".safetensors", ".toml", ".json"}
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / package).rglob("*")
        if path.suffix in kept or path.name == "py.typed"
    }
    assert f"{package}/__init__.py" in sources
    assert sources <= set(wheel)


def test_wheel_carries_the_shipped_banks_and_the_licence(wheel):
    assert any(name.startswith("raisr/banks/") for name in wheel)
    assert any(name.endswith("LICENSE") for name in wheel)


def test_import_is_light_and_fast():
    script = (
        "import sys, time; start = time.perf_counter(); import raisr\n"
        "print(time.perf_counter() - start, *sys.modules)"
    )
    seconds = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
        )
        elapsed, *modules = done.stdout.split()
        seconds.append(float(elapsed))
        assert not {"torch", "matplotlib", "skimage", "numba", "scipy"} & set(modules)
    assert min(seconds) < 0.5


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
    wanted = {name for names in [PROJECT["dependencies"], *extras] for name in names}
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
