"""Denoising one page: colours together, bands one by one, alpha as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import raisr
from raisr.camera_models import GAINS, camera_filters
from raisr.cli.checks import white_fits
from raisr.cli.groups import Group, change_groups, groups_of
from raisr.cli.planes import white_of
from raisr.colour import LUMA_NOISE
from raisr.few_values import all_values_told
from raisr.io import Page
from raisr.sampling import sample_of
from raisr.stabilisation import PhotonNoise
from raisr.treatment import treatment_of
from raisr.validate import as_channels
from raisr.wavelet_level import channel_levels

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank, NoiseEstimate
    from raisr.cli.levels import NoiseLevels

__all__ = ["Change", "Settings", "denoise_page", "levels_of"]

_WHITE = ("white", "shared")


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
    if isinstance(settings.noise, PhotonNoise):
        settings = settings._replace(noise=settings.noise.moved(-group.pedestal))
    levels, kind = levels_of(group, white, settings)
    if levels and not any(levels) and not isinstance(settings.noise, PhotonNoise):
        return None, Change(levels, white, 0.0)
    filtered = group.restored(_filtered(group, levels, kind, white, settings))
    return filtered, Change(levels, white, _distance(filtered, group), kind)


def levels_of(
    group: Group, white: float, settings: Settings, found: NoiseEstimate | None = None
) -> tuple[tuple[float, ...], str]:
    """Return one level for all channels of a group, or one for each, and the treatment of noise.

    There is no level for a bank; that of a camera is what its filters take in the brightness, as
    noise of a channel, 0 where they change nothing, that of told photons the root mean square.
    `found` is the estimate of what is visible, if that is known. White noise on an image of few
    values, which the filters leave to the histogram, is "few".
    """
    if not isinstance(settings.model, str):
        return (), "white"
    if settings.levels is not None:
        levels = settings.levels.of(white)
        levels = levels[group.part] if len(levels) > 1 else levels
        return levels[:1] if len(set(levels)) == 1 else levels, "white"
    visible, axis = group.visible, group.axis
    if isinstance(settings.noise, PhotonNoise):
        return (float(np.sqrt(np.mean(settings.noise.deviation(visible) ** 2))),), "photon"
    found = found or raisr.estimate_noise(visible, channel_axis=axis, data_range=white)
    kind = treatment_of(found, settings.noise)
    if kind in GAINS:
        bank, share = camera_filters("fast", kind, found, told=settings.noise is not None)
        level = bank.metadata["levels"][0] / LUMA_NOISE if share else 0.0
        return (level * found.unit,), kind
    channels = sample_of(as_channels(visible, axis, white, white_matters=False))
    each, sure = channel_levels(channels, found)
    each = [min(level, found.most_white / found.unit) for level in each]
    if kind in _WHITE and settings.network is None and all_values_told(channels, each):
        return (float(np.mean(each)) * found.unit,), "few"
    sure = sure if kind == "white" and settings.noise is None else 1.0
    return (sure * float(np.mean(each)) * found.unit,), kind


def _filtered(group, levels, kind, white, settings) -> np.ndarray:
    options: dict[str, Any] = {"model": settings.model}
    is_white = kind in (*_WHITE, "few")
    if settings.noise is not None or not is_white:
        options["noise"] = settings.noise or kind
    options["num_threads"] = settings.threads
    run: Callable[..., np.ndarray] = raisr.denoise
    found_camera = settings.noise is None and kind in GAINS  # for which networks have their own
    if settings.network is not None and (is_white or found_camera):
        run, options = settings.network, {}
        levels = levels and (float(np.sqrt(np.mean(np.square(levels)))),)
    if settings.levels is None:
        levels = ()  # found anew, plane by plane
    told = levels[0] if len(levels) == 1 else levels or None
    with white_fits(white):
        return run(group.work, told, **group.options(white), **options)


def _distance(filtered: np.ndarray, group: Group) -> float:
    """Return the root mean square of a change, from some 100,000 of the visible pixels."""
    values = group.values
    if group.hidden is not None:
        filtered, values = filtered[~group.hidden], values[~group.hidden]
    step = max(1, values.size // 100_000)
    pairs = (array.reshape(-1)[::step].astype(np.float64) for array in (filtered, values))
    return float(np.sqrt(np.mean(np.subtract(*pairs) ** 2)))
