"""How far a result of filters sees, so that an image can be filtered in parts."""

from math import lcm

__all__ = ["hash_reach", "period_of", "reach_of_colour", "reach_of_pyramid", "reach_of_stages"]


def reach_of_stages(stages, guide=0, first=0):
    """Return how many pixels away a result of a cascade sees.

    Parameters
    ----------
    stages : sequence of Stage
    guide : int
        How far what the first stage hashes sees.
    first : int
        How far the first guess sees, where there is one.
    """
    reach = first
    for index, stage in enumerate(stages):
        hashed = guide if index == 0 else reach
        reach = max(reach + stage.size // 2, hashed + hash_reach(stage.spec))
    return reach


def hash_reach(spec):
    """Return how far a class sees: half the window, central differences, smoothing."""
    return spec.window // 2 + 1 + (spec.presmooth > 0)


def _reach_of_chroma(cascades, guides, luma, first=0):
    """Return how far chroma sees whose stages hash a luma that sees as far as told."""
    reach = first
    for index, guide in enumerate(guides):
        current = [cascade[index] for cascade in cascades]
        hashed = (luma if guide == "luma" else reach) + max(hash_reach(s.spec) for s in current)
        reach = max(reach + max(stage.size // 2 for stage in current), hashed)
    return reach


def reach_of_colour(bank):
    """Return how many pixels away a result of a ColourBank sees."""
    luma = reach_of_stages(bank.luma.stages)
    cascades = [plane.stages for plane in bank.chroma]
    return max(luma, _reach_of_chroma(cascades, bank.guides, luma))


def reach_of_pyramid(bank):
    """Return how many pixels away a result of a PyramidBank sees."""
    reach = 0
    for index, scale in enumerate(reversed(bank.scales)):
        # A coarse pixel is two fine ones, and enlarging looks at its neighbour.
        coarse = 2 * (reach + 1) + 1 if index else 0
        luma = reach_of_stages(scale.luma, coarse, coarse)
        guides = ("luma", *["own"] * (len(scale.chroma[0]) - 1))
        reach = max(luma, _reach_of_chroma(scale.chroma, guides, luma, coarse))
    return reach


def period_of(stages):
    """Return the period of the places that the classes of some stages depend on."""
    return lcm(*(stage.spec.period for stage in stages))
