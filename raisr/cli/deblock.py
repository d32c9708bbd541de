"""`raisr deblock`: one file, each image of a folder, or standard input and output."""

from __future__ import annotations

from argparse import Namespace
from typing import NamedTuple

import numpy as np

import raisr
from raisr.cli.checks import white_fits
from raisr.cli.groups import Group, change_groups
from raisr.cli.work import Work, work_on
from raisr.io import Page

__all__ = ["deblock", "deblock_page"]


class Settings(NamedTuple):
    """How to clean: quality (None: by the file, or its pixels), value of white, and a model."""

    quality: int | None
    white: float | None
    model: str
    threads: int | None


def deblock(arguments: Namespace) -> int:
    """Clean one file, or each image of a folder."""
    settings = Settings(arguments.quality, arguments.white, arguments.model, arguments.threads)
    arguments.work = Work(lambda page: deblock_page(page, settings), _describe, "cleaned")
    return work_on(arguments)


def deblock_page(page: Page, settings: Settings) -> tuple[Page, list[int | None]]:
    """Clean a page: colours together, bands one by one; return the quality of each.

    Colours that alpha hides come back as they were and change nothing that is visible.
    """
    told = settings.quality or page.metadata.get("jpeg_quality")

    def change(group: Group) -> tuple[np.ndarray | None, int | None]:
        if group.is_hidden:
            return None, None
        options = group.options(settings.white)
        with white_fits(options["data_range"]):
            quality = told or raisr.estimate_jpeg_quality(group.work, **options)
            if quality is None:
                return None, None
            options |= {"model": settings.model, "num_threads": settings.threads}
            return group.restored(raisr.deblock(group.work, quality, **options)), quality

    return change_groups(page, change)


def _describe(found: list[int | None]) -> tuple[str, bool]:
    """Say what was done, and whether it was nothing."""
    known = list(dict.fromkeys(quality for quality in found if quality is not None))
    if not known:
        return "changed nothing: found no traces of JPEG, or could not tell", True
    return f"cleaned of JPEG of quality {', '.join(map(str, known))}", False
