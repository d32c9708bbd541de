"""Filters that give a block of pixels for each one; blocks may overlap."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raisr.blocks import aligned_empty, over_blocks
from raisr.profiles import ProfileSpec, canonical_profiles, profile_views
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
        constant adds itself to the result: what is missing goes to the last plane's centre, the
        middle pixel or the four in the middle. Copied, and read-only.
    margin : int
        How far a block reaches over its neighbours on each side. Where blocks overlap, the result
        is the mean of what they say.
    step : int
        Pixels of the planes, down and across, from one block to the next: 1 where the planes are
        the image that is enlarged, the factor where they are enlarged already. Filters are centred
        on that many pixels, so that their side is odd where it is.
    """

    spec: ProfileSpec
    filters: np.ndarray
    margin: int = 0
    step: int = 1

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
        fits = filters.shape[4] == size and size >= self.step and (size - self.step) % 2 == 0
        if not (fits and filters.shape[3]) or max(size, filters.shape[1]) > LARGEST:
            raise ValueError(
                f"filters must be of an {'odd' if self.step % 2 else 'even'} side up to {LARGEST} "
                "on one plane or more, and blocks "
                f"of a side up to {LARGEST}, got shape {filters.shape}"
            )
        object.__setattr__(self, "margin", margin)
        if not np.isfinite(filters).all():
            raise ValueError("filters must be finite")
        middle = slice((size - 1) // 2, size // 2 + 1)
        centre = filters[:, :, :, -1, middle, middle]
        rest = 1 - filters.sum(axis=(3, 4, 5), dtype=np.float64)
        centre += (rest / centre[0, 0, 0].size)[..., None, None].astype(np.float32)
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

    def run(self, planes, classes, out, data_range, num_threads):
        """Filter a list of GrayImage, (step H, step W).

        Parameters
        ----------
        planes : list of GrayImage
        classes : (H, W) uint16
            Of each block, below the spec's number of classes: it is not checked.
        out : (factor H, factor W) array
            Written in place.
        data_range : float
            Value of white in `out`.
        num_threads : int
        """
        from raisr.kernels.phases import line_kernel, phase_rows

        seen, wanted = (
            tuple(times * side for side in classes.shape) for times in (self.step, self.factor)
        )
        shapes = [plane.shape for plane in planes]
        if shapes != [seen] * self.planes or out.shape != wanted:
            raise ValueError(
                f"{self.planes} planes of {seen} are needed, and a result of {wanted}, "
                f"got {shapes} and {out.shape}"
            )
        side, factor, packed = int(self.filters.shape[1]), self.factor, self.packed
        size, lines, step = self.size, int(self.margin > 0), self.step
        line = line_kernel(size, self.planes, side, lines, step)
        sources = tuple(plane.source for plane in planes)
        given = line, size, side, lines, step, factor, sources, classes, packed

        def block(y0, y1):
            with sink_of_rows(out, factor * y0, factor * y1, data_range) as sink:
                phase_rows(*given, sink, y0, y1)

        over_blocks(block, classes.shape, num_threads)


def pack(filters):
    """Lay filters out for the kernel: (classes, vectors, 16) float32.

    Weights are rounded to the upper 16 bits of a float32 (bfloat16), two to a word: half the bytes
    come from the cache, and 8 bits of a weight say more than any image does. Of each class, first
    come vectors of what rounding took from each phase's sum: so much of the last plane's middle is
    added. Then, of each row of a filter, words of the next few taps and of as many again, and of
    these the next few phases, one after the other, each with these taps. Zeros fill up.
    """
    from raisr._simd_phases import LANES, phase_layout

    classes, side, _, planes, size, _ = filters.shape
    taps, phases = phase_layout(side**2)
    pairs, groups = -(-size // (2 * taps)), -(-(side**2) // phases)
    shape = classes, groups * phases, planes * size, 2 * pairs * taps
    padded = np.zeros(shape, np.float32)
    padded[:, : side**2, :, :size] = filters.reshape(classes, side**2, planes * size, size)
    bits = padded.view(np.uint32)
    halves = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16  # to nearest, halves to even
    rounded = (halves << 16).view(np.float32)
    rest = np.zeros((classes, groups, phases, taps), np.float32)
    lost = padded.sum(axis=(2, 3), dtype=np.float64) - rounded.sum(axis=(2, 3), dtype=np.float64)
    rest[..., 0] = lost.reshape(rest.shape[:3])
    halves = halves.reshape(classes, groups, phases, planes * size, pairs, 2, taps)
    words = (halves[..., 0, :] << 16 | halves[..., 1, :]).transpose(0, 3, 4, 1, 2, 5)
    packed = aligned_empty((classes, groups * (1 + planes * size * pairs), LANES))
    packed[:, :groups] = rest.reshape(classes, groups, LANES)
    packed[:, groups:].view(np.uint32)[:] = words.reshape(classes, -1, LANES)
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
