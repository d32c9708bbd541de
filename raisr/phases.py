"""Filters that give a block of pixels for each one, and cascades that begin with them."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from raisr.blocks import over_blocks
from raisr.cascade import filter_rows
from raisr.files import write_atomically
from raisr.filtering import Stage
from raisr.hashing import HashSpec
from raisr.profiles import ProfileSpec, canonical_profiles, class_rows, profile_views
from raisr.validate import GRAY_LEVELS, GrayImage

__all__ = ["PhaseStage", "UpscalingBank", "expand_phases"]

_FORMAT = "raisr upscaling bank 1"


@dataclass(frozen=True, eq=False)
class PhaseStage:
    """One hash, and for each of its classes a filter for each pixel of a block.

    Parameters
    ----------
    spec : ProfileSpec
        What a class is; the last plane is hashed.
    filters : (num_classes, factor, factor, planes, size, size) float32
        Correlation weights over the pixel's neighbourhood in each plane, which give the pixel in
        this row and column of its block. All weights of a filter sum to one, so that an added
        constant adds itself to the result; what is missing is added to the last plane's centre.
    """

    spec: ProfileSpec
    filters: np.ndarray

    def __post_init__(self):
        filters = np.array(self.filters, np.float32, order="C")
        if filters.ndim != 6 or filters.shape[1] != filters.shape[2]:
            raise ValueError(
                "filters must be (classes, factor, factor, planes, size, size), "
                f"got shape {filters.shape}"
            )
        centre = filters.shape[-1] // 2
        rest = 1 - filters.sum(axis=(3, 4, 5), dtype=np.float64)
        filters[:, :, :, -1, centre, centre] += rest.astype(np.float32)
        filters.flags.writeable = False
        object.__setattr__(self, "filters", filters)
        object.__setattr__(self, "phases", self._phases())

    def _phases(self):
        # Only their filters are used: classes are the profile's.
        spec = HashSpec(
            orientations=1,
            strength_edges=tuple(range(1, self.spec.num_classes)),
            coherence_edges=(),
        )
        bias = np.zeros(len(self.filters))
        factor = self.filters.shape[1]
        return [
            (row, column, Stage(spec, self.filters[:, row, column], bias))
            for row in range(factor)
            for column in range(factor)
        ]

    @property
    def factor(self) -> int:
        """Side of the blocks."""
        return int(self.filters.shape[1])

    @property
    def planes(self) -> int:
        """Number of planes the filters reach into."""
        return int(self.filters.shape[3])

    @property
    def size(self) -> int:
        """Side of the filters."""
        return int(self.filters.shape[-1])

    def run(self, planes, out, data_range, num_threads):
        """Filter a list of GrayImage; `out`, (factor H, factor W), is written in place."""
        guide, factor = planes[-1], self.factor

        def block(y0, y1):
            classes = np.empty((y1 - y0, guide.shape[1]), np.uint16)
            class_rows(guide, self.spec, y0, y1, classes)
            for row, column, stage in self.phases:
                phase = out[row::factor, column::factor]
                filter_rows(stage, planes, classes, y0, y1, phase, data_range)

        over_blocks(block, guide.shape, num_threads)


class UpscalingBank:
    """A stage that enlarges, and stages that finish its result.

    Parameters
    ----------
    stages : sequence of PhaseStage
        The first gives blocks of `factor` x `factor` pixels. Each later one has factor 1 and
        reaches into the first one's result and, from the third on, into that of the stage before.
    metadata : dict, optional
        JSON-able facts about the training.
    """

    def __init__(self, stages, metadata=None):
        self.stages, self.metadata = tuple(stages), dict(metadata or {})
        planes = [stage.planes for stage in self.stages]
        factors = [stage.factor for stage in self.stages]
        if planes != [1, 1, *[2] * len(planes)][: len(planes)] or set(factors[1:]) - {1}:
            raise ValueError(f"stages of {planes} planes and factors {factors} are no cascade")

    @property
    def factor(self) -> int:
        """How many times larger the result is."""
        return self.stages[0].factor

    def run(self, source, out, data_range, num_threads):
        """Enlarge a GrayImage without a pedestal; `out` is written in place."""
        planes = [source]
        for stage in self.stages[:-1]:
            between = np.empty(out.shape, np.float32)
            stage.run(planes, between, GRAY_LEVELS, num_threads)
            planes = _following(planes, source, GrayImage(between))
        self.stages[-1].run(planes, out, data_range, num_threads)


def _following(planes, source, result):
    """Return what the next stage reaches into: the first result, and the latest."""
    return [result] if planes[0] is source else [planes[0], result]


def expand_phases(spec, filters):
    """Return the filters of all classes, symmetric, that those of the canonical classes define.

    Parameters
    ----------
    spec : ProfileSpec
    filters : (num_classes, factor, factor, planes, size, size) array
        Values of other classes are not used.
    """
    filters, canonical = filters.copy(), canonical_profiles(spec)
    missing = np.ones(spec.num_classes, bool)
    for turn, destination in profile_views(spec):
        source = canonical[missing[destination[canonical]]]
        turned = np.moveaxis(turn(filters[source]), (1, 2), (-2, -1))
        filters[destination[source]] = np.moveaxis(turn(turned), (-2, -1), (1, 2))
        missing[destination[source]] = False
    return filters
