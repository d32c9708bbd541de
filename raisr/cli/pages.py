"""Denoising one page: colours together, bands one by one, alpha as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from raisr.camera_models import GAINS
from raisr.cli.checks import white_fits
from raisr.cli.groups import Group, change_groups, groups_of
from raisr.cli.planes import white_of
from raisr.cli.plans import Plan, Settings, plan_of
from raisr.denoising import taken
from raisr.io import Page
from raisr.validate import check_threads

if TYPE_CHECKING:
    from raisr.cli.levels import NoiseLevels

__all__ = ["Change", "denoise_page"]

_FOR_NETWORKS = ("white", "shared", "few values", *GAINS)


class Change(NamedTuple):
    """What was done to one group of channels, in the values of the file."""

    levels: tuple[float, ...]
    white: float
    distance: float  # root mean square of what is visible
    kind: str = "none"  # of a `Plan`, and its doubt
    doubt: str = ""


def denoise_page(page: Page, settings: Settings) -> tuple[Page, list[Change]]:
    """Denoise a page and tell, for its colours and for each of its bands, what was done.

    Colours that alpha hides come back as they were and change nothing that is visible.
    """
    _check_count(settings.levels, sum(len(group.channels) for group in groups_of(page)))
    return change_groups(page, lambda group: _denoise_group(group, settings))


def _check_count(levels: NoiseLevels | None, channels: int) -> None:
    if levels is not None and len(levels.parts) not in (1, channels):
        raise ValueError(
            f"--sigma names {len(levels.parts)} levels for an image of {channels} channel(s); "
            "give one level, or one for each channel (alpha does not count)"
        )


def _denoise_group(group: Group, settings: Settings) -> tuple[np.ndarray | None, Change]:
    white = white_of(group.values, settings.white)
    if group.is_hidden:
        return None, Change((0.0,), white, 0.0)
    with white_fits(white):
        plan = plan_of(group, settings)
        if plan.kind == "none":
            return None, Change(plan.levels, white, 0.0, plan.kind, plan.doubt)
        filtered = group.restored(_filtered(group, plan, settings))
    distance = _distance(filtered, group)
    return filtered, Change(plan.levels, white, distance, plan.kind, plan.doubt)


def _filtered(group: Group, plan: Plan, settings: Settings) -> np.ndarray:
    untold = settings.noise in (None, "white")  # networks have their own for a camera that is found
    if settings.network is not None and untold and plan.kind in _FOR_NETWORKS:
        levels = None if settings.levels is None else np.sqrt(np.mean(np.square(plan.levels)))
        return settings.network(group.work, levels, **group.options(settings.white))
    threads = check_threads(settings.threads)
    return taken(plan.step, plan.channels, group.work.shape, group.axis, plan.white, threads)


def _distance(filtered: np.ndarray, group: Group) -> float:
    """Return the root mean square of a change, from some 100,000 of the visible pixels."""
    values = group.values
    if group.hidden is not None:
        filtered, values = filtered[~group.hidden], values[~group.hidden]
    step = max(1, values.size // 100_000)
    pairs = (array.reshape(-1)[::step].astype(np.float64) for array in (filtered, values))
    return float(np.sqrt(np.mean(np.subtract(*pairs) ** 2)))
