"""Denoising one page: colours together, bands one by one, alpha as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from raisr.cli.groups import Group, change_groups, groups_of
from raisr.cli.noise_report import group_facts
from raisr.cli.plans import Plan, Settings, doubt_in, plan_of
from raisr.denoising import apply_step
from raisr.io import Page
from raisr.validate import check_threads

if TYPE_CHECKING:
    from raisr.cli.levels import NoiseLevels

__all__ = ["Change", "denoise_page"]


class Change(NamedTuple):
    """What was done to one group of channels, in the values of the file.

    `kind`, `levels` and `white` are those of its `Plan`, `doubt` what `doubt_in` says of it,
    `distance` the root mean square of the change, where it is visible. `facts` are those of
    `group_facts`, if they are wanted.
    """

    kind: str
    levels: tuple[float, ...]
    white: float
    doubt: str
    distance: float
    facts: dict[str, Any] | None


def denoise_page(
    page: Page, settings: Settings, *, verbose: bool = False
) -> tuple[Page, list[Change]]:
    """Denoise a page and tell, for its colours and for each of its bands, what was done.

    Colours that alpha hides come back as they were and change nothing that is visible.
    """
    _check_count(settings.levels, sum(len(group.channels) for group in groups_of(page)))

    def change(group: Group) -> tuple[np.ndarray | None, Change]:
        plan, filtered, distance = plan_of(group, settings), None, 0.0
        facts = group_facts(group, plan, settings) if verbose else None
        if plan.kind not in ("none", "hidden"):
            filtered = group.restored(_filtered(group, plan, settings))
            distance = _distance(filtered, group)
        about = plan.kind, plan.levels, plan.white, doubt_in(plan.about)
        return filtered, Change(*about, distance, facts)

    return change_groups(page, change)


def _check_count(levels: NoiseLevels | None, channels: int) -> None:
    if levels is not None and len(levels.parts) not in (1, channels):
        raise ValueError(
            f"--sigma names {len(levels.parts)} levels for an image of {channels} channel(s); "
            "give one level, or one for each channel (alpha does not count)"
        )


def _filtered(group: Group, plan: Plan, settings: Settings) -> np.ndarray:
    if plan.network is not None:
        # Nothing told, a network finds the level itself.
        is_told = settings.levels is not None or settings.noise is not None
        (level,) = plan.levels
        options = group.options(settings.white)
        return plan.network(group.work, level if is_told else None, **options)
    threads = check_threads(settings.threads)
    return apply_step(plan.step, plan.channels, group.work.shape, group.axis, plan.white, threads)


def _distance(filtered: np.ndarray, group: Group) -> float:
    """Return the root mean square of a change, from some 100,000 of the visible pixels."""
    values = group.values
    if group.hidden is not None:
        filtered, values = filtered[~group.hidden], values[~group.hidden]
    step = max(1, values.size // 100_000)
    pairs = (array.reshape(-1)[::step].astype(np.float64) for array in (filtered, values))
    return float(np.sqrt(np.mean(np.subtract(*pairs) ** 2)))
