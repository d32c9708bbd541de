"""Denoising one page: colours together, bands one by one, alpha as it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import raisr
from raisr.camera_models import GAINS
from raisr.cli.planes import alpha_channel, fill_hidden, is_measured, straight, white_of
from raisr.io import Page
from raisr.io.picture import ASSOCIATED, BAND
from raisr.stabilisation import PhotonNoise

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank
    from raisr.cli.levels import NoiseLevels

__all__ = ["Change", "Group", "Settings", "denoise_page", "groups_of", "restored"]


class Settings(NamedTuple):
    """How to denoise.

    Levels and what the noise is like (None: estimate), value of white (None: by the type), a
    model, a number of threads, and a network that takes white noise in the model's place.
    """

    levels: NoiseLevels | None
    white: float | None
    model: str | FilterBank | ColourBank
    threads: int | None
    noise: str | PhotonNoise | None = None
    network: Callable[..., np.ndarray] | None = None


class Change(NamedTuple):
    """What was done to one group of channels, in the values of the file."""

    levels: tuple[float, ...]
    white: float
    distance: float  # root mean square of what is visible
    kind: str = "white"


class Group(NamedTuple):
    """Channels that are denoised together, and where; `part` counts without alpha.

    Filters take `work`: straight where `values` were multiplied by `share`, measured values less
    a pedestal, and visible ones in the place of the `hidden`.
    """

    channels: list[int]
    part: slice
    values: np.ndarray
    hidden: np.ndarray | None
    work: np.ndarray
    share: np.ndarray | None
    pedestal: int

    @property
    def visible(self) -> np.ndarray:
        """The smallest rectangle of `work` that holds all that is visible."""
        return _visible_part(self.work, self.hidden)


def denoise_page(page: Page, settings: Settings) -> tuple[Page, list[Change]]:
    """Denoise a page and tell, for its colours and for each of its bands, what was done.

    Colours that alpha hides come back as they were and change nothing that is visible.
    """
    result = np.atleast_3d(page.pixels).copy()
    _check_count(settings.levels, sum(map(len, _groups(result.shape[2], page.extra))))
    changes = []
    for group in groups_of(page):
        filtered, change = _denoise_group(group, settings)
        result[..., group.channels] = np.atleast_3d(filtered)
        changes.append(change)
    return Page(result.reshape(page.pixels.shape), page.metadata), changes


def groups_of(page: Page) -> Iterator[Group]:
    """Yield the colours of a page, then each of its bands."""
    samples, alpha, first = np.atleast_3d(page.pixels), alpha_channel(page), 0
    hidden = alpha == 0 if alpha is not None and not np.all(alpha) else None
    for channels in _groups(samples.shape[2], page.extra):
        values = samples[..., channels[0] if len(channels) == 1 else channels]
        part = slice(first, first + len(channels))
        work, share, pedestal = values, None, 0
        if alpha is not None and ASSOCIATED in page.extra and channels[0] == 0:
            work, share = straight(values, alpha)
        elif is_measured(values.dtype):
            pedestal = int(values.min())
            work = (values.astype(np.float64) - pedestal).astype(np.float32)
        if hidden is not None and not hidden.all():
            work = fill_hidden(work, hidden)
        yield Group(channels, part, values, hidden, work, share, pedestal)
        first += len(channels)


def _groups(channels: int, extra: tuple[str, ...]) -> list[list[int]]:
    """Return the channels that are denoised together."""
    colours = channels - len(extra)
    bands = [[colours + place] for place, name in enumerate(extra) if name == BAND]
    return [list(range(colours)), *bands]


def _check_count(levels: NoiseLevels | None, channels: int) -> None:
    if levels is not None and len(levels.parts) not in (1, channels):
        raise ValueError(
            f"--sigma names {len(levels.parts)} levels for an image of {channels} channel(s); "
            "give one level, or one for each channel (alpha does not count)"
        )


def _denoise_group(group: Group, settings: Settings) -> tuple[np.ndarray, Change]:
    _, part, values, hidden, work, share, pedestal = group
    white = white_of(values, settings.white)
    if hidden is not None and hidden.all():
        return values, Change((0.0,), white, 0.0)
    if isinstance(settings.noise, PhotonNoise):
        settings = settings._replace(noise=settings.noise.moved(-pedestal))
    levels, kind = _levels_of(work, hidden, white, part, settings)
    if levels and not any(levels) and not isinstance(settings.noise, PhotonNoise):
        return values, Change(levels, white, 0.0)
    filtered = _filtered(work, levels, kind, white, settings)
    if share is not None:
        if values.dtype.kind in "ui":  # no colour times alpha is above alpha
            filtered = np.clip(filtered, 0, np.iinfo(values.dtype).max)
        filtered = filtered * share
    if filtered.dtype != values.dtype:
        filtered = restored(filtered, pedestal, values.dtype)
    if hidden is not None:
        filtered[hidden] = values[hidden]
    return filtered, Change(levels, white, _distance(filtered, values, hidden), kind)


def _levels_of(work, hidden, white, part, settings) -> tuple[tuple[float, ...], str]:
    """Return one level for all channels of a group, or one for each, and what the noise is like.

    There is none for a bank; that of a camera is the level of the brightness, that of told
    photons the root mean square.
    """
    if not isinstance(settings.model, str):
        return (), "white"
    if settings.levels is not None:
        levels = settings.levels.of(white)
        levels = levels[part] if len(levels) > 1 else levels
        return levels[:1] if len(set(levels)) == 1 else levels, "white"
    axis = None if work.ndim == 2 else -1
    visible = _visible_part(work, hidden)
    if isinstance(settings.noise, PhotonNoise):
        return (float(np.sqrt(np.mean(settings.noise.deviation(visible) ** 2))),), "photon"
    found = raisr.estimate_noise(visible, channel_axis=axis, data_range=white)
    kind = settings.noise or found.kind
    if kind in GAINS:
        return (float(found.plane_levels()[0]),), kind
    level = raisr.estimate_sigma(visible, channel_axis=axis)
    return (level,), kind if kind == "photon" else "white"


def _visible_part(work: np.ndarray, hidden: np.ndarray | None) -> np.ndarray:
    """Return the smallest rectangle that holds all that is visible."""
    if hidden is None or hidden.all():
        return work
    rows, columns = (np.flatnonzero((~hidden).any(axis=axis)) for axis in (1, 0))
    return work[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _filtered(work, levels, kind, white, settings) -> np.ndarray:
    options: dict[str, Any] = {"model": settings.model, "data_range": white}
    if kind != "white":
        levels, options["noise"] = (), settings.noise or kind
    options["num_threads"] = settings.threads
    run: Callable[..., np.ndarray] = raisr.denoise
    if settings.network is not None and kind == "white":
        run, options = settings.network, {"data_range": white}
        levels = levels and (float(np.sqrt(np.mean(np.square(levels)))),)
    levels = levels[0] if len(levels) == 1 else levels or None
    axis = None if work.ndim == 2 else -1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "image has values", UserWarning)
        try:
            return run(work, levels, channel_axis=axis, **options)
        except UserWarning:
            raise ValueError(
                f"it has values far from black and white; white is taken to be {white:g}: "
                "see --white"
            ) from None


def restored(filtered: np.ndarray, pedestal: int, dtype: np.dtype) -> np.ndarray:
    """Return a result less a pedestal in another type; integers are rounded and clipped."""
    if dtype.kind == "f":
        return filtered.astype(dtype)
    limits = np.iinfo(dtype)
    exact = np.rint(filtered.astype(np.float64)) + pedestal
    return np.clip(exact, limits.min, limits.max).astype(dtype)


def _distance(filtered: np.ndarray, values: np.ndarray, hidden: np.ndarray | None) -> float:
    """Return the root mean square of a change, from some 100,000 of the visible pixels."""
    if hidden is not None:
        filtered, values = filtered[~hidden], values[~hidden]
    step = max(1, values.size // 100_000)
    pairs = (array.reshape(-1)[::step].astype(np.float64) for array in (filtered, values))
    return float(np.sqrt(np.mean(np.subtract(*pairs) ** 2)))
