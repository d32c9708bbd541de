"""Learn the filters of chroma, and further stages of a bank, that leave flat areas as they are."""

import dataclasses
import itertools

from raisr.colour_bank import filter_chroma
from raisr.filtering import FilterBank, Stage
from raisr.flat import flat_filters
from raisr.hashing import class_map
from raisr.learning import _EDGE_IMAGES, _quantiles
from raisr.normal_equations import NormalEquations
from raisr.statistics import statistics_of
from raisr.validate import GrayImage

__all__ = ["add_stage", "learn_chroma"]

_EVERY = 13  # pixels between two samples for the edges


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
                # Chroma lies about 0, the centre of the sums at 128.
                taps = [planes[c] + 128, before[c] + 128][-min(index + 1, 2) :]
                equations.accumulate(taps, targets[c] + 128, classes, num_threads)
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
