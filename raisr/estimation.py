"""Measuring the noise of an image: how much at each scale, in each plane, at each brightness."""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from raisr.bends import (
    QUANTILE,
    halved,
    mean_products,
    roughness,
    tiles,
    whole_blocks,
)
from raisr.block_details import EXPECTED, details, is_limit, level_of_blocks
from raisr.blocks import in_threads
from raisr.camera_certainty import camera_certainty, shipped_camera_weights
from raisr.clipped_level import misfit_of_clipped
from raisr.colour import LUMA_NOISE, OPPONENT, to_opponent
from raisr.differences import are_exact
from raisr.directions import across, directions, share_across
from raisr.mosaic import mosaic_of
from raisr.noise_estimate import BINS, NoiseEstimate
from raisr.peaks import deviations_after, peak_of
from raisr.ringing import rings
from raisr.sampling import all_equal, strips_of
from raisr.validate import as_channels
from raisr.value_range import within_sums
from raisr.wavelet_level import DetailCollector, told_by_details
from raisr.white_certainty import FEW, certainty, shipped_weights

__all__ = ["estimate_noise", "noise_of", "plane_details"]

_SCALES = 3
_WHITE = 1.25  # times the finest level all noise is, at most, where neighbours share none
_ROUNDED = 0.1  # gray levels, that 8 bits make of nothing


def estimate_noise(
    image: ArrayLike, *, channel_axis: int | None = None, data_range: float | None = None
) -> NoiseEstimate:
    """Estimate the noise of an image: how much, at which scale, and where.

    Parameters
    ----------
    image : array_like, (H, W) or with channels along `channel_axis`
        uint8, uint16, float16, float32 or float64.
    channel_axis : int, optional
        Axis of the channels of a colour image.
    data_range : float, optional
        Value of white: by default the maximum of an integer type, 1.0 for floats.

    Returns
    -------
    NoiseEstimate

    Raises
    ------
    TypeError, ValueError
        As `raisr.denoise`.

    Notes
    -----
    In blocks of 8 x 8 pixels, the median of the absolute mixed second differences, of which slopes
    and straight edges along the axes are no part; of the blocks that are not constant and hardly
    clipped, the lowest fifth tells. So texture, saturated areas, frames and drawings count little.
    Where text or dithers leave no such block, the narrowest peak of the histogram of a channel
    tells how much is noise at most: paper and ink have peaks that are as wide as it.
    Where neighbours are alike far oftener than one step apart, there is no noise at all. Noise of a
    camera bends chroma in all directions, edges between two colours in one; noise of photons is
    normal among pixels of like brightness, edges are not.
    What rings beside the edges of text in a JPEG is no noise, either: see `raisr.ringing.rings`.
    Of large images, about a million pixels in strips of rows are looked at.

    Examples
    --------
    >>> import numpy as np
    >>> from raisr.noise import add_gaussian_noise
    >>> noisy = add_gaussian_noise(np.full((128, 128), 100.0), sigma=20, seed=0)
    >>> found = estimate_noise(noisy, data_range=255)
    >>> bool(abs(found.levels[0, 0] - 20) < 2), found.is_white
    (True, True)
    """
    channels = as_channels(image, channel_axis, data_range, white_matters=False)
    unit = 1 / channels[0].factor
    return replace(_scaled(noise_of(channels), unit), unit=unit)


def _scaled(found, unit):
    """Return the NoiseEstimate of an image whose values are `unit` times as large."""
    names = "levels", "brightness", "deviation", "across", "mean_levels", "roughness"
    return replace(found, **{name: getattr(found, name) * unit for name in names})


