"""The level of white noise from the finest wavelet scale of an image."""

import numpy as np

from raisr.block_details import BlockCollector, block_levels, level_of_blocks, levels_of
from raisr.blocks import in_threads
from raisr.clipped_level import level_before_clipping
from raisr.differences import are_exact
from raisr.noise_estimate import NORMAL_QUARTILE
from raisr.peaks import peak_of
from raisr.sampling import strips_of
from raisr.white_certainty import certainty, shipped_weights

__all__ = [
    "DetailCollector",
    "channel_levels",
    "found_level",
    "level_of",
    "mean_level",
    "told_by_details",
]

_NONE = 0.1  # of the level that the finest details tell: in less, these are no noise
_ROUNDING = 1e-6  # of a wavelet coefficient, relative to the image


def level_of(channel, peak=None, *, mixed=False):
    """Return the level of white noise in a channel, and how sure it is that it is noise, 0 to 1.

    Arguments as in `found_level`.
    """
    level, blocks = found_level(channel, peak, mixed=mixed)
    if blocks is None:
        return level, float(level > 0)
    sure = certainty(level, blocks, shipped_weights())
    return level_before_clipping([channel], level), sure


def found_level(channel, peak=None, *, mixed=False):
    """Return the level of white noise in a channel, and the levels of its blocks.

    A drawing, whose edges seem noise, has none.
    Peaks of the histogram bound it, unless channels are `mixed`, as in a plane of an opponent
    space: clipping makes peaks of its own in these. `peak` is what `peak_of` tells of the channel,
    if that is known. Instead of blocks, there is None where a peak tells the level, or it is 0.
    """
    if not mixed and are_exact([channel]):
        return 0.0, None
    peak = peak_of(channel) if peak is None else peak
    level = _detail_level(channel)
    most = np.inf if mixed else float(peak.deviation)
    blocks = block_levels(channel)
    if not level_of_blocks(blocks.levels[0]) > _NONE * min(level, most):
        return 0.0, None
    return (most, None) if most < level else (level, blocks)


def channel_levels(channels, found, peaks=None, num_threads=1):
    """Return the level of white noise in each channel, and how sure it is where it is surest.

    Of three channels, chroma tells how much is texture, unless peaks tell. See `level_of`; `found`
    is the NoiseEstimate of the channels.
    """
    peaks = [None] * len(channels) if peaks is None else peaks
    if len(channels) == 3:
        levels, blocks = zip(*in_threads(num_threads, found_level, channels, peaks), strict=True)
        if None in blocks or not found.white_chroma:
            return list(levels), 1.0
        alone = [[channel] for channel in channels]
        levels = in_threads(num_threads, level_before_clipping, alone, levels)
        chroma = level_before_clipping(channels, found.white_chroma / found.unit)
        return found.without_texture(levels, chroma), 1.0
    levels, sure = zip(*in_threads(num_threads, level_of, channels, peaks), strict=True)
    return list(levels), max(sure)


def mean_level(channels):
    """Return the mean level of channels, a list of GrayImage, in gray levels; 0 of drawings."""
    if are_exact(channels):
        return 0.0
    found = [min(_detail_level(channel), peak_of(channel).deviation) for channel in channels]
    return float(np.mean(found))


class DetailCollector:
    """Collects, in a strip of a plane, what tells whether its finest details are noise."""

    def __init__(self, plane):
        self.fine = _living_details(plane)
        self.blocks = BlockCollector()


def told_by_details(collectors):
    """Return the level that the finest details of a plane tell, and the `BlockLevels`.

    `collectors` are the DetailCollectors of its strips.
    """
    level = _level_of_details([collector.fine for collector in collectors])
    return level, levels_of([collector.blocks for collector in collectors])


def _detail_level(channel):
    """Return the level that the finest wavelet scale tells; 0 where nothing is there."""
    strips = (strip for (strip,) in strips_of([channel]))
    return _level_of_details([_living_details(strip.levelled().plane()) for strip in strips])


def _level_of_details(parts):
    found = np.concatenate(parts)
    return float(np.median(found)) / NORMAL_QUARTILE if found.size else 0.0


def _living_details(plane):
    """Return the absolute details of the finest scale, but where nothing is there."""
    from raisr.kernels.details import find_details, mark_living

    if min(plane.shape) < 2:
        return np.empty(0, np.float32)
    detail = np.empty(tuple((side + 3) // 2 for side in plane.shape), np.float32)
    find_details(plane, detail)
    # Saturated and padded areas are without noise: nothing is there, up to rounding. Of
    # drawings, only edges are left, with nothing around them.
    least = np.float32(_ROUNDING * max(plane.max(), -plane.min()))
    living = np.empty(detail.shape, bool)
    mark_living(detail, least, living)
    return detail[living]
