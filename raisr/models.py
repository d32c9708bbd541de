"""The shipped filter banks: a ladder of noise levels, for gray and for colour."""

import dataclasses
from functools import lru_cache
from pathlib import Path

import numpy as np

from raisr.colour import LUMA_NOISE
from raisr.colour_bank import ColourBank
from raisr.colour_files import read_parts
from raisr.filtering import FilterBank, Stage
from raisr.validate import GRAY_LEVELS

__all__ = [
    "COLOUR_LADDER",
    "LADDER",
    "LARGEST",
    "MODELS",
    "bank_for",
    "bank_path",
    "colour_bank_for",
    "colour_bank_path",
    "mixed_stages",
    "rungs_around",
    "scaled_stage",
]

LADDER = (2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 35.0, 50.0, 75.0)
"""Noise levels, in gray levels of 255, that banks are shipped for."""

COLOUR_LADDER = (2.0, 5.0, 10.0, 15.0, 25.0, 35.0, 50.0, 75.0)
"""Noise levels of each channel that colour banks are shipped for."""

MODELS = ("fast", "best")
LARGEST = 4 * GRAY_LEVELS
"""Gray levels; more noise is not filtered."""

_FAINT = 1.0
"""Gray levels; below, filters tend to the identity: those of a rung smooth even strong edges."""


def bank_path(model, sigma):
    """Return where the bank of a model for one rung of the ladder is shipped."""
    return _folder() / f"{model}_{sigma:g}.safetensors"


def colour_bank_path(model, sigma):
    """Return where what a colour image needs beyond the gray banks is shipped."""
    return _folder() / f"{model}_colour_{sigma:g}.safetensors"


def _folder():
    return Path(__file__).parent / "banks"


@lru_cache(maxsize=len(LADDER) * len(MODELS))
def _shipped(model, sigma):
    return FilterBank.load(bank_path(model, sigma))


@lru_cache(maxsize=len(LADDER) * len(MODELS))
def _shipped_colour(model, sigma):
    return read_parts(colour_bank_path(model, sigma))


@lru_cache(maxsize=8)  # a bank of "best" holds some 8 MB, and every image may have its own sigma
def bank_for(model, sigma):
    """Return the bank of a shipped model for any noise level.

    Parameters
    ----------
    model : {"fast", "best"}
    sigma : float
        Noise level in gray levels of 255, above 0, at most four times white.

    Returns
    -------
    FilterBank
        Between two rungs of `LADDER`, filters are interpolated linearly and edges
        geometrically. Beyond its ends, it does what the bank of the nearest rung does to an image
        scaled to that level; below one gray level, less and less.
    """
    _check(model, sigma)
    low, high, weight = rungs_around(sigma, LADDER)
    stages = _shipped(model, low).stages
    if weight == 0 and sigma == low:
        return _shipped(model, low)
    found = mixed_stages(stages, _shipped(model, high).stages, weight) if weight else stages
    return FilterBank(_scaled(found, low, sigma), {"model": model, "sigma": sigma, "rung": False})


@lru_cache(maxsize=4)
def colour_bank_for(model, luma, wide, narrow):
    """Return the bank of a shipped model for opponent planes of any noise level.

    The luma is filtered by the gray bank of its level, and by further stages that were learned
    for what that leaves. White noise of level s in red, green and blue is of level
    ``s * LUMA_NOISE`` in the luma and of s in the two planes of chroma.

    Parameters
    ----------
    model : {"fast", "best"}
    luma, wide, narrow : float
        Noise level of each plane, in gray levels of 255, above 0.

    Returns
    -------
    ColourBank
    """
    of_rgb = luma / LUMA_NOISE
    # Rounded, so that white noise of a rung is of that rung; to nothing, it is no level.
    levels = {"luma": round(of_rgb, 9) or of_rgb, "wide": wide, "narrow": narrow}
    for level in levels.values():
        _check(model, level)
    found = {name: _colour_stages(model, name, level) for name, level in levels.items()}
    guides, metadata = _shipped_colour(model, COLOUR_LADDER[0])[1:]
    # What hashes the luma knows its noise.
    specs = [stage.spec for stage in _colour_stages(model, "wide", levels["luma"])]
    for name in ("wide", "narrow"):
        found[name] = [
            Stage(spec, stage.filters, stage.bias) if guide == "luma" else stage
            for guide, spec, stage in zip(guides, specs, found[name], strict=True)
        ]
    filters = FilterBank([*bank_for(model, luma).stages, *found["luma"]])
    return ColourBank(
        filters, (FilterBank(found["wide"]), FilterBank(found["narrow"])), guides, metadata
    )


def _colour_stages(model, plane, sigma):
    """Stages of one plane, at a level of white noise on RGB."""
    low, high, weight = rungs_around(sigma, COLOUR_LADDER)
    stages = _shipped_colour(model, low)[0][plane]
    if weight:
        stages = mixed_stages(stages, _shipped_colour(model, high)[0][plane], weight)
    return _scaled(stages, low, sigma)


def _check(model, sigma):
    if model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {model!r}")
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, got {sigma!r}")
    if not sigma <= LARGEST:
        raise ValueError(
            f"sigma, given or estimated, is {sigma:.4g} gray levels of 255; "
            f"it must be at most {LARGEST:g} (is data_range right?)"
        )


def rungs_around(sigma, ladder):
    """Return the rungs around a level, and the weight of the upper one."""
    nearest = min(max(sigma, ladder[0]), ladder[-1])
    upper = int(np.searchsorted(ladder, nearest))
    if ladder[upper] == nearest:
        return nearest, nearest, 0.0
    low, high = ladder[upper - 1], ladder[upper]
    return low, high, (sigma - low) / (high - low)


def mixed_stages(low, high, weight):
    """Return the stages between two cascades; the weight is that of the second."""
    return [_between(a, b, weight) for a, b in zip(low, high, strict=True)]


def _between(low, high, weight):
    def edges(name):
        pairs = zip(getattr(low.spec, name), getattr(high.spec, name), strict=True)
        return tuple(a ** (1 - weight) * b**weight for a, b in pairs)

    spec = dataclasses.replace(
        high.spec, strength_edges=edges("strength_edges"), coherence_edges=edges("coherence_edges")
    )
    mix = np.float32(weight)
    return Stage(
        spec,
        low.filters + mix * (high.filters - low.filters),
        low.bias + mix * (high.bias - low.bias),
    )


def _scaled(stages, rung, sigma):
    """Stages that do to an image what `stages` do to one scaled from the level to the rung."""
    if LADDER[0] <= sigma <= LADDER[-1]:
        return list(stages)
    weight = min(sigma / _FAINT, 1.0) ** 2
    return [scaled_stage(stage, sigma / rung, np.float32(weight)) for stage in stages]


def scaled_stage(stage, factor, weight):
    """Return a stage whose edges and bias are times a factor, as far from doing nothing as told.

    Parameters
    ----------
    stage : Stage
    factor : float
    weight : float32
        1 for the stage's own filters, 0 for those that change nothing.
    """
    power = 1 if stage.spec.strength == "sqrt" else 2
    edges = tuple(edge * factor**power for edge in stage.spec.strength_edges)
    spec = dataclasses.replace(stage.spec, strength_edges=edges)
    filters = weight * stage.filters
    filters[:, -1, stage.size // 2, stage.size // 2] += 1 - weight
    return Stage(spec, filters, stage.bias * (weight * np.float32(factor)))
