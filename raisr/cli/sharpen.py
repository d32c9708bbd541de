"""`raisr sharpen`: one file, each image of a folder, or standard input and output."""

from __future__ import annotations

from argparse import Namespace
from typing import NamedTuple

import numpy as np

import raisr
from raisr.cli.checks import white_fits
from raisr.cli.groups import Group, change_groups
from raisr.cli.work import Work, work_on
from raisr.io import Page

__all__ = ["sharpen", "sharpen_page"]


class Settings(NamedTuple):
    """How to sharpen: by how much, and the value of white (None: by the type)."""

    amount: float
    white: float | None
    threads: int | None


def sharpen(arguments: Namespace) -> int:
    """Sharpen one file, or each image of a folder."""
    settings = Settings(arguments.amount, arguments.white, arguments.threads)
    arguments.work = Work(lambda page: sharpen_page(page, settings), _describe, "sharpened")
    return work_on(arguments)


def sharpen_page(page: Page, settings: Settings) -> tuple[Page, list[float]]:
    """Sharpen a page: colours together, bands one by one; return the amount of each.

    Colours that alpha hides come back as they were and change nothing that is visible.
    """

    def change(group: Group) -> tuple[np.ndarray | None, float]:
        if group.is_hidden or settings.amount == 0:
            return None, 0.0
        options = group.options(settings.white) | {"num_threads": settings.threads}
        with white_fits(options["data_range"]):
            filtered = raisr.sharpen(group.work, settings.amount, **options)
        return group.restored(filtered), settings.amount

    return change_groups(page, change)


def _describe(amounts: list[float]) -> tuple[str, bool]:
    """Say what was done, and whether it was nothing."""
    if not any(amounts):
        return "changed nothing: the amount is 0, or nothing is visible", True
    return f"sharpened by {max(amounts):g}", False
