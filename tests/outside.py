"""Test what users install: `python -m tests.outside --python python3.13 [tests/io ...]`.

The source archive of the last commit is built, and the wheel from it. An environment of its own
gets the wheel, and the newest versions of what it needs or the oldest that are allowed. The tests
of the archive run in a folder without the sources.
"""

import argparse
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

__all__ = ["main", "oldest"]

_ROOT = Path(__file__).parents[1]


def oldest() -> list[str]:
    """Return the lowest versions that users may have, of the plain install and of its extras."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = ("dask", "files", "large", "plot", "test")
    wanted = [*project["dependencies"], *(line for name in names for line in extras[name])]
    return [line.replace(">=", "==") for line in wanted if not line.startswith("raisr[")]


def _run(folder: Path, *command: object) -> None:
    subprocess.run([str(part) for part in command], cwd=folder, check=True)


def _install(folder: Path, python: str, extras: str, constraints: list[str]) -> Path:
    """Build the archive and the wheel of the last commit, install it; return its Python."""
    _run(_ROOT, "git", "clone", "--quiet", "--depth", "1", _ROOT.as_uri(), folder / "source")
    _run(folder, python, "-m", "venv", "venv")
    own = folder / "venv" / "bin" / "python"
    install = (own, "-m", "pip", "install", "--quiet")
    _run(folder, *install, "build")
    _run(folder, own, "-m", "build", "--outdir", "dist", "source")
    (wheel,) = (folder / "dist").glob("*.whl")
    (folder / "constraints.txt").write_text("\n".join(constraints), encoding="utf-8")
    _run(folder, *install, "--constraint", "constraints.txt", f"{wheel}[{extras}]")
    return own


def main(arguments: list[str] | None = None) -> None:
    """Build, install and test; the tests' names and options are those of pytest."""
    parser = argparse.ArgumentParser(description="Test the installed wheel.")
    parser.add_argument("--python", default="python3", help="which Python")
    parser.add_argument("--extras", default="test", help="'test,hybrid': with PyTorch")
    parser.add_argument("--oldest", action="store_true", help="the lowest versions allowed")
    options, tests = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        constraints = oldest() if options.oldest else []
        python = _install(folder, options.python, options.extras, constraints)
        shutil.rmtree(folder / "source")
        (archive,) = (folder / "dist").glob("*.tar.gz")
        shutil.unpack_archive(archive, folder / "archive", filter="data")
        for kept in ("tests", "pyproject.toml"):  # the latter has the settings of pytest
            shutil.move(next(folder.glob(f"archive/*/{kept}")), folder / kept)
        _run(folder, python, "-m", "pip", "list")
        # Old versions warn of what newer ones beside them call old.
        warnings = ("-W", "default::DeprecationWarning") if options.oldest else ()
        _run(folder, python, "-m", "pytest", "-q", *warnings, *(tests or ["tests"]))


if __name__ == "__main__":
    main()
