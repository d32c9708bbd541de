"""Learn colour banks: from pairs of anything, and for the shipped models.

`learn_filters` imports this module when it is called, for this one imports `raisr.learning`.
"""

import copy
import functools
import itertools
from dataclasses import replace

import numpy as np

from raisr.cascade import run_stages
from raisr.colour import to_opponent
from raisr.colour_bank import ColourBank, check_three, filter_chroma
from raisr.edges import edge_facts, edge_step, fit_edges, fixed_edges_of, warn_of_fixed_edges
from raisr.filtering import FilterBank, Stage
from raisr.flat import flat_filters
from raisr.hashing import class_map
from raisr.holdout import psnr_of
from raisr.learning import Source, check_one_shape, learn_from, warn_of_facts
from raisr.normal_equations import NormalEquations
from raisr.validate import GRAY_LEVELS, GrayImage, as_channels, check_threads, data_range_of
from raisr.warn import warn_caller

__all__ = ["add_stage", "learn_chroma", "learn_colour"]

_DECIBELS = ("psnr_before", "psnr_after")
_MIDDLE = np.float32(128)  # chroma is learned about it: sums are centred there


def learn_colour(pairs, channel_axis, *, data_range, num_threads, progress, **options):
    """Learn a ColourBank from pairs of colour images.

    Parameters
    ----------
    pairs : iterable of (input, target)
        Images of three channels along `channel_axis`.
    channel_axis, data_range, num_threads, progress, options
        See `raisr.learning.learn_filters`.

    Returns
    -------
    ColourBank
        The first stage of chroma hashes the filtered luma, further ones what they filter.
    """
    source = _PlaneSource(pairs, channel_axis, data_range, check_threads(num_threads), progress)
    luma = learn_from(source, **options)
    planes = [learn_from(source.of_chroma(plane, luma.stages), **options) for plane in (1, 2)]
    guides = ("luma", *["own"] * (len(luma.stages) - 1))
    facts = {"luma": luma.metadata, **{f"chroma{c}": p.metadata for c, p in enumerate(planes)}}
    facts = _facts_of_all(facts, len(luma.stages)) | facts
    warn_of_facts(facts)
    wide, narrow = (FilterBank([_about_zero(stage) for stage in p.stages]) for p in planes)
    return ColourBank(luma, (wide, narrow), guides, facts)


def _facts_of_all(planes, stages):
    """Return the facts about edges and errors over all planes; errors are those of RGB."""
    fixed = fixed_edges_of(planes)
    luma, *chroma = planes.values()
    edges = edge_facts(luma["edges"] if not fixed else "quantile", fixed, 3 * stages)
    decibels = {key: _psnr_of_all(luma[key], *(c[key] for c in chroma)) for key in _DECIBELS}
    return {**edges, "held_back_pixels": luma["held_back_pixels"], **decibels}


def _psnr_of_all(luma, *chroma):
    """Return the PSNR of red, green and blue; the planes of `to_opponent` are orthogonal."""
    if luma is None:
        return None
    errors = [GRAY_LEVELS**2 * 10 ** (-decibels / 10) for decibels in (luma, *chroma)]
    return psnr_of((3 * errors[0] + errors[1] + errors[2]) / 3)  # luma is brightness / sqrt(3)


class _PlaneSource(Source):
    """Pairs of one opponent plane; those of chroma go with the filtered luma as guide."""

    plane, index, luma = "luma", 0, ()

    def __init__(self, pairs, channel_axis, *options):
        super().__init__(pairs, *options)
        self.channel_axis = channel_axis
        self.warn = functools.cache(warn_caller)  # once for all planes

    def of_chroma(self, index, luma):
        """Return the source of a plane of chroma, given the stages of luma."""
        source = copy.copy(self)
        source.plane, source.index, source.luma = "chroma", index, luma
        return source

    def planes_of(self, pair):
        if len(pair) != 2:
            raise ValueError(f"a pair of colour images is (input, target), got {len(pair)}")
        self._check_whites(pair)
        first, second = map(self._channels, pair, ("input", "target"))
        check_one_shape([first[0], second[0]])
        # As of gray pairs: the pedestals are those of the input.
        second = [replace(b, pedestal=a.pedestal) for a, b in zip(first, second, strict=True)]
        found = [
            to_opponent([channel.levelled() for channel in channels], self.num_threads)
            for channels in (first, second)
        ]
        if self.plane == "luma":
            return found[0][0], found[1][0], found[0][0]
        guide = np.empty(first[0].shape, np.float32)
        luma = GrayImage(found[0][0])
        run_stages(self.luma, [luma], [guide], GRAY_LEVELS, self.num_threads)
        return (*(planes[self.index] + _MIDDLE for planes in found), guide)

    def _check_whites(self, pair):
        whites = [data_range_of(np.asarray(image).dtype, self.data_range) for image in pair]
        if whites[0] != whites[1]:
            raise TypeError(
                f"target has white {whites[1]:g} where its input has {whites[0]:g}: pass "
                "data_range, the value of white in both, or both in one type"
            )

    def _channels(self, image, name):
        channels = as_channels(image, self.channel_axis, self.data_range, name, warn=self.warn)
        check_three(channels)
        return channels


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

    Warns
    -----
    UserWarning
        Where edges stay, too much being flat; the metadata says which.
    """
    spec, kept = fit_edges((out for _, out, _ in _some(samples)), spec, num_threads)
    facts = dict(bank.metadata)
    if kept:
        fixed = [f"{name} of stage {len(bank.stages)}" for name in kept]
        warn_of_fixed_edges({"fixed_edges": fixed})
        fixed = [*facts.get("fixed_edges", ()), *fixed]
        facts |= edge_facts("quantile", fixed, len(bank.stages) + 1)
    equations = NormalEquations(spec, 2, size)
    for image, filtered, target in samples:
        classes = class_map(GrayImage(filtered), spec, num_threads)
        equations.accumulate([image, filtered], target, classes, num_threads)
    stage = Stage(spec, *flat_filters(equations.symmetrised()))
    return FilterBank([*bank.stages, stage], facts)


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
        Their metadata says which edges were fitted; those that stay are a UserWarning.
    """
    learned: tuple[list[Stage], list[Stage]] = ([], [])
    fixed: tuple[list[str], list[str]] = ([], [])

    def filtered(planes, luma):
        images = [GrayImage(plane) for plane in planes]
        count = len(learned[0])
        return filter_chroma(learned, guides[:count], images, GrayImage(luma), num_threads)

    for index, (spec, guide) in enumerate(zip(specs, guides, strict=True)):
        some = [(filtered(planes, luma), luma) for planes, _, luma in _some(samples)]
        hashed = [[luma if guide == "luma" else planes[c] for planes, luma in some] for c in (0, 1)]
        fitted, kept = zip(
            *(fit_edges(images, spec, num_threads) for images in hashed), strict=True
        )
        for names, found in zip(fixed, kept, strict=True):
            names += [f"{name} of stage {index}" for name in found]
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
    facts = [edge_facts("quantile", names, len(specs)) for names in fixed]
    named = fixed_edges_of({f"chroma{c}": found for c, found in enumerate(facts)})
    warn_of_fixed_edges({"fixed_edges": named})
    return tuple(itertools.starmap(FilterBank, zip(learned, facts, strict=True)))


def _some(samples):
    return itertools.islice(samples, 0, None, edge_step(len(samples)))
