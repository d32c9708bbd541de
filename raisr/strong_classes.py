"""Further classes for contrast that is rare in what a bank has learned from: text, line art."""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np

from raisr.colour_bank import ColourBank, filter_chroma
from raisr.filtering import FilterBank, Stage
from raisr.flat import flat_filters
from raisr.hashing import class_map
from raisr.learning import Source
from raisr.normal_equations import NormalEquations
from raisr.statistics import statistics_of
from raisr.validate import GRAY_LEVELS, GrayImage, check_threads

__all__ = ["with_strong_classes", "with_strong_colours"]

_EVERY = 13  # pixels between two samples of the strength
_MIDDLE = np.float32(128)  # chroma is learned about it: sums are centred there


def with_strong_classes(
    bank, pairs, strong, *, bins=2, weight=1.0, num_threads=None, progress=None
):
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
    weight : float
        Of a pixel of `strong`, where one of `pairs` has 1.
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
        samples = [
            partial(source.samples, source.pairs, stages, "strong classes") for source in sources
        ]
        stages.append(_extended(stage, samples, bins, weight, threads, _least_squares))
    return FilterBank(stages, bank.metadata | {"strong_bins": bins})


def with_strong_colours(bank, pairs, strong, *, bins=2, weight=1.0, num_threads=None):
    """Return a colour bank with further bins of strength in stages of chroma that hash themselves.

    Those that hash the luma stay as they are: it has no edge between two colours of one brightness,
    and the same between black and red as between black and gray.

    Parameters
    ----------
    bank : ColourBank
        Of filters that leave flat areas as they are, see `raisr.flat`.
    pairs, strong : sequences of (input, target)
        Opponent planes, of which the first is the luma: three (H, W) float32 arrays each.
    bins, weight, num_threads
        See `with_strong_classes`.

    Returns
    -------
    ColourBank
    """
    threads = check_threads(num_threads)
    sources = [
        [_Chroma(noisy, clean, bank.luma, threads) for noisy, clean in images]
        for images in (pairs, strong)
    ]
    chroma: tuple[list[Stage], list[Stage]] = ([], [])
    for index, guide in enumerate(bank.guides):
        stages = [part.stages[index] for part in bank.chroma]
        if guide == "own":
            samples = [
                [partial(_samples, images, plane) for images in sources] for plane in range(2)
            ]
            stages = [
                _extended(stage, each, bins, weight, threads, flat_filters)
                for stage, each in zip(stages, samples, strict=True)
            ]
        for cascade, stage in zip(chroma, stages, strict=True):
            cascade.append(stage)
        for image in itertools.chain(*sources):
            image.filter(stages, guide, threads)
    filters = FilterBank(chroma[0]), FilterBank(chroma[1])
    return ColourBank(bank.luma, filters, bank.guides, bank.metadata | {"strong_bins": bins})


class _Chroma:
    """Noisy and clean planes of chroma, and the noisy ones as filtered so far."""

    def __init__(self, noisy, clean, luma, num_threads):
        self.noisy, self.clean = noisy[1:], clean[1:]
        self.found = self.noisy
        self.luma = luma.apply(noisy[0], data_range=GRAY_LEVELS, num_threads=num_threads)

    def filter(self, stages, guide, num_threads):
        cascades = [[stage] for stage in stages]
        noisy, luma = [GrayImage(plane) for plane in self.noisy], GrayImage(self.luma)
        before = None if self.found is self.noisy else [GrayImage(plane) for plane in self.found]
        self.found = filter_chroma(cascades, [guide], noisy, luma, num_threads, before)


def _samples(images, plane):
    for image in images:
        noisy, found = image.noisy[plane], image.found[plane]
        taps = [noisy] if found is noisy else [noisy, found]
        yield [tap + _MIDDLE for tap in taps], image.clean[plane] + _MIDDLE, found


def _least_squares(sums):
    return sums.solve(symmetric=True)[:2]


def _extended(stage, samples, bins, weight, num_threads, solve):
    """Return a stage with further bins; `samples` give (planes, target, guide), the last strong."""
    guides = (guide for *_, guide in samples[-1]())
    edges = _edges_above(stage.spec, guides, bins, num_threads)
    upper = replace(stage.spec, strength_edges=edges)
    sums = NormalEquations(upper, stage.planes, stage.size)
    below = _strength_bins(upper) == 0
    for found, factor in zip(samples[::-1], (weight, 1), strict=True):
        for planes, target, guide in found():
            classes = class_map(GrayImage(guide), upper, num_threads)
            classes[below[classes]] = upper.num_classes
            sums.accumulate(planes, target, classes, num_threads)
        sums.totals *= factor  # those of `pairs` come after
    return _joined(stage, Stage(upper, *solve(sums.symmetrised())))


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
