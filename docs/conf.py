"""How Sphinx builds these pages: `make docs`."""

import importlib.metadata
import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # these pages are those of this checkout
GENERATED = HERE / "generated"

project = "raisr"
author = "the authors of raisr"
release = importlib.metadata.version("raisr")
extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "tutorials/*", "generated/*.md"]
default_role = "py:obj"  # what stands in single backticks in a docstring

html_theme = "furo"
html_title = "raisr"
html_show_copyright = False

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "none"  # the docstrings tell more
numpydoc_show_class_members = False
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "generated/tutorials",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "write_computation_times": False,
    "abort_on_example_error": True,
}


def help_of(*command):
    """Return what `raisr COMMAND --help` prints."""
    from raisr.cli import build_parser

    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            build_parser().parse_args([*command, "--help"])
    except SystemExit:
        return f"$ raisr {' '.join([*command, '--help'])}\n{printed.getvalue()}"
    raise RuntimeError(f"no help for {command}")


def runs_block():
    """Return the list of training runs without its title, and without links to folders."""
    text = (HERE.parent / "comparisons" / "RUNS.md").read_text(encoding="utf-8")
    return re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", text.split("\n", 1)[1])


def generate(app):
    """Write the parts of pages that come from other files and from the code."""
    matplotlib.use("agg")
    parts = {
        "runs.md": runs_block(),
        "help.txt": "\n".join(
            help_of(*command)
            for command in ([], ["denoise"], ["learn"], ["export"], ["hash"], ["info"])
        ),
    }
    GENERATED.mkdir(exist_ok=True)
    for name, text in parts.items():
        (GENERATED / name).write_text(text, encoding="utf-8")


def setup(app):
    """Generate before anything is read."""
    app.connect("builder-inited", generate)
