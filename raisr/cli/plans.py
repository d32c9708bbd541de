"""What is to be done to the channels of a picture: chosen once, then told and done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from raisr.camera_models import GAINS
from raisr.cli.checks import white_fits
from raisr.cli.groups import Group
from raisr.cli.planes import white_of
from raisr.clipped_level import is_too_clipped
from raisr.denoising import step_of
from raisr.sampling import sample_of
from raisr.stabilisation import PhotonNoise
from raisr.step_facts import kind_of, levels_in, one_of
from raisr.steps import Step, copied
from raisr.validate import GRAY_LEVELS, GrayImage, as_channels, check_threads

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank
    from raisr.cli.levels import NoiseLevels

__all__ = ["Plan", "Settings", "doubt_in", "plan_of"]

_FOR_NETWORKS = ("white", "shared", *GAINS)


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


class Plan(NamedTuple):
    """What is to be done to a group.

    Attributes
    ----------
    step : Step
    channels : list of GrayImage
        What it takes: the group's `work`. None of what alpha hides.
    seen : list of GrayImage
        Those of the rectangle that holds what is visible.
    white : float
        In the values of the file, as levels.
    kind : {"none", "hidden", "white", "shared", "few values", "photon", "camera", "mosaic", "bank"}
        As what noise is removed.
    levels : tuple of float
        One for all channels, or one for each; one for a network. See `levels_in`; that of photons
        is the root mean square.
    network : callable or None
        That of the settings, where it does this in place of the step.
    """

    step: Step
    channels: list[GrayImage]
    seen: list[GrayImage]
    white: float
    kind: str
    levels: tuple[float, ...]
    network: Callable[..., np.ndarray] | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What the step tells of itself."""
        return one_of(self.step.about)


def plan_of(group: Group, settings: Settings) -> Plan:
    """Return what is to be done to a group.

    Raises
    ------
    TypeError, ValueError
        As `raisr.denoise`; for values that do not fit white, too.
    """
    white = white_of(group.values, settings.white)
    if group.is_hidden:
        return Plan(copied(), [], [], white, "hidden", (0.0,))
    told = None if settings.levels is None else _told(settings.levels.of(white), group)
    with white_fits(white):
        matters = told is None or any(told)
        channels = as_channels(group.work, group.axis, white, white_matters=matters)
    visible, threads = group.visible, check_threads(settings.threads)
    seen, noise = channels, settings.noise
    if visible is not group.work:
        seen = as_channels(visible, group.axis, white, warn=lambda message: None)
    if isinstance(noise, PhotonNoise):
        noise = noise.moved(-group.pedestal)
    step = step_of(settings.model, told, noise, sample_of(seen), lambda: [channels], white, threads)
    kind, unit = kind_of(step.about), white / GRAY_LEVELS
    levels = told or tuple(level * unit for level in levels_in(step.about))
    if kind == "photon":
        photons = PhotonNoise(*one_of(step.about)["noise"]).times(unit)
        levels = (_mean_level(photons.deviation(visible)),)
    network = settings.network if _is_for_network(kind, step, settings.noise) else None
    if network and is_too_clipped(channels, max(levels) / unit):
        network = None
    if network and len(levels) > 1:
        levels = (_mean_level(levels),)
    return Plan(step, channels, seen, white, kind, levels, network)


def _told(levels: tuple[float, ...], group: Group) -> tuple[float, ...]:
    levels = levels[group.part] if len(levels) > 1 else levels
    return levels[:1] if len(set(levels)) == 1 else levels


def _is_for_network(kind: str, step: Step, noise: str | PhotonNoise | None) -> bool:
    """Whether networks take such noise: told to be white, or found, and not in a drawing."""
    drawn = noise is None and step.found is not None and step.found.is_drawn
    return kind in _FOR_NETWORKS and noise in (None, "white") and not drawn


def _mean_level(levels: Any) -> float:
    return float(np.sqrt(np.mean(np.square(levels))))


def doubt_in(about: dict[str, Any]) -> str:
    """Return what to say where little or nothing is removed: it may be noise of a camera."""
    likely = about.get("likely") or (about["step"] if about.get("share", 1) < 1 else "")
    if not likely:
        return ""
    return f"what looks like noise of a camera may be texture (if it is noise: --noise {likely})"
