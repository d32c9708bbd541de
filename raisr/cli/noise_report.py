"""What noise a picture has, and what would be done about it: in words, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import raisr
from raisr.camera_models import GAINS, camera_bank_for, certainty
from raisr.cli.planes import colours_of, is_measured, white_of
from raisr.estimation import NoiseEstimate
from raisr.io import Page, read_picture

__all__ = ["noise_facts", "page_facts", "told_in_words"]

_PLANES = ("luma", "red less blue", "green")
_TREATED = {
    "none": "nothing is changed",
    "white": "filters for white noise",
    "photon": "filters for white noise, behind the generalised Anscombe transform",
}


def noise_facts(path: Path, white: float | None = None) -> list[dict[str, Any]]:
    """Return what is found in the colours of each page of an image file, as JSON-able values."""
    return [page_facts(page, white) for page in read_picture(path).pages]


def page_facts(page: Page, white: float | None) -> dict[str, Any]:
    """Return what is found in the colours of a page, as JSON-able values."""
    colours = colours_of(page)
    if is_measured(colours.dtype):
        colours = (colours.astype(np.float64) - int(colours.min())).astype(np.float32)
    value = white_of(page.pixels, white)
    axis = -1 if colours.shape[2] == 3 else None
    colours = colours if axis else colours[..., 0]
    found = raisr.estimate_noise(colours, channel_axis=axis, data_range=value)
    names = _PLANES if axis is not None else ("gray",)
    facts: dict[str, Any] = {"kind": found.kind, "white": value}
    facts["levels"] = {
        name: found.levels[:, place].round(4).tolist() for place, name in enumerate(names)
    }
    if found.kind == "photon" and (photons := found.photons):
        facts["gain"], facts["sigma"] = round(photons.gain, 6), round(photons.sigma, 4)
    return facts | _choice(found)


def _choice(found: NoiseEstimate) -> dict[str, Any]:
    """Return what `raisr.denoise` does about noise."""
    if found.kind not in GAINS:
        return {"treatment": _TREATED[found.kind]}
    level = float(found.plane_levels()[2] / found.unit)
    share = certainty(level, found.unevenness)
    used = camera_bank_for("fast", found.kind, level).metadata["levels"]
    of = "a mosaic filled in by means" if found.kind == "mosaic" else "a camera"
    return {
        "treatment": f"filters for noise of {of}, from coarse to fine",
        "filtered_for": [round(level * found.unit, 4) for level in used],
        "share": round(share, 3),
    }


def told_in_words(facts: dict[str, Any]) -> list[str]:
    """Return lines that tell what `page_facts` found."""
    lines = [f"noise: {facts['kind']} (white is {facts['white']:g})"]
    for name, levels in facts["levels"].items():
        sizes = zip(levels, ("at full size", "at half", "at a quarter"), strict=True)
        lines.append(f"  {name:<14} sigma " + ", ".join(f"{v:.4g} {s}" for v, s in sizes))
    if "gain" in facts:
        lines.append(f"  variance {facts['gain']:.4g} x brightness + {facts['sigma']:.4g}^2")
    lines.append(f"treatment: {facts['treatment']}")
    if "share" in facts:
        levels = ", ".join(f"{level:.4g}" for level in facts["filtered_for"])
        lines.append(f"  for levels {levels}; {100 * facts['share']:.0f} % of each change is made")
    return lines
