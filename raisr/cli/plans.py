"""What is to be done to the channels of a picture: chosen once, then told and done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from raisr.camera_models import GAINS
from raisr.cli.groups import Group
from raisr.cli.planes import white_of
from raisr.colour import LUMA_NOISE
from raisr.denoising import step_of
from raisr.sampling import sample_of
from raisr.stabilisation import PhotonNoise
from raisr.steps import Step
from raisr.validate import GRAY_LEVELS, GrayImage, as_channels, check_threads

if TYPE_CHECKING:
    from raisr import ColourBank, FilterBank
    from raisr.cli.levels import NoiseLevels

__all__ = ["Plan", "Settings", "levels_in", "plan_of"]


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
        What it takes: the group's `work`.
    seen : list of GrayImage
        Those of what is visible.
    white : float
        In the values of the file, as levels.
    kind : {"none", "white", "shared", "few values", "photon", "camera", "mosaic", "bank"}
        As what noise is removed.
    levels : tuple of float
        One for all channels, or one for each. That of a camera is what filters take in the
        brightness, as noise of a channel, that of photons the root mean square. None of a bank.
    """

    step: Step
    channels: list[GrayImage]
    seen: list[GrayImage]
    white: float
    kind: str
    levels: tuple[float, ...]

    @property
    def doubt(self) -> str:
        """What to say where not all is removed that looks like noise of a camera; else nothing."""
        found, share = self.step.found, self.step.about.get("share", 0.0)
        if found is None or found.kind not in GAINS or (self.kind != "none" and share in (0, 1)):
            return ""
        likely = "what looks like noise of a camera may be texture"
        return f"{likely} (if it is noise: --noise {found.kind})"


def plan_of(group: Group, settings: Settings) -> Plan:
    """Return what is to be done to a group; warn where white does not fit."""
    white, noise = white_of(group.values, settings.white), settings.noise
    if isinstance(noise, PhotonNoise):
        noise = noise.moved(-group.pedestal)
    told = None if settings.levels is None else _told(settings.levels.of(white), group)
    matters = told is None or any(told)
    channels = as_channels(group.work, group.axis, white, white_matters=matters)
    visible, threads = group.visible, check_threads(settings.threads)
    seen = channels
    if visible is not group.work:
        seen = as_channels(visible, group.axis, white, warn=lambda message: None)
    step = step_of(settings.model, told, noise, sample_of(seen), lambda: [channels], white, threads)
    about, unit = step.about, white / GRAY_LEVELS
    if about["step"] == "gray":
        about = about["of"]
    if about["step"] == "photon":
        deviation = PhotonNoise(*about["noise"]).times(unit).deviation(visible)
        levels: tuple[float, ...] = (float(np.sqrt(np.mean(deviation**2))),)
    else:
        levels = told or tuple(level * unit for level in levels_in(about))
    return Plan(step, channels, seen, white, _kind_of(about), levels)


def _told(levels: tuple[float, ...], group: Group) -> tuple[float, ...]:
    levels = levels[group.part] if len(levels) > 1 else levels
    return levels[:1] if len(set(levels)) == 1 else levels


def _kind_of(about: dict[str, Any]) -> str:
    """Return as what noise a step removes it; see `Plan.kind` and `Step.about`."""
    if about["step"] == "each":
        kinds = {_kind_of(part) for part in about["of"]} - {"none"}
        return kinds.pop() if kinds else "none"
    return "none" if about["step"] == "copy" else about["step"]


def levels_in(about: dict[str, Any]) -> list[float]:
    """Return the level that a step removes from a channel, in gray levels, or from each."""
    if about["step"] == "each":
        return [level for part in about["of"] for level in levels_in(part)]
    if about["step"] == "few values":
        return [float(np.sqrt(np.mean(np.square(about["levels"]))))]
    if "planes" in about:
        return [about["planes"][0] / LUMA_NOISE]
    return [about.get("level", 0.0)]
