"""What a step tells of itself: as what noise it removes, and how much."""

from raisr.colour import LUMA_NOISE

__all__ = ["kind_of", "levels_in", "one_of"]


def one_of(about):
    """Return the `Step.about` of what is done to channels, or to the first of them, all alike."""
    return about["of"] if about["step"] == "gray" else about


def kind_of(about):
    """Return as what noise a step removes it: as `Step.about` has it, or "none".

    Of channels with unlike noise, as what the first that has any is filtered.
    """
    about = one_of(about)
    if about["step"] == "each":
        return next((kind for part in about["of"] if (kind := kind_of(part)) != "none"), "none")
    return "none" if about["step"] == "copy" else about["step"]


def levels_in(about):
    """Return the level that a step removes from all channels, in gray levels, or from each.

    That of a camera is what filters take in the brightness, as noise of a channel. A bank tells
    none, nor does noise of photons, which has many.
    """
    about = one_of(about)
    if about["step"] == "each":
        return [level for part in about["of"] for level in levels_in(part)]
    if about["step"] in ("bank", "photon"):
        return []
    if "levels" in about:
        return [float(level) for level in about["levels"]]
    if "planes" in about:
        return [float(about["planes"][0] / LUMA_NOISE)]
    return [float(about.get("level", 0.0))]
