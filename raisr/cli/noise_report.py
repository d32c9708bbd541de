"""What noise a picture has, and what would be done about it: in words, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raisr.camera_models import GAINS
from raisr.cli.checks import white_fits
from raisr.cli.groups import Group, groups_of
from raisr.cli.levels import in_words
from raisr.cli.planes import white_of
from raisr.cli.plans import Plan, Settings, plan_of
from raisr.estimation import noise_of
from raisr.io import Page, read_picture
from raisr.sampling import sample_of
from raisr.stabilisation import PhotonNoise
from raisr.validate import GRAY_LEVELS

__all__ = ["noise_facts", "page_facts", "told_in_words"]

_PLANES = ("luma", "red less blue", "green")
_TREATED = {
    "none": "nothing is changed",
    "few values": "each pixel gets the value that the histogram, deconvolved, tells",
    "photon": "filters for white noise, behind the generalised Anscombe transform",
    "bank": "the given bank, whatever the noise",
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
    with white_fits(white_of(group.values, settings.white)):  # as before it is denoised
        plan = plan_of(group, settings)
    found, unit = plan.step.found or noise_of(sample_of(plan.seen)), plan.white / GRAY_LEVELS
    names = _PLANES if found.levels.shape[1] == len(_PLANES) else ("gray",)
    facts: dict[str, Any] = {"kind": found.kind, "white": plan.white}
    if group.part.start:
        facts = {"channel": group.part.start + 1, **facts}
    facts["levels"] = {
        name: (unit * found.levels[:, place]).round(4).tolist() for place, name in enumerate(names)
    }
    if found.kind == "photon" and (photons := found.photons):
        photons = photons.times(unit)
        facts["gain"], facts["sigma"] = round(photons.gain, 6), round(photons.sigma, 4)
        facts["offset"] = round(photons.offset + group.pedestal, 4)
    return facts | ({"treatment": _TREATED["none"]} if group.is_hidden else _choice(plan, settings))


def _choice(plan: Plan, settings: Settings) -> dict[str, Any]:
    """Return what `raisr denoise` does about noise with these settings."""
    if plan.kind in GAINS:
        return _camera_choice(plan, settings)
    if plan.kind == "none" and plan.doubt:
        return {"treatment": f"{_TREATED['none']}: {plan.doubt}"}
    if plan.kind in _TREATED and not (plan.kind == "few values" and settings.network):
        given = ", for the noise as given" * isinstance(settings.noise, PhotonNoise)
        return {"treatment": _TREATED[plan.kind] + given}
    by = "a network for white noise" if settings.network else "filters for white noise"
    if settings.levels is not None:
        by += f", of sigma {', '.join(map(in_words, plan.levels))} as given"
    return {"treatment": by + ", that channels share" * (plan.kind == "shared")}


def _camera_choice(plan: Plan, settings: Settings) -> dict[str, Any]:
    about, unit = plan.step.about, plan.white / GRAY_LEVELS
    of = "a mosaic filled in by means" if plan.kind == "mosaic" else "a camera"
    network = ", and a network for it" if settings.network and settings.noise is None else ""
    return {
        "treatment": f"filters for noise of {of}, from coarse to fine{network}",
        "filtered_for": [round(level * unit, 4) for level in about["planes"]],
        "share": round(about["share"], 3),
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
