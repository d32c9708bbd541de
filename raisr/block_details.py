"""Details of blocks of an image: how strong they are, and what is left of them at half the size."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from raisr.bends import BLOCK, QUANTILE, bends, halved, tiles, whole_blocks
from raisr.noise_estimate import NORMAL_QUARTILE
from raisr.sampling import strips_of
from raisr.validate import GRAY_LEVELS
from raisr.value_range import within_sums

__all__ = [
    "EXPECTED",
    "BlockCollector",
    "BlockLevels",
    "block_levels",
    "details",
    "float_step",
    "is_limit",
    "level_of_blocks",
    "levels_of",
]

EXPECTED = 0.838
"""What the quantile of the levels of blocks reads in white noise of level 1."""

_SCALES = 3
_CLIPPED = 0.05
_FAINT = 1e-6  # gray levels
_ROUNDING = 1e-6  # of a white that was told, and divided by


class BlockLevels(NamedTuple):
    """Levels of the blocks of a channel, in its unit.

    Attributes
    ----------
    levels : list of arrays
        At full size, half and a quarter of it. Blocks that are constant are left out, and, if
        others are there, clipped ones.
    left : list of arrays
        For blocks at half and at a quarter, their level over the root mean square of those of the
        four blocks of the finer scale that they cover: about a half, where there is white noise.
        Where any of the five is constant or clipped, there is none.
    """

    levels: list[NDArray[np.float64]]
    left: list[NDArray[np.float64]]


class BlockCollector:
    """Collects what `BlockLevels` are made of in a strip of a plane, from scale to scale."""

    def __init__(self):
        self.levels: list = []
        self.left: list = []
        self._finer = np.empty((0, 0))

    def add(self, shape, found):
        """Add what `details` found in the strip, (H, W) at the next scale; the finest is first."""
        _, _, level, clipped, lives = found
        sides = [(side - 2) // BLOCK for side in shape]
        grid = np.empty((0, 0))
        if min(sides) > 0:
            grid = np.where(lives & (clipped <= _CLIPPED), level, np.nan).astype(np.float64)
            grid = grid.reshape(sides)
        if self.levels:
            self.left.append(_left(self._finer, grid))
        self.levels.append(np.stack([level, clipped])[:, lives])
        self._finer = grid


def levels_of(collectors):
    """Return the `BlockLevels` of all blocks of a plane: each strip has a BlockCollector."""
    levels = zip(*(collector.levels for collector in collectors), strict=True)
    left = zip(*(collector.left for collector in collectors), strict=True)
    return BlockLevels(
        [whole_blocks(parts)[0].astype(np.float64) for parts in levels],
        [np.concatenate(parts) for parts in left],
    )


def block_levels(channel):
    """Return the `BlockLevels` of a channel, a GrayImage, in gray levels."""
    smaller, scale = within_sums([channel])
    found = levels_of([_strip_levels(strip) for (strip,) in strips_of(smaller)])
    return found if scale == 1 else found._replace(levels=[scale * each for each in found.levels])


def _strip_levels(strip):
    collector = BlockCollector()
    plane, at_limit = strip.levelled().plane(), is_limit(strip).astype(np.float32)
    for _ in range(_SCALES):
        collector.add(plane.shape, details(plane, at_limit))
        plane, at_limit = halved(plane), halved(at_limit)
    return collector


def _left(finer, coarser):
    rows, columns = (
        min(fine // 2, coarse) for fine, coarse in zip(finer.shape, coarser.shape, strict=True)
    )
    squares = finer[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2) ** 2
    before = np.sqrt(squares.mean(axis=(1, 3))).ravel()
    found = (coarser[:rows, :columns].ravel() + _FAINT) / (before + _FAINT)
    return found[np.isfinite(found)]


def is_limit(channel):
    """Where an image is black or white, (H, W) bool: nowhere, if floats are beyond as well."""
    values, white = channel.array, np.float64(GRAY_LEVELS / channel.factor)  # float16 ends below it
    if values.dtype.kind == "u":
        return (values == 0) | (values >= round(white))
    apart = white * float_step(values.dtype)
    if values.min() < 0 or values.max() > white + apart:
        return np.zeros(channel.shape, bool)
    return (values == 0) | (values >= white - apart)


def float_step(dtype):
    """Return by how much floats of a type may differ that mean the same, relative to them."""
    return max(_ROUNDING, float(np.finfo(dtype).eps))


def details(plane, at_limit):
    """Return the blocks, how they bend, their level, clipped share, and whether they vary.

    Of a plane with sides below 10, blocks are smaller than 8 x 8; below 4, there are none.
    """
    size = min(BLOCK, *(side - 2 for side in plane.shape))
    if size < 2:
        nothing = np.empty((0, 4), np.float32)
        return nothing, nothing, nothing[:, 0], nothing[:, 0], np.empty(0, bool)
    pixels, bent = tiles(plane[1:-1, 1:-1], size), tiles(bends(plane), size)
    level = _medians(np.abs(bent)) / NORMAL_QUARTILE
    clipped = tiles(at_limit[1:-1, 1:-1], size).mean(axis=1)
    return pixels, bent, level, clipped, np.ptp(pixels, axis=1) > 0


def _medians(blocks):
    from raisr.kernels.details import block_medians

    out = np.empty(len(blocks), np.float32)
    block_medians(blocks, out)
    return out


def level_of_blocks(levels):
    """Return the level of the noise that blocks have, at most, of which some have nothing else."""
    if levels.size == 0:
        return 0.0
    return float(np.quantile(levels, QUANTILE)) / EXPECTED
