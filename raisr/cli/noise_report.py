"""What noise a picture has, and what would be done about it: in words, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raisr.camera_models import GAINS
from raisr.cli.groups import Group, groups_of
from raisr.cli.levels import in_words
from raisr.cli.plans import Plan, Settings, doubt_in, plan_of
from raisr.denoising import is_gray
from raisr.estimation import noise_of
from raisr.io import Page, read_picture
from raisr.noise_estimate import NoiseEstimate
from raisr.sampling import sample_of
from raisr.stabilisation import PhotonNoise
from raisr.validate import GRAY_LEVELS

__all__ = ["group_facts", "noise_facts", "told_in_words"]

_PLANES = ("luma", "red less blue", "green")
_TREATED = {
    "none": "nothing is changed",
    "hidden": "nothing is changed: alpha hides all",
    "few values": "each pixel gets the value that the histogram, deconvolved, tells",
    "photon": "filters for white noise, behind the generalised Anscombe transform",
    "bank": "the given bank, whatever the noise",
}


def noise_facts(path: Path, white: float | None = None) -> list[dict[str, Any]]:
    """Return what is found in each page of an image file, as JSON-able values."""
    settings = Settings(levels=None, white=white, model="fast", threads=None)
    return [_page_facts(page, settings) for page in read_picture(path).pages]


def _page_facts(page: Page, settings: Settings) -> dict[str, Any]:
    """Return what is found in the colours of a page, and below "bands" in each of its bands."""
    groups = groups_of(page)
    colours, *bands = (group_facts(group, plan_of(group, settings), settings) for group in groups)
    return colours | ({"bands": bands} if bands else {})


def group_facts(group: Group, plan: Plan, settings: Settings) -> dict[str, Any]:
    """Return what noise a group of channels has, and what is to be done about it."""
    facts: dict[str, Any] = {"kind": "none", "white": plan.white, "levels": {}}
    if group.part.start:
        facts = {"channel": group.part.start + 1, **facts}
    if plan.kind == "hidden":
        return facts | _choice(plan, settings)
    found, unit = plan.step.found or _found(plan), plan.white / GRAY_LEVELS
    names = _PLANES if found.levels.shape[1] == len(_PLANES) else ("gray",)
    facts["kind"] = found.kind
    facts["levels"] = {
        name: (unit * found.levels[:, place]).round(4).tolist() for place, name in enumerate(names)
    }
    if found.kind == "photon" and (photons := found.photons):
        photons = photons.times(unit)
        facts["gain"], facts["sigma"] = round(photons.gain, 6), round(photons.sigma, 4)
        facts["offset"] = round(photons.offset + group.pedestal, 4)
    return facts | _choice(plan, settings)


def _found(plan: Plan) -> NoiseEstimate:
    """Return what is found where it was told what to do."""
    sample = sample_of(plan.seen)
    return noise_of(sample[:1] if is_gray(sample) else sample)


def _choice(plan: Plan, settings: Settings) -> dict[str, Any]:
    """Return what `raisr denoise` does about noise with these settings."""
    if plan.kind in GAINS:
        return _camera_choice(plan)
    if plan.kind == "none" and (doubt := doubt_in(plan.about)):
        return {"treatment": f"{_TREATED['none']}: {doubt}"}
    treatment = _TREATED.get(plan.kind, "filters for white noise")
    if plan.network:
        treatment = "a network for white noise"
    if settings.levels is not None and plan.kind == "white":
        treatment += f", of sigma {', '.join(map(in_words, plan.levels))} as given"
    given = isinstance(settings.noise, PhotonNoise) and plan.kind in ("photon", "white")
    shared = ", that channels share" * (plan.kind == "shared")
    return {"treatment": treatment + shared + ", for the noise as given" * given}


def _camera_choice(plan: Plan) -> dict[str, Any]:
    about, unit = plan.about, plan.white / GRAY_LEVELS
    of = "a mosaic filled in by means" if plan.kind == "mosaic" else "a camera"
    network = ", and a network for it" if plan.network else ""
    return {
        "treatment": f"filters for noise of {of}, from coarse to fine{network}",
        "filtered_for": [round(level * unit, 4) for level in about["planes"]],
        "share": round(about["share"], 3),
    }


def told_in_words(facts: dict[str, Any]) -> list[str]:
    """Return lines that tell what `noise_facts` or `group_facts` found."""
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
