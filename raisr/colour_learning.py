"""Learn colour banks: from pairs of anything, and for the shipped models."""

import dataclasses
import itertools

import numpy as np

from raisr.colour import to_opponent
from raisr.colour_bank import ColourBank, check_three, filter_chroma
from raisr.filtering import FilterBank, Stage
from raisr.flat import flat_filters
from raisr.hashing import class_map
from raisr.learning import _EDGE_IMAGES, _quantiles, learn_gray
from raisr.normal_equations import NormalEquations
from raisr.statistics import statistics_of
from raisr.validate import GRAY_LEVELS, GrayImage, as_channels, check_threads, data_range_of

__all__ = ["add_stage", "learn_chroma", "learn_colour"]

_EVERY = 13  # pixels between two samples for the edges
_MIDDLE = np.float32(128)  # chroma is learned about it: sums are centred there


def learn_colour(pairs, channel_axis, data_range, *, num_threads=None, **options):
    """Learn a ColourBank from pairs of colour images.

    Parameters
    ----------
    pairs : iterable of (input, target)
        Images of three channels along `channel_axis`.
    channel_axis, data_range, num_threads, options
        See `raisr.learning.learn_filters`.

    Returns
    -------
    ColourBank
        The first stage of chroma hashes the filtered luma, further ones what they filter.
    """
    pairs = pairs if hasattr(pairs, "__len__") else list(pairs)
    options |= {"data_range": GRAY_LEVELS, "num_threads": num_threads}
    source = pairs, channel_axis, data_range, check_threads(num_threads)
    luma = learn_gray(_PlanePairs(*source), **options)
    planes = [learn_gray(_PlanePairs(*source, plane, luma), **options) for plane in (1, 2)]
    guides = ("luma", *["own"] * (len(luma.stages) - 1))
    facts = {f"chroma{c}": bank.metadata for c, bank in enumerate(planes)}
    wide, narrow = (FilterBank([_about_zero(stage) for stage in p.stages]) for p in planes)
    return ColourBank(luma, (wide, narrow), guides, {"luma": luma.metadata, **facts})


class _PlanePairs:
    """Pairs of one opponent plane; those of chroma go with the filtered luma as guide."""

    def __init__(self, pairs, channel_axis, data_range, num_threads, plane=0, luma=None):
        self.pairs, self.axis, self.data_range = pairs, channel_axis, data_range
        self.num_threads, self.plane, self.luma = num_threads, plane, luma

    def __len__(self):
        return len(self.pairs)

    def __iter__(self):
        for pair in self.pairs:
            if len(pair) != 2:
                raise ValueError(f"a pair of colour images is (input, target), got {len(pair)}")
            first, second = (
                self._planes(*item) for item in zip(pair, self._whites(pair), strict=True)
            )
            if self.luma is None:
                yield first[0], second[0]
                continue
            found = [planes[self.plane] + _MIDDLE for planes in (first, second)]
            options = {"data_range": GRAY_LEVELS, "num_threads": self.num_threads}
            yield (*found, self.luma.apply(first[0], **options))

    def _whites(self, pair):
        whites = [data_range_of(np.asarray(image).dtype, self.data_range) for image in pair]
        if whites[0] != whites[1]:
            raise TypeError(
                f"target has white {whites[1]:g} where its input has {whites[0]:g}: pass "
                "data_range, the value of white in both, or both in one type"
            )
        return whites

    def _planes(self, image, white):
        channels = as_channels(image, self.axis, white)
        check_three(channels)
        return to_opponent(channels, self.num_threads)


def _about_zero(stage):
    """Return a stage for chroma about 0 that was learned for chroma about the middle."""
    bias = stage.bias + _MIDDLE * (stage.filters.sum(axis=(1, 2, 3)) - 1)
    return Stage(stage.spec, stage.filters, bias)


def add_stage(bank, samples, spec, size, *, num_threads=1):
    """Return a bank with one more stage, learned with its edges.

    Parameters
    ----------
    bank : FilterBank
    samples : sequence of (image, filtered, target)
        (H, W) float32 arrays, gray levels; `filtered` is what the bank makes of the image.
    spec : HashSpec
        What a class is; its edges are replaced by quantiles.
    size : int
        Side of the filters.
    num_threads : int
    """
    spec = _fitted(spec, [filtered for _, filtered, _ in _some(samples)], num_threads)
    equations = NormalEquations(spec, 2, size)
    for image, filtered, target in samples:
        classes = class_map(GrayImage(filtered), spec, num_threads)
        equations.accumulate([image, filtered], target, classes, num_threads)
    stage = Stage(spec, *flat_filters(equations.symmetrised()))
    return FilterBank([*bank.stages, stage], bank.metadata)


def learn_chroma(samples, specs, guides, size, *, num_threads=1):
    """Learn the cascades of the two planes of chroma.

    Parameters
    ----------
    samples : sequence of (planes, targets, luma)
        Two planes of chroma, 0 on gray, two targets, and the filtered luma: float32 arrays.
    specs : sequence of HashSpec
        What a class is, for each stage; edges are replaced by quantiles.
    guides : sequence of {"luma", "own"}
        What each stage hashes; see `raisr.colour_bank.ColourBank`.
    size : int
        Side of the filters.
    num_threads : int

    Returns
    -------
    tuple of two FilterBanks
    """
    learned: tuple[list[Stage], list[Stage]] = ([], [])

    def filtered(planes, luma):
        images = [GrayImage(plane) for plane in planes]
        count = len(learned[0])
        return filter_chroma(learned, guides[:count], images, GrayImage(luma), num_threads)

    for index, (spec, guide) in enumerate(zip(specs, guides, strict=True)):
        some = [(filtered(planes, luma), luma) for planes, _, luma in _some(samples)]
        hashed = [[luma if guide == "luma" else planes[c] for planes, luma in some] for c in (0, 1)]
        fitted = [_fitted(spec, images, num_threads) for images in hashed]
        sums = [NormalEquations(found, min(index + 1, 2), size) for found in fitted]
        for planes, targets, luma in samples:
            before = filtered(planes, luma)
            for c, equations in enumerate(sums):
                image = luma if guide == "luma" else before[c]
                if c == 0 or guide == "own":
                    classes = class_map(GrayImage(image), fitted[c], num_threads)
                taps = [planes[c] + _MIDDLE, before[c] + _MIDDLE][-min(index + 1, 2) :]
                equations.accumulate(taps, targets[c] + _MIDDLE, classes, num_threads)
        for stages, found, equations in zip(learned, fitted, sums, strict=True):
            stages.append(Stage(found, *flat_filters(equations.symmetrised())))
    return tuple(FilterBank(stages) for stages in learned)


def _some(samples):
    return itertools.islice(samples, 0, None, max(1, len(samples) // _EDGE_IMAGES))


def _fitted(spec, images, num_threads):
    """Spec whose bins of strength and coherence are equally filled on the images."""
    strengths, coherences = [], []
    for image in images:
        found = statistics_of(GrayImage(image), spec, num_threads)
        strengths.append(found.strength.ravel()[::_EVERY])
        coherences.append(found.coherence.ravel()[::_EVERY])
    return dataclasses.replace(
        spec,
        strength_edges=_quantiles(strengths, len(spec.strength_edges)) or spec.strength_edges,
        coherence_edges=_quantiles(coherences, len(spec.coherence_edges)) or spec.coherence_edges,
    )
