"""What noise a picture has, and what would be done about it: in words, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import raisr
from raisr.camera_models import GAINS, camera_filters
from raisr.cli.groups import Group, groups_of
from raisr.cli.pages import Settings, levels_of
from raisr.cli.planes import white_of
from raisr.io import Page, read_picture
from raisr.noise_estimate import NoiseEstimate
from raisr.stabilisation import PhotonNoise

__all__ = ["noise_facts", "page_facts", "told_in_words"]

_PLANES = ("luma", "red less blue", "green")
_TREATED = {
    "none": "nothing is changed",
    "few": "each pixel gets the value that the histogram, deconvolved, tells",
    "photon": "filters for white noise, behind the generalised Anscombe transform",
}


def noise_facts(path: Path, white: float | None = None) -> list[dict[str, Any]]:
    """Return what is found in each page of an image file, as JSON-able values."""
    settings = Settings(levels=None, white=white, model="fast", threads=None)
    return [page_facts(page, settings) for page in read_picture(path).pages]


def page_facts(page: Page, settings: Settings) -> dict[str, Any]:
    """Return what is found in the colours of a page, and below "bands" in each of its bands."""
    colours, *bands = (_group_facts(group, settings) for group in groups_of(page))
    return colours | ({"bands": bands} if bands else {})


def _group_facts(group: Group, settings: Settings) -> dict[str, Any]:
    value = white_of(group.values, settings.white)
    found = raisr.estimate_noise(group.visible, channel_axis=group.axis, data_range=value)
    names = _PLANES if group.axis is not None else ("gray",)
    facts: dict[str, Any] = {"kind": found.kind, "white": value}
    if group.part.start:
        facts = {"channel": group.part.start + 1, **facts}
    facts["levels"] = {
        name: found.levels[:, place].round(4).tolist() for place, name in enumerate(names)
    }
    if found.kind == "photon" and (photons := found.photons):
        facts["gain"], facts["sigma"] = round(photons.gain, 6), round(photons.sigma, 4)
        facts["offset"] = round(photons.offset + group.pedestal, 4)
    return facts | _choice(found, group, settings, value)


def _choice(found: NoiseEstimate, group: Group, settings: Settings, white: float) -> dict[str, Any]:
    """Return what `raisr denoise` does about noise with these settings."""
    if group.is_hidden:
        return {"treatment": _TREATED["none"]}
    if not isinstance(settings.model, str):
        return {"treatment": "the given bank, whatever the noise"}
    if isinstance(settings.noise, PhotonNoise):
        return {"treatment": f"{_TREATED['photon']}, for the noise as given"}
    levels, kind = levels_of(group, white, settings, found)
    if not any(levels):
        return {"treatment": _TREATED["none"]}
    if settings.levels is not None:
        told = ", ".join(f"{level:.4g}" for level in levels)
        return {"treatment": _white(settings) + f", of sigma {told} as given"}
    if kind in GAINS and group.axis is not None:
        return _camera_choice(found, kind, settings)
    if kind in ("white", "shared"):
        return {"treatment": _white(settings) + (", that channels share" * (kind == "shared"))}
    return {"treatment": _TREATED[kind]}


def _white(settings: Settings) -> str:
    return "a network for white noise" if settings.network else "filters for white noise"


def _camera_choice(found: NoiseEstimate, kind: str, settings: Settings) -> dict[str, Any]:
    bank, share = camera_filters("fast", kind, found, told=settings.noise is not None)
    of = "a mosaic filled in by means" if kind == "mosaic" else "a camera"
    network = ", and a network for it" if settings.network and settings.noise is None else ""
    return {
        "treatment": f"filters for noise of {of}, from coarse to fine{network}",
        "filtered_for": [round(level * found.unit, 4) for level in bank.metadata["levels"]],
        "share": round(share, 3),
    }


def told_in_words(facts: dict[str, Any]) -> list[str]:
    """Return lines that tell what `page_facts` found."""
    where = f"channel {facts['channel']}, " if "channel" in facts else ""
    lines = [f"{where}noise: {facts['kind']} (white is {facts['white']:g})"]
    for name, levels in facts["levels"].items():
        sizes = zip(levels, ("at full size", "at half", "at a quarter"), strict=True)
        lines.append(f"  {name:<14} sigma " + ", ".join(f"{v:.4g} {s}" for v, s in sizes))
    if "gain" in facts:
        light = f"(brightness - {facts['offset']:.6g})" if facts["offset"] else "brightness"
        lines.append(f"  variance {facts['gain']:.4g} x {light} + {facts['sigma']:.4g}^2")
    lines.append(f"treatment: {facts['treatment']}")
    if "share" in facts:
        levels = ", ".join(f"{level:.4g}" for level in facts["filtered_for"])
        lines.append(f"  for levels {levels}; {100 * facts['share']:.0f} % of each change is made")
    return lines + [line for band in facts.get("bands", ()) for line in told_in_words(band)]
