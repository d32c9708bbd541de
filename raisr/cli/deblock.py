"""`raisr deblock`: one file, each image of a folder, or standard input and output."""

from __future__ import annotations

from argparse import Namespace
from typing import NamedTuple

import numpy as np

import raisr
from raisr.cli.denoise import Work, work_on
from raisr.cli.groups import change_groups, filter_visible, hidden_of
from raisr.cli.planes import white_of
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

    def change(values, alpha, premultiplied):
        hidden, quality = hidden_of(alpha), told
        if hidden is not None and hidden.all():
            return values, None

        def run(work: np.ndarray, _) -> np.ndarray | None:
            nonlocal quality
            axis, white = None if work.ndim == 2 else -1, white_of(values, settings.white)
            if quality is None:
                quality = raisr.estimate_jpeg_quality(work, channel_axis=axis, data_range=white)
            if quality is None:
                return None
            options = {"model": settings.model, "num_threads": settings.threads}
            return raisr.deblock(work, quality, channel_axis=axis, data_range=white, **options)

        return filter_visible(values, alpha, premultiplied, run), quality

    return change_groups(page, change)


def _describe(found: list[int | None]) -> tuple[str, bool]:
    """Say what was done, and whether it was nothing."""
    known = list(dict.fromkeys(quality for quality in found if quality is not None))
    if not known:
        return "changed nothing: found no traces of JPEG, or could not tell", True
    return f"cleaned of JPEG of quality {', '.join(map(str, known))}", False
