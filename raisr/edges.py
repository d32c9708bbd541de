"""Edges of strength and coherence by which the bins of training images are equally filled."""

from dataclasses import replace

import numpy as np

from raisr.statistics import statistics_of
from raisr.validate import GrayImage
from raisr.warn import warn_caller

__all__ = [
    "edge_facts",
    "edge_samples",
    "edge_step",
    "edges_of",
    "fit_edges",
    "fixed_edges_of",
    "warn_of_fixed_edges",
]

_IMAGES = 50
_EVERY = 13  # pixels between two samples: of 50 images or more, some 500,000 are left


def edge_step(count):
    """Return how many training images, of `count`, to go on by from one sample to the next."""
    return max(1, count // _IMAGES)


def fit_edges(guides, spec, num_threads):
    """Fit the edges of a spec to images.

    Parameters
    ----------
    guides : iterable of (H, W) float32 arrays
        What is hashed, in gray levels.
    spec : HashSpec
    num_threads : int

    Returns
    -------
    spec : HashSpec
        Its bins of strength and of coherence are equally filled on the images.
    kept : list of str
        The edges that stay as they were: too many values are alike.
    """
    return edges_of(edge_samples(guides, spec, num_threads), spec)


def edge_samples(guides, spec, num_threads):
    """Return what edges are fitted to: strengths and coherences of some pixels of each image."""
    found = (statistics_of(GrayImage(guide), spec, num_threads) for guide in guides)
    return [(f.strength.ravel()[::_EVERY], f.coherence.ravel()[::_EVERY]) for f in found]


def edges_of(samples, spec):
    """Fit the edges of a spec to what `edge_samples` returns; see `fit_edges`."""
    strengths, coherences = zip(*samples, strict=True)
    fitted = {
        "strength_edges": _quantiles(strengths, len(spec.strength_edges)),
        "coherence_edges": _quantiles(coherences, len(spec.coherence_edges)),
    }
    kept = [name for name, found in fitted.items() if found is None]
    fitted = {name: found for name, found in fitted.items() if found is not None}
    return replace(spec, **fitted), kept


def _quantiles(parts, count):
    """Edges of equally filled bins; None where too many values are alike."""
    found = np.quantile(np.concatenate(parts), np.arange(1, count + 1) / (count + 1))
    usable = np.all(found > 0) and np.all(np.diff(found) > 0)
    return tuple(found.tolist()) if usable else None


def edge_facts(edges, fixed, stages):
    """Return the facts about edges that a bank of some stages keeps.

    Parameters
    ----------
    edges : {"quantile", "fixed"}
        What was wanted.
    fixed : list of str
        The edges that stay where quantiles were wanted.
    stages : int
        How many stages there are, each with two kinds of edges.
    """
    if not fixed:
        return {"edges": edges}
    return {"edges": "fixed" if len(fixed) == 2 * stages else "mixed", "fixed_edges": fixed}


def fixed_edges_of(planes):
    """Return the edges that stay, of the facts about each plane by its name."""
    return [
        f"{edge} of {name}"
        for name, facts in planes.items()
        for edge in facts.get("fixed_edges", ())
    ]


def warn_of_fixed_edges(facts):
    """Warn where edges are not all that were to be fitted."""
    if fixed := facts.get("fixed_edges"):
        warn_caller(
            "edges stay as the spec has them where too much of the images is flat: "
            + ", ".join(fixed)
        )