def noise_of(channels, peaks=None, num_threads=1):
    """Return the NoiseEstimate of channels, a list of GrayImage, in gray levels.

    `peaks` are what `peak_of` tells of each, if that is known.
    """
    if are_exact(channels, num_threads):
        return NoiseEstimate(np.zeros((_SCALES, len(channels))), np.empty(0), np.empty(0))
    smaller, scale = within_sums(channels)
    if scale > 1:  # peaks are looked for in these, too
        return _scaled(noise_of(smaller, num_threads=num_threads), scale)
    strips = in_threads(num_threads, _seen_in, strips_of(channels))
    blocks = zip(*(strip.blocks for strip in strips), strict=True)
    pooled = [[whole_blocks(parts) for parts in zip(*row, strict=True)] for row in blocks]
    levels = np.array([[level_of_blocks(found[1]) for found in row] for row in pooled])
    brightness, deviation, excess = _by_brightness(*pooled[0][0][:3])
    coloured = len(channels) == 3
    mosaic = float(np.median([strip.mosaic for strip in strips])) if coloured else 0.0
    uneven = _unevenness([found[1] for found in pooled[1][:2]]) if coloured else 0.0
    peaks = in_threads(num_threads, peak_of, channels) if peaks is None else peaks
    most = _bounds(channels, peaks)
    levels = _without_texture(levels, most, peaks)
    brightness = brightness + _pedestal(channels)
    found = NoiseEstimate(levels, brightness, deviation, 1.0, mosaic, uneven, excess)
    if coloured:
        finest, *coarser = zip(*(strip.chroma for strip in strips), strict=True)
        seen = _pooled_details(strips)
        found = replace(
            found,
            across=across(finest),
            colours=max(map(share_across, coarser)),
            mean_levels=_over_brightness(pooled, 1),
            roughness=_over_brightness(pooled[1:], 3),
            whiteness=_whiteness(seen),
        )
        telling = [] if any(_is_constant(channel) for channel in channels) else seen
        found = replace(found, camera=camera_certainty(found, telling, shipped_camera_weights()))
        if found.white_chroma:
            found = _by_chroma(found, pooled[0], _pedestal(channels))
    ringing = found.is_white and rings(channels, pooled[0])
    return replace(found, ringing=ringing, clipped_misfit=_clipped_misfit(channels, found))


def _clipped_misfit(channels, found):
    """Return `NoiseEstimate.clipped_misfit` of channels that seem to have noise of photons."""
    if found.kind != "photon":
        return np.inf
    of_luma = len(channels) == 3 and not found.white_chroma
    deviation = found.deviation / (LUMA_NOISE if of_luma else 1.0)
    return misfit_of_clipped(channels, found.brightness - _pedestal(channels), deviation)


class _Strip(NamedTuple):
    """What is seen in a strip of channels.

    Attributes
    ----------
    blocks : list of lists of arrays
        At each scale, what `_blocks` returns of each plane.
    mosaic : float
        See `mosaic_of`. This and what follows is of three channels alone.
    chroma : list of arrays
        At each scale, what `directions` returns.
    details : list of DetailCollector
        Of each plane.
    """

    blocks: list
    mosaic: float
    chroma: list
    details: list


def _seen_in(strip):
    """Return the _Strip of channels, a list of GrayImage."""
    coloured = len(strip) == 3
    mosaic = mosaic_of(strip[1].plane()) if coloured else 0.0
    blocks, chroma = [], []
    collectors: list[DetailCollector] = []
    for scale, (planes, at_limit) in enumerate(_pyramid(strip)):
        seen = [details(*pair) for pair in zip(planes, at_limit, strict=True)]
        lights = planes[:1] * 3 if coloured else planes
        pairs = zip(seen, lights, strict=True)
        blocks.append([_blocks(parts, light, rough=scale > 0) for parts, light in pairs])
        if not coloured:
            continue
        chroma.append(directions(*seen[1:]))
        collectors = collectors or [DetailCollector(plane) for plane in planes]
        for collector, plane, parts in zip(collectors, planes, seen, strict=True):
            collector.blocks.add(plane.shape, parts)
    return _Strip(blocks, mosaic, chroma, collectors)


def _bounds(channels, peaks):
    """Return how much noise is in each plane at most, as peaks of the histograms tell."""
    matrix = OPPONENT * [[LUMA_NOISE], [1], [1]] if len(channels) == 3 else np.eye(len(channels))
    return deviations_after(matrix, channels, peaks)


def _without_texture(levels, most, peaks):
    """Return levels, of which texture is no part where noise is white: bounds tell what is."""
    if not levels[0].any() and any(peak.deviation == 0 for peak in peaks):
        return np.zeros_like(levels)
    halving = 2.0 ** -np.arange(len(levels))[:, None]
    return np.where(most <= _WHITE * levels[0], np.minimum(levels, most * halving), levels)


def _is_constant(channel):
    return all_equal(channel.array, np.broadcast_to(channel.array[0, 0], channel.shape))


def _pedestal(channels):
    """Return the gray levels that were taken from the plane whose brightness is looked at."""
    pedestals = [channel.pedestal * channel.factor for channel in channels]
    return np.mean(pedestals) if len(channels) == 3 else pedestals[0]


