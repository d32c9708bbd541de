"""Licences of all that an install brings: `python -m tests.licences` writes them into a page.

What a package says of itself counts: its expression, or else its classifiers. Every extra must be
installed; what is for other platforms is left out.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from raisr.provenance import write_file

__all__ = ["BEGIN", "PAGE", "PROJECT", "brought_by", "filled", "licence", "main"]

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "testing.md"
PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BEGIN = "<!-- licences: begin (filled by tests.licences) -->\n"
END = "<!-- licences: end -->\n"
_SHORT = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


def brought_by(requirements: Iterable[str]) -> set[str]:
    """Return the packages that requirements bring here, with those that these bring."""
    found: set[str] = set()
    wanted: list[tuple[str, frozenset[str]]] = [(line, frozenset()) for line in requirements]
    seen = set(wanted)
    while wanted:
        line, extras = wanted.pop()
        requirement = Requirement(line)
        marker, name = requirement.marker, canonicalize_name(requirement.name)
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            continue
        if name == "raisr":
            lines = [r for e in requirement.extras for r in PROJECT["optional-dependencies"][e]]
        else:
            found.add(name)
            lines = requires(name) or []
        new = {(line, frozenset(requirement.extras)) for line in lines} - seen
        seen |= new
        wanted += new
    return found


def licence(name: str) -> str:
    """Return what a package says of its licence."""
    about = metadata(name)
    if expression := about["License-Expression"]:
        return expression
    classifiers = about.get_all("Classifier") or []
    said = [c.split(" :: ")[-1] for c in classifiers if c.startswith("License :: ")]
    named = [_SHORT.get(c, c) for c in said if c != "OSI Approved"]
    return " AND ".join(named) or (about["License"] or "not said").splitlines()[0]


def _row(install: str, packages: Iterable[str]) -> str:
    groups = defaultdict(list)
    for name in sorted(packages):
        groups[licence(name)].append(name)
    cells = [f"{said}: {', '.join(groups[said])}" for said in sorted(groups)]
    return f"| {install} | {'; '.join(cells) or 'nothing more'} |"


def filled(page: str) -> str:
    """Return the page with the licences of what is installed here."""
    seen = brought_by(PROJECT["dependencies"])
    lines = ["| install | brings, beside the rows above |", "| --- | --- |", _row("plain", seen)]
    for extra, requirements in PROJECT["optional-dependencies"].items():
        new = brought_by(requirements) - seen
        seen |= new
        lines.append(_row(f"`{extra}`", new))
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + rest.split(END)[1]


def main() -> None:
    """Fill the page."""
    write_file(PAGE, filled(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
