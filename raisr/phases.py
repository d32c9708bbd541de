"""Filters that give a block of pixels for each one; blocks may overlap."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raisr.blocks import aligned_empty, over_blocks
from raisr.profiles import ProfileSpec, canonical_profiles, class_rows, profile_views
from raisr.validate import sink_of_rows, whole_number

__all__ = ["LARGEST", "PhaseStage", "expand_phases", "pack"]

LARGEST = 15
"""Side of a filter, and of a block."""


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
        margin, size = whole_number(self.margin), filters.shape[-1]
        if margin is None or not 0 <= 2 * margin < filters.shape[1]:
            raise ValueError(
                f"margin must leave a block of {filters.shape[1]}, got {self.margin!r}"
            )
        odd = filters.shape[4] == size and size % 2 == 1
        if not (odd and filters.shape[3]) or max(size, filters.shape[1]) > LARGEST:
            raise ValueError(
                f"filters must be of an odd side up to {LARGEST} on one plane or more, and blocks "
                f"of a side up to {LARGEST}, got shape {filters.shape}"
            )
        object.__setattr__(self, "margin", margin)
        if not np.isfinite(filters).all():
            raise ValueError("filters must be finite")
        centre = size // 2
        rest = 1 - filters.sum(axis=(3, 4, 5), dtype=np.float64)
        filters[:, :, :, -1, centre, centre] += rest.astype(np.float32)
        filters.flags.writeable = False
        object.__setattr__(self, "filters", filters)

    @cached_property
    def packed(self):
        """Filters as the kernel takes them."""
        return pack(self.filters)

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
        height, width = planes[-1].shape
        reach, packed = -(-self.margin // self.factor), self.packed

        def block(y0, y1):
            top, bottom = max(y0 - reach, 0), min(y1 + reach, height)
            classes = np.empty((bottom - top, width), np.uint16)
            class_rows(planes[-1], self.spec, top, bottom, classes)
            kinds = self.size, self.planes, self.factor, self.margin
            _filter(kinds, packed, planes, classes, top, (y0, y1), out, data_range)

        over_blocks(block, (height, width), num_threads)


def _filter(kinds, packed, planes, classes, top, rows, out, data_range):
    """Enlarge some rows; `kinds` are the size, planes, factor and margin of the filters."""
    from raisr.kernels.phases import phase_rows
    from raisr.simd import token

    size, count, factor, margin = kinds
    wanted = tuple(factor * side for side in planes[-1].shape)
    if len({plane.shape for plane in planes}) > 1 or len(planes) != count or out.shape != wanted:
        raise ValueError(f"{count} planes of one shape are needed, and a result of {wanted}")
    tokens = token(size), token(count), token(factor + 2 * margin), token(int(margin > 0))
    sources = tuple(plane.source for plane in planes)
    with sink_of_rows(out, factor * rows[0], factor * rows[1], data_range) as sink:
        phase_rows(*tokens, factor, sources, classes, top, packed, sink, *rows)


def pack(filters):
    """Lay filters out for the kernel: (classes, planes * size, parts, groups, lanes) float32.

    Of each row of a filter, in vectors: the next few taps, and of these the next few phases, one
    after the other, each with these taps. Zeros fill up.
    """
    from raisr._simd_phases import LANES, phase_layout

    classes, side, _, planes, size, _ = filters.shape
    taps, phases = phase_layout(side**2)
    parts, groups = -(-size // taps), -(-(side**2) // phases)
    padded = np.zeros((classes, groups * phases, planes * size, parts * taps), np.float32)
    padded[:, : side**2, :, :size] = filters.reshape(classes, side**2, planes * size, size)
    padded = padded.reshape(classes, groups, phases, planes * size, parts, taps)
    packed = aligned_empty((classes, planes * size, parts, groups, LANES))
    packed[:] = padded.transpose(0, 3, 4, 1, 2, 5).reshape(packed.shape)
    return packed


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
