"""The page: everything that is committed, beside the scenes of the slider."""

from collections.abc import Sequence
from pathlib import Path

import jinja2

import raisr
from comparisons.report import banks, committed, scenes
from comparisons.report.scenes import Scene
from raisr.provenance import environment, git_commit

_FOLDER = Path(__file__).parent


def render(shown: Sequence[Scene]) -> str:
    """Return the page as HTML that loads nothing.

    Parameters
    ----------
    shown : sequence of Scene
        What the slider offers. It opens with the first one: noisy, and its best-known remedy.
    """
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return templates.get_template("page.html.jinja").render(
        style=read("page.css"),
        script=read("page.js"),
        scenes=shown,
        scene_data=[scene.to_dict() for scene in shown],
        left=shown[0].images[0],
        right=shown[0].images[-2],
        protocol=scenes.PROTOCOL,
        sigma=scenes.SIGMA,
        side=scenes.SIDE,
        spec=raisr.HashSpec.preset("csconv"),
        figures=committed.figures(),
        tables=committed.tables(),
        small_banks=banks.by_noise(),
        banks=banks.shipped(),
        commit=git_commit(),
        environment=environment(),
        origin=committed.origin(),
    )


def read(name: str) -> str:
    """Return a part of the page that lies beside this module."""
    return (_FOLDER / name).read_text(encoding="utf-8")
