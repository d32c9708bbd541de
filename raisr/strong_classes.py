"""Further classes for contrast that is rare in what a bank has learned from: text, line art."""

from dataclasses import replace

import numpy as np

from raisr.filtering import FilterBank, Stage
from raisr.hashing import class_map
from raisr.learning import Source
from raisr.normal_equations import NormalEquations
from raisr.statistics import statistics_of
from raisr.validate import GRAY_LEVELS, GrayImage, check_threads

__all__ = ["with_strong_classes"]

_EVERY = 13  # pixels between two samples of the strength


def with_strong_classes(bank, pairs, strong, *, bins=2, num_threads=None, progress=None):
    """Return a bank with further bins of strength in each stage, above those that it has.

    What lies below keeps its filters. Pairs of strong contrast that teach all classes do harm to
    what the bank has learned: their few black pixels at the rim of a filter, which the statistics
    do not see, outweigh what is common there.

    Parameters
    ----------
    bank : FilterBank
        Symmetric, as `learn_filters` makes it.
    pairs, strong : iterables of (input, target)
        Images on 0..255 as the bank has learned from, and those of more contrast; each is gone
        through twice a stage. The new classes learn from both.
    bins : int
        How many; what is stronger in `strong` than the last edge of a stage is cut into one more
        equal part, and the first stays in the old classes.
    num_threads : int, optional
        Default: every core.
    progress : bool, optional
        Show a progress bar; default: on a terminal.

    Returns
    -------
    FilterBank

    Raises
    ------
    TypeError, ValueError
        As `learn_filters`; and ValueError where nothing is stronger than the last edge.
    """
    threads = check_threads(num_threads)
    sources = [Source(images, GRAY_LEVELS, threads, progress) for images in (pairs, strong)]
    for source in sources:
        source.keep()
    stages: list[Stage] = []
    for stage in bank.stages:
        edges = _edges_above(stage.spec, sources[1].guides(stages), bins, threads)
        upper = replace(stage.spec, strength_edges=edges)
        sums = NormalEquations(upper, stage.planes, stage.size)
        left_out = np.uint16(upper.num_classes)
        for source, label in zip(sources, ("pairs", "strong pairs"), strict=True):
            for planes, target, guide in source.samples(stages, label):
                classes = class_map(GrayImage(guide), upper, threads)
                classes[_strength_bins(upper)[classes] == 0] = left_out
                sums.accumulate(planes, target, classes, threads)
        filters, bias, _ = sums.symmetrised().solve(symmetric=True)
        stages.append(_joined(stage, Stage(upper, filters, bias)))
    return FilterBank(stages, bank.metadata | {"strong_bins": bins})


def _edges_above(spec, guides, bins, num_threads):
    """Return edges that cut what is stronger than a spec's last edge into equal parts."""
    found = [statistics_of(GrayImage(g), spec, num_threads).strength.ravel() for g in guides]
    values = np.concatenate([strength[::_EVERY] for strength in found])
    above = values[values > spec.strength_edges[-1]]
    edges = np.quantile(above, np.arange(1, bins + 1) / (bins + 1)) if above.size else above
    if not (edges.size and np.all(np.diff([spec.strength_edges[-1], *edges]) > 0)):
        raise ValueError("strong pairs have no more contrast than the bank's strongest classes")
    return tuple(edges.tolist())


def _strength_bins(spec):
    return np.arange(spec.num_classes) // spec.strides[1] % spec.shape[1]


def _joined(stage, upper):
    """Return a stage of the classes of one and, but for its first bin of strength, of another."""
    edges = stage.spec.strength_edges + upper.spec.strength_edges
    spec = replace(stage.spec, strength_edges=edges)
    filters = np.empty((spec.num_classes, *stage.filters.shape[1:]), np.float32)
    bias = np.empty(spec.num_classes, np.float32)
    old, bins = stage.spec.shape[1], _strength_bins(spec)
    for source, mine, wanted in (
        (stage, np.arange(stage.spec.num_classes), bins < old),
        (upper, np.flatnonzero(_strength_bins(upper.spec)), bins >= old),
    ):
        filters[wanted], bias[wanted] = source.filters[mine], source.bias[mine]
    return Stage(spec, filters, bias)
