"""Filters that give a block of pixels for each one; blocks may overlap."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from raisr.bicubic import bicubic_weights
from raisr.blocks import over_blocks
from raisr.cascade import filter_rows
from raisr.filtering import Stage
from raisr.hashing import HashSpec
from raisr.profiles import ProfileSpec, canonical_profiles, class_rows, profile_views
from raisr.validate import GRAY_LEVELS, GrayImage, whole_number

__all__ = ["PhaseStage", "enlarge_bicubic", "expand_phases"]


@dataclass(frozen=True, eq=False)
class PhaseStage:
    """Classes, and for each of them a filter for each pixel of a block.

    Parameters
    ----------
    spec : ProfileSpec
        What a class is; the last plane is classified.
    filters : (num_classes, side, side, planes, size, size) float32
        Correlation weights over the pixel's neighbourhood in each plane, which give the pixel in
        this row and column of its block. All weights of a filter sum to one, so that an added
        constant adds itself to the result: what is missing goes to the last plane's centre.
        Copied, and read-only.
    margin : int
        How far a block reaches over its neighbours on each side. Where blocks overlap, the result
        is the mean of what they say.
    """

    spec: ProfileSpec
    filters: np.ndarray
    margin: int = 0

    def __post_init__(self):
        filters = np.array(self.filters, np.float32, order="C")
        if filters.ndim != 6 or filters.shape[1] != filters.shape[2] or not len(filters):
            raise ValueError(
                "filters must be (classes, side, side, planes, size, size), "
                f"got shape {filters.shape}"
            )
        if len(filters) != self.spec.num_classes:
            raise ValueError(f"{self.spec.num_classes} classes need filters, got {len(filters)}")
        margin = whole_number(self.margin)
        if margin is None or not 0 <= 2 * margin < filters.shape[1]:
            raise ValueError(
                f"margin must leave a block of {filters.shape[1]}, got {self.margin!r}"
            )
        object.__setattr__(self, "margin", margin)
        centre = filters.shape[-1] // 2
        rest = 1 - filters.sum(axis=(3, 4, 5), dtype=np.float64)
        filters[:, :, :, -1, centre, centre] += rest.astype(np.float32)
        filters.flags.writeable = False
        object.__setattr__(self, "filters", filters)
        self.phases  # noqa: B018 - refuses other shapes, and what is not finite

    @cached_property
    def phases(self):
        """Row and column in the block, and the filters of each phase."""
        return _phases(self.filters)

    @property
    def factor(self) -> int:
        """How many times larger the result is."""
        return int(self.filters.shape[1]) - 2 * self.margin

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

        def classify(y0, y1, classes):
            class_rows(planes[-1], self.spec, y0, y1, classes)

        if self.margin:
            total = self._mean(planes, classify, out.shape, num_threads)
            GrayImage(out).put_back(total, out, data_range)
        else:
            _filter_phases(self.phases, planes, classify, out, data_range, num_threads)

    def _mean(self, planes, classify, shape, num_threads):
        """Return the mean of all blocks at each pixel, in gray levels."""
        margin, factor = self.margin, self.factor
        total = np.zeros([side + 2 * margin for side in shape], np.float32)
        count = [np.zeros(side + 2 * margin, np.float32) for side in shape]
        part = np.empty(planes[-1].shape, np.float32)
        classes = np.empty(part.shape, np.uint16)
        over_blocks(lambda y0, y1: classify(y0, y1, classes[y0:y1]), part.shape, num_threads)
        for row, column, stage in self.phases:
            _filter(stage, planes, classes, part, num_threads)
            rows, columns = (
                slice(start, start + factor * (side - 1) + 1, factor)
                for start, side in zip((row, column), part.shape, strict=True)
            )
            total[rows, columns] += part
            if row == column:
                count[0][rows] += 1
                count[1][columns] += 1
        inside = slice(margin, -margin)
        total, (down, across) = total[inside, inside], (c[inside] for c in count)
        total /= down[:, None]
        total /= across
        return total


def _filter(stage, planes, classes, out, num_threads):
    def block(y0, y1):
        filter_rows(stage, planes, classes[y0:y1], y0, y1, out, GRAY_LEVELS)

    over_blocks(block, out.shape, num_threads)


def enlarge_bicubic(image, factor, out, data_range, num_threads):
    """Enlarge a GrayImage by Keys' cubic; `out`, (factor H, factor W), is written in place."""

    def classify(y0, y1, classes):
        classes[:] = 0

    _filter_phases(_bicubic_phases(factor), [image], classify, out, data_range, num_threads)


@lru_cache
def _bicubic_phases(factor):
    weights = bicubic_weights(factor)
    return _phases(np.einsum("pi,qj->pqij", weights, weights)[None, :, :, None])


def _phases(filters):
    # A stage wants a spec of as many classes; nothing is hashed by it.
    places = tuple(range(1, len(filters)))
    spec = HashSpec(orientations=1, strength_edges=places, coherence_edges=())
    bias, block = np.zeros(len(filters)), filters.shape[1:3]
    return [(*place, Stage(spec, filters[:, *place], bias)) for place in np.ndindex(*block)]


def _filter_phases(phases, planes, classify, out, data_range, num_threads):
    factor, shape = 1 + phases[-1][0], planes[-1].shape

    def block(y0, y1):
        classes = np.empty((y1 - y0, shape[1]), np.uint16)
        classify(y0, y1, classes)
        for row, column, stage in phases:
            phase = out[row::factor, column::factor]
            filter_rows(stage, planes, classes, y0, y1, phase, data_range)

    over_blocks(block, shape, num_threads)


def expand_phases(spec, filters):
    """Return the symmetric filters of all classes that those of the canonical classes define.

    Parameters
    ----------
    spec : ProfileSpec
    filters : (num_classes, side, side, planes, size, size) array
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