def _pyramid(strip):
    """Yield the planes of a strip at each scale, and where each is black or white, (H, W) float32.

    Planes are channels, or of three channels those of the opponent space.
    """
    coloured, limits = len(strip) == 3, [is_limit(channel) for channel in strip]
    planes = [channel.levelled() for channel in strip]
    if coloured:
        planes, limits = to_opponent(planes, 1), [np.any(limits, axis=0)]
    else:
        planes = [channel.plane() for channel in planes]
    at_limit = [limit.astype(np.float32) for limit in limits]
    for scale in range(_SCALES):
        if scale:
            planes, at_limit = ([halved(one) for one in each] for each in (planes, at_limit))
        yield planes, at_limit * 3 if coloured else at_limit


def plane_details(channels):
    """Return what `certainty` tells white noise by, of each opponent plane of three channels."""
    return _pooled_details([_seen_in(strip) for strip in strips_of(channels)])


def _pooled_details(strips):
    planes = zip(*(strip.details for strip in strips), strict=True)
    return [told_by_details(collectors) for collectors in planes]


def _whiteness(planes):
    """Return how sure it is that planes have white noise; 0 where blocks are too few to tell."""
    kinds = "gray", "chroma", "chroma"
    return np.array(
        [
            certainty(level, blocks, shipped_weights(kind))
            if level > 0 and len(blocks.levels[0]) >= FEW
            else 0.0
            for kind, (level, blocks) in zip(kinds, planes, strict=True)
        ]
    )


def _blocks(parts, light, *, rough):
    """Return brightness, level, root mean square, roughness and clipped share, by block.

    `parts` is what `details` returns. Blocks of the plane that are constant are left out. Roughness
    is 0 where it is not wanted.
    """
    pixels, bent, level, clipped, lives = parts
    size = math.isqrt(pixels.shape[1])
    bright = tiles(light[1:-1, 1:-1], size).mean(axis=1)
    square = np.sqrt(mean_products(bent, bent))
    roughs = roughness(pixels, size) if rough else np.zeros(len(pixels))
    found = np.stack([bright, level, square, roughs, clipped])
    return found[:, lives].astype(np.float64)


def _over_brightness(pooled, row):
    """Return the root mean square of what levels of bins of like brightness are, by plane."""
    return np.array([[_mean_level(found[0], found[row]) for found in planes] for planes in pooled])


def _mean_level(brightness, levels):
    found = [level_of_blocks(part) for part in _binned(brightness, levels)]
    return float(np.sqrt(np.mean(np.square(found))))


def _binned(brightness, levels):
    """Return the levels of bins that are equally filled: one of them if blocks are few."""
    bins = max(1, min(BINS, levels.size // FEW))
    return [levels[part] for part in np.array_split(np.argsort(brightness, kind="stable"), bins)]


def _unevenness(planes):
    """Return by how much levels differ between places, the sum over planes.

    It is infinite where most places of the first plane have none.
    """
    if not planes[0].size or np.median(planes[0]) < _ROUNDED:
        return np.inf
    ends = [np.quantile(levels, (0.1, 0.5)) + _ROUNDED for levels in planes if levels.size]
    return float(sum(np.log(median / tenth) for tenth, median in ends))


def _by_chroma(found, pooled, pedestal):
    """Return what is found, by brightness the mean of the variances of both planes of chroma."""
    told = [_by_brightness(*plane[:3]) for plane in pooled[1:]]
    brightness, deviation, excess = zip(*told, strict=True)
    found = replace(found, excess=max(excess))
    if len({len(levels) for levels in deviation}) > 1:
        return replace(found, deviation=found.deviation / LUMA_NOISE)
    mean = np.sqrt(np.mean(np.square(deviation), axis=0))
    return replace(found, brightness=np.mean(brightness, axis=0) + pedestal, deviation=mean)


def _by_brightness(brightness, levels, squares):
    """Return mean brightness and level of equally filled bins, and what squares tell more there."""
    bins = min(BINS, levels.size // FEW)
    if bins == 0:
        return np.empty(0), np.empty(0), 1.0
    order = np.array_split(np.argsort(brightness, kind="stable"), bins)
    found = np.array([level_of_blocks(levels[part]) for part in order])
    told = np.array([np.quantile(squares[part], QUANTILE) for part in order])
    excess = float(np.median(told / np.maximum(EXPECTED * found, _ROUNDED)))
    return np.array([brightness[part].mean() for part in order]), found, excess
