"""JSON files written all or nothing, and what a number depends on: machine, versions, commit."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from raisr.files import write_atomically

_LIBRARIES = ("numpy", "numba", "scipy", "scikit-image")
_MODULES = {"scikit-image": "skimage"}


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file, all or nothing; its folder is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.encode() if isinstance(content, str) else content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON with `write_file`, the same bytes for the same content."""
    write_file(path, json.dumps(content, indent=1) + "\n")


def read_json(path: Path) -> Any | None:
    """Return the content of a JSON file, or None where there is no such file.

    Raises
    ------
    ValueError
        The file is not JSON: damaged or foreign.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path}: wanted a JSON file of results, got {error}") from error


def content_digest(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the names and the bytes of some files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def environment() -> dict[str, str]:
    """Return what a number may depend on besides its method: machine and versions."""
    return {
        "cpu": _cpu_model(),
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES if find_spec(_MODULES.get(name, name))},
    }


@cache
def git_commit() -> str | None:
    """Return the commit of the working tree, with "+" where its code differs; None outside git."""
    root = Path(__file__).parent.parent
    code = ("status", "--porcelain", "--", ".", ":(exclude)comparisons/results")
    try:
        if Path(_git("rev-parse", "--show-toplevel", cwd=root)) != root.resolve():
            return None  # installed somewhere inside another project
        commit = _git("rev-parse", "HEAD", cwd=root)
        return commit + ("+" if _git(*code, cwd=root) else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
