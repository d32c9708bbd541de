"""Learn a `PyramidBank`: scale by scale from the coarsest, stage by stage."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raisr.cascade import run_stages
from raisr.edges import edge_facts, edge_step, fit_edges, warn_of_fixed_edges
from raisr.filtering import Stage
from raisr.flat import flat_filters
from raisr.hashing import HashSpec, class_map
from raisr.normal_equations import NormalEquations
from raisr.pyramid_bank import PyramidBank, Scale, guide_of
from raisr.scales import doubled, pyramid
from raisr.validate import GRAY_LEVELS, GrayImage

__all__ = ["learn_pyramid"]

_MIDDLE = np.float32(128)  # sums are centred there


@dataclass
class _Sample:
    """One plane of one image at one scale: what is filtered, and what it should become."""

    plane: NDArray[np.float32]
    target: NDArray[np.float32]
    coarse: NDArray[np.float32] | None
    guide: NDArray[np.float32]
    previous: NDArray[np.float32] | None = None

    @property
    def taps(self):
        before = self.coarse if self.previous is None else self.previous
        return [self.plane] if before is None else [self.plane, before]


def learn_pyramid(pairs, luma, chroma, size, *, num_threads=1):
    """Learn filters for colour images, from coarse to fine.

    Parameters
    ----------
    pairs : sequence of (planes, targets)
        Three opponent planes each, as `raisr.colour.to_opponent` gives them.
    luma, chroma : sequence of sequences of HashSpec
        What a class is, for each stage of each scale, finest first; edges are replaced by
        quantiles.
    size : int
        Side of the filters.
    num_threads : int

    Returns
    -------
    PyramidBank
        Its metadata says which edges were fitted.

    Warns
    -----
    UserWarning
        Where edges stay, too much being flat.
    """
    scales: list[Scale] = []
    fixed: list[str] = []
    noisy, clean = (
        [pyramid(list(pair[side]), len(luma), num_threads) for pair in pairs] for side in (0, 1)
    )
    found: list[list[NDArray[np.float32]]] = []
    for index in reversed(range(len(luma))):
        planes, targets = ([images[index] for images in side] for side in (noisy, clean))
        coarse = _enlarged(found, planes, num_threads)
        learner = _ScaleLearner(planes, targets, coarse, size, num_threads)
        scale, found = learner.learn(luma[index], chroma[index])
        scales.insert(0, scale)
        fixed += [f"{edge}, scale {index}" for edge in learner.fixed]
    warn_of_fixed_edges({"fixed_edges": fixed})
    stages = sum(len(plane) for scale in scales for plane in scale.planes)
    return PyramidBank(scales, edge_facts("quantile", fixed, stages))


def _enlarged(found, planes, num_threads):
    """Return what the coarser scale gave at the size of this one; None thrice at the coarsest."""
    if not found:
        return [[None] * 3] * len(planes)
    return [
        [doubled(plane, images[0].shape, num_threads) for plane in coarser]
        for coarser, images in zip(found, planes, strict=True)
    ]


class _ScaleLearner:
    """The cascades of one scale; `fixed` names the edges that stay."""

    def __init__(self, planes, targets, coarse, size, num_threads):
        self.planes, self.targets, self.coarse = planes, targets, coarse
        self.size, self.num_threads = size, num_threads
        self.fixed: list[str] = []

    def learn(self, luma: list[HashSpec], chroma: list[HashSpec]):
        """Return the Scale and the filtered planes of every image."""
        guides = [
            planes[0] if coarse[0] is None else guide_of(planes[0], coarse[0])
            for planes, coarse in zip(self.planes, self.coarse, strict=True)
        ]
        cascades, filtered = [], []
        for plane, specs in enumerate((luma, chroma, chroma)):
            samples = self._samples(plane, guides)
            cascades.append(self._cascade(samples, specs, ("luma", "wide", "narrow")[plane]))
            filtered.append([sample.previous for sample in samples])
            guides = filtered[0]
        found = [list(planes) for planes in zip(*filtered, strict=True)]
        return Scale(cascades[0], (cascades[1], cascades[2])), found

    def _samples(self, plane, guides):
        parts = zip(self.planes, self.targets, self.coarse, guides, strict=True)
        return [_Sample(a[plane], b[plane], c[plane], guide) for a, b, c, guide in parts]

    def _cascade(self, samples, specs, name):
        stages = []
        for index, spec in enumerate(specs):
            stage, kept = self._stage(samples, spec)
            stages.append(stage)
            self.fixed += [f"{edge} of {name}, stage {index}" for edge in kept]
            for sample in samples:
                sample.previous = sample.guide = self._filtered(stage, sample)
        return stages

    def _stage(self, samples, spec):
        some = itertools.islice(samples, 0, None, edge_step(len(samples)))
        spec, kept = fit_edges((sample.guide for sample in some), spec, self.num_threads)
        sums = NormalEquations(spec, len(samples[0].taps), self.size)
        for sample in samples:
            classes = class_map(GrayImage(sample.guide), spec, self.num_threads)
            taps = [plane + _MIDDLE for plane in sample.taps]
            sums.accumulate(taps, sample.target + _MIDDLE, classes, self.num_threads)
        return Stage(spec, *flat_filters(sums.symmetrised())), kept

    def _filtered(self, stage, sample):
        out = np.empty(sample.plane.shape, np.float32)
        planes = [GrayImage(plane) for plane in sample.taps]
        before = planes[1:] or None

        def hashed(index, inputs):
            return stage.spec, GrayImage(sample.guide)

        run_stages([stage], planes[:1], [out], GRAY_LEVELS, self.num_threads, hashed, before)
        return out
