"""Denoising one page: colours together, bands one by one, alpha as it is."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import raisr
from raisr.cli.groups import change_groups, filter_visible, groups_of, hidden_of
from raisr.cli.planes import white_of
from raisr.io import Page

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank
    from raisr.cli.levels import NoiseLevels

__all__ = ["Change", "Settings", "denoise_page"]


class Settings(NamedTuple):
    """How to denoise: levels (None: estimate), value of white (None: by the type), and a model."""

    levels: NoiseLevels | None
    white: float | None
    model: str | FilterBank | ColourBank
    threads: int | None


class Change(NamedTuple):
    """What was done to one group of channels, in the values of the file."""

    levels: tuple[float, ...]
    white: float
    distance: float  # root mean square of what is visible
    camera: bool = False  # whether the noise was taken for that of a camera


def denoise_page(page: Page, settings: Settings) -> tuple[Page, list[Change]]:
    """Denoise a page and tell, for its colours and for each of its bands, what was done.

    Colours that alpha hides come back as they were and change nothing that is visible.
    """
    channels = sum(map(len, groups_of(page)))
    _check_count(settings.levels, channels)
    first = 0

    def change(values, alpha, premultiplied):
        nonlocal first
        part = slice(first, first + np.atleast_3d(values).shape[2])
        first = part.stop
        return _denoise_group(values, alpha, premultiplied, part, settings)

    return change_groups(page, change)


def _check_count(levels: NoiseLevels | None, channels: int) -> None:
    if levels is not None and len(levels.parts) not in (1, channels):
        raise ValueError(
            f"--sigma names {len(levels.parts)} levels for an image of {channels} channel(s); "
            "give one level, or one for each channel (alpha does not count)"
        )


def _denoise_group(values, alpha, premultiplied, part, settings) -> tuple[np.ndarray, Change]:
    white, hidden = white_of(values, settings.white), hidden_of(alpha)
    if hidden is not None and hidden.all():
        return values, Change((0.0,), white, 0.0)
    levels: tuple[float, ...] = ()
    camera = False

    def run(work, hidden):
        nonlocal levels, camera
        levels, camera = _levels_of(work, hidden, white, part, settings)
        if levels and not any(levels):
            return None
        return _filtered(work, () if camera else levels, white, settings)

    filtered = filter_visible(values, alpha, premultiplied, run)
    return filtered, Change(levels, white, _distance(filtered, values, hidden), camera)


def _levels_of(work, hidden, white, part, settings) -> tuple[tuple[float, ...], bool]:
    """Return one level for all channels of a group, or one for each, and whether a camera's.

    There is none for a bank; that of a camera is the level of the brightness.
    """
    if not isinstance(settings.model, str):
        return (), False
    if settings.levels is not None:
        levels = settings.levels.of(white)
        levels = levels[part] if len(levels) > 1 else levels
        return levels[:1] if len(set(levels)) == 1 else levels, False
    axis = None if work.ndim == 2 else -1
    visible = _visible_part(work, hidden)
    found = raisr.estimate_noise(visible, channel_axis=axis, data_range=white)
    if not found.is_white:
        return (float(found.plane_levels()[0]),), True
    return (raisr.estimate_sigma(visible, channel_axis=axis),), False


def _visible_part(work: np.ndarray, hidden: np.ndarray | None) -> np.ndarray:
    """Return the smallest rectangle that holds all that is visible."""
    if hidden is None:
        return work
    rows, columns = (np.flatnonzero((~hidden).any(axis=axis)) for axis in (1, 0))
    return work[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _filtered(work, levels, white, settings) -> np.ndarray:
    options: dict[str, Any] = {"model": settings.model, "data_range": white}
    options["num_threads"] = settings.threads
    axis = None if work.ndim == 2 else -1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "image has values", UserWarning)
        try:
            return raisr.denoise(work, levels or None, channel_axis=axis, **options)
        except UserWarning:
            raise ValueError(
                f"it has values far from black and white; white is taken to be {white:g}: "
                "see --white"
            ) from None


def _distance(filtered: np.ndarray, values: np.ndarray, hidden: np.ndarray | None) -> float:
    """Return the root mean square of a change, from some 100,000 of the visible pixels."""
    if hidden is not None:
        filtered, values = filtered[~hidden], values[~hidden]
    step = max(1, values.size // 100_000)
    pairs = (array.reshape(-1)[::step].astype(np.float64) for array in (filtered, values))
    return float(np.sqrt(np.mean(np.subtract(*pairs) ** 2)))
