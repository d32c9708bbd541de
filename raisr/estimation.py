"""What noise an image has: how much at each scale, in each plane, at each brightness."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.bends import BLOCK, QUANTILE, bends, halved, mean_products, tiles, whole_blocks
from raisr.colour import LUMA_NOISE, OPPONENT, to_opponent
from raisr.differences import are_exact
from raisr.directions import across, directions, share_across
from raisr.mosaic import mosaic_of
from raisr.peaks import deviations_after, peak_of
from raisr.ringing import rings
from raisr.sampling import strips_of
from raisr.stabilisation import PhotonNoise
from raisr.validate import GRAY_LEVELS, as_channels

__all__ = ["NORMAL_QUARTILE", "NoiseEstimate", "estimate_noise", "noise_of"]

_SCALES = 3
_BINS = 8
NORMAL_QUARTILE = 0.6744897501960817
"""Median of the absolute value of normal noise, of its standard deviation."""

# What the quantile of the blocks' levels reads in an image of white noise of level 1.
_EXPECTED = 0.838
_FEW = 16  # blocks
_CORRELATED = 1.6
_MOSAIC = 0.25
_STEADY, _GROWN, _BETTER = 0.2, 1.8, 2.4
_CLOSER = 2.0
_FLOOR = 0.2
_WHITE = 1.25  # times the finest level all noise is, at most, where neighbours share none
_BELOW, _SAMPLED = 0.005, 13  # of the pixels, of which each thirteenth is looked at
_ROUNDED = 0.1  # gray levels, that 8 bits make of nothing


_HALVED = 0.75  # of the variance of white noise goes when the image is halved
_CHROMA = 3.0, 8.0  # gray levels in chroma: perhaps texture of a photograph, and surely none
_COLOURS = 0.4, 0.5  # of what bends along its strongest direction noise has across, at least, there
_NORMAL = 1.1  # times what their median tells is the root mean square of details, if all are noise
_EDGES, _FAINT = 1.5, 4.0  # times that, beside which so many gray levels may be noise of JPEG
_SHARED = 1.5  # times the level that the luma would have if channels shared no noise
_FAINT_CHROMA = 0.35  # of the luma's level, at any scale
_LEAST_CHROMA = 0.01


@dataclass(frozen=True)
class NoiseEstimate:
    """Noise of an image.

    Attributes
    ----------
    levels : (scales, planes) float64
        Standard deviation, in the unit of the image, at full size and after halving it (means of
        2 x 2 pixels) once and twice; 0 where too few pixels are left. The planes are those of
        `raisr.colour.to_opponent` if there are three channels, else the channels.
    brightness, deviation : (bins,) float64
        Standard deviation at full size, by the mean brightness (of the luma, in an image of three
        channels; of the first channel else). Empty where nothing could be told.
    unit : float
        One gray level of 255, in the unit of the image.
    mosaic : float
        How much more the finest details of green vary on one half of the squares of a chessboard
        than on the other (difference of logarithms): 0 unless colours were filled in by means.
    unevenness : float
        By how much levels differ between places, at half the size (logarithm of the median over
        the tenth, sum over luma and the first plane of chroma): noise is everywhere, texture not.
    excess : float
        How much more the root mean square of the finest details is than their median tells, in
        places of like brightness: noise is normal, edges are few and strong.
    colours : float
        How strong details are across the strongest direction of chroma, of those along it, where
        the image is halved: edges between two colours have one direction, noise all.
    across : float
        Level of the finest details across that direction.
    ringing : bool
        Whether noise seems white, but details are not normal, neighbours differ as in text, and
        blocks of JPEG are seen.
    """

    levels: NDArray[np.float64]
    brightness: NDArray[np.float64]
    deviation: NDArray[np.float64]
    unit: float = 1.0
    mosaic: float = 0.0
    unevenness: float = 0.0
    excess: float = 1.0
    colours: float = 1.0
    across: float = np.inf
    ringing: bool = False

    @property
    def equivalent(self) -> NDArray[np.float64]:
        """Level of the white noise that would be as strong, (scales, planes)."""
        return self.levels * 2.0 ** np.arange(len(self.levels))[:, None]

    @property
    def is_white(self) -> bool:
        """Whether neighbouring pixels have independent noise, as far as can be told.

        White noise halves with the size of the image; noise that went through a camera's
        demosaicing, smoothing and JPEG does not. Only chroma tells: it has little texture, which
        does not halve either.
        """
        return self.is_drawn or not self._is_correlated

    @property
    def is_drawn(self) -> bool:
        """Whether edges between two colours seem noise that neighbouring pixels share."""
        if not self._is_correlated:
            return False
        strongest = self.equivalent[1:, 2].max() / self.unit
        return bool(self.colours < np.interp(strongest, _CHROMA, _COLOURS))

    @property
    def _is_correlated(self):
        if self.levels.shape[1] != 3:
            return False
        chroma = self.equivalent[:, 1:].mean(axis=1)
        return bool(chroma.max() > _CORRELATED * chroma[0])

    @property
    def most_white(self) -> float:
        """Level that white noise has at most: where there is none, or a drawing tells, else inf.

        Faint noise beside strong edges is none, nor what rings in a JPEG of them: filters would
        take more of the edges than of it.
        """
        level = self.across if self.is_drawn else self.levels[0].max()
        faint = level < _FAINT * self.unit and self.excess > _EDGES
        if not self.levels.any() or faint or self.ringing:
            return 0.0
        return self.across if self.is_drawn else np.inf

    @property
    def kind(self) -> str:
        """What the noise is like: "none", "white", "photon", "camera" or "mosaic".

        "photon" is white noise that grows with the brightness; "mosaic" that of a camera whose
        missing colours were filled in by means (bilinear).
        """
        if not self.levels.any():
            return "none"
        if self.is_white:
            return "photon" if self._is_photonic() else "white"
        return "mosaic" if self.mosaic > _MOSAIC else "camera"

    @property
    def photons(self) -> PhotonNoise | None:
        """The Poisson-Gaussian noise of each channel that fits best; None where none does.

        Its offset is 0, unless that fits badly, and one darker than the image twice as well.
        """
        if self.brightness.size < _BINS or not np.median(self.deviation) > 0:
            return None
        variance = (self.deviation / self._share) ** 2
        weights = 1 / np.maximum(variance, _FLOOR * np.median(variance))
        columns = np.stack([self.brightness, np.ones(_BINS)], axis=1) * weights[:, None]
        gain, dark = np.linalg.lstsq(columns, variance * weights, rcond=None)[0]
        if dark >= 0:
            return PhotonNoise(gain, np.sqrt(dark)) if gain > 0 else None
        line = columns[:, 0]
        steepest = line @ (variance * weights) / (line @ line)
        if not steepest > 0:
            return None
        plain = PhotonNoise(steepest)  # what is missing in the dark is texture of the bright parts
        if not (self.deviation.all() and 0 < -dark < gain * self.brightness.min()):
            return plain
        moved = PhotonNoise(gain, offset=-dark / gain)
        enough = max(_STEADY, _CLOSER * self._misfit(moved))
        return plain if self._misfit(plain) <= enough else moved

    @property
    def _share(self):
        """Level of the plane whose brightness is looked at, where that of each channel is 1."""
        return LUMA_NOISE if self.levels.shape[1] == 3 else 1.0

    def _misfit(self, noise):
        """By how much variances differ from those of a noise (logarithm)."""
        expected = np.log(self._share * noise.deviation(self.brightness))
        return 2 * np.median(np.abs(np.log(self.deviation) - expected)) / NORMAL_QUARTILE

    def shared_levels(self) -> tuple[float, float, float] | None:
        """Return the level of white noise in each opponent plane, where channels share some of it.

        As grain of film is, or gray images that were coloured later; None where they share none.
        Texture of the luma does not halve with the size of the image, as such noise does.
        """
        if self.levels.shape[1] != 3:
            return None
        luma = np.sqrt(max(0.0, self.levels[0, 0] ** 2 - self.levels[1, 0] ** 2) / _HALVED)
        chroma = self.levels[0, 1:]
        faint = self.equivalent[:, 1:].max() < _FAINT_CHROMA * luma
        independent = self.is_white and chroma.min() > 0
        if not (faint or independent) or luma <= _SHARED * LUMA_NOISE * chroma.max() + self.unit:
            return None
        return (float(luma), *np.maximum(chroma, _LEAST_CHROMA * luma).tolist())

    def _is_photonic(self):
        """Whether noise grows with the brightness as that of photons would, and only so."""
        noise = self.photons
        if noise is None or not self.deviation.all() or self.is_drawn or self.excess > _NORMAL:
            return False
        spread = 2 * np.log(self.deviation).std()  # of the variance
        rest = self._misfit(noise)
        grown = 2 * np.ptp(np.log(noise.deviation(self.brightness))) > np.log(_GROWN)
        return bool(grown and rest < _STEADY and spread > _BETTER * rest)

    def plane_levels(self) -> NDArray[np.float64]:
        """Return the level by which filters are chosen for each opponent plane, (3,).

        Of white noise, that of the finest scale; else, for cameras empty it, the white
        equivalent at half the size for the luma, whose coarser scales are full of texture, and
        the largest of those of chroma.
        """
        if self.is_white:
            return self.levels[0]
        return np.array([self.equivalent[1, 0], *self.equivalent[1:, 1:].max(axis=0)])


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
    found, unit = noise_of(channels), 1 / channels[0].factor
    return replace(
        found,
        levels=found.levels * unit,
        brightness=found.brightness * unit,
        deviation=found.deviation * unit,
        across=found.across * unit,
        unit=unit,
    )


def noise_of(channels, peaks=None, scales=_SCALES, *, mixed=False):
    """Return the NoiseEstimate of channels, a list of GrayImage, in gray levels.

    `peaks` are what `peak_of` tells of each, if that is known. `mixed` channels, such as planes of
    an opponent space, do not have the values of a picture.
    """
    if not mixed and are_exact(channels):
        return NoiseEstimate(np.zeros((scales, len(channels))), np.empty(0), np.empty(0))
    blocks: list = [[[] for _ in channels] for _ in range(scales)]
    mosaics, chroma = [], []
    for strip in strips_of(channels):
        limits = [_is_limit(channel) for channel in strip]
        levelled = [channel.levelled() for channel in strip]
        if len(strip) == 3:
            mosaics.append(mosaic_of(strip[1].plane()))
        planes = to_opponent(levelled, 1) if len(strip) == 3 else [c.plane() for c in levelled]
        clipped = np.any(limits, axis=0) if len(strip) == 3 else None
        for plane, limit, kept in zip(planes, limits, range(len(planes)), strict=True):
            at_limit = (limit if clipped is None else clipped).astype(np.float32)
            for scale in range(scales):
                blocks[scale][kept].append(_blocks(plane, at_limit))
                if scale < scales - 1:
                    plane, at_limit = halved(plane), halved(at_limit)
        if len(strip) == 3:
            anywhere = np.any(limits, axis=0).astype(np.float32)
            chroma.append(directions(planes[1:], anywhere, scales))
    pooled = [[whole_blocks(parts) for parts in row] for row in blocks]
    levels = np.array([[_level(levels) for _, levels, _ in row] for row in pooled])
    brightness, deviation, excess = _by_brightness(*pooled[0][0])
    mosaic = float(np.median(mosaics)) if mosaics else 0.0
    uneven = _unevenness([levels for _, levels, _ in pooled[1][:2]]) if mosaics else 0.0
    peaks = [peak_of(channel) for channel in channels] if peaks is None else peaks
    most = _bounds(channels, peaks)
    levels = _without_texture(levels, most, peaks)
    brightness = brightness + _pedestal(channels)
    found = NoiseEstimate(levels, brightness, deviation, 1.0, mosaic, uneven, excess)
    if chroma:
        finest, *coarser = zip(*chroma, strict=True)
        found = replace(found, across=across(finest), colours=max(map(share_across, coarser)))
    ringing = found.is_white and not mixed and rings(channels, pooled[0])
    return replace(found, ringing=ringing)


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


def _pedestal(channels):
    """Return the gray levels that were taken from the plane whose brightness is looked at."""
    pedestals = [channel.pedestal * channel.factor for channel in channels]
    return np.mean(pedestals) if len(channels) == 3 else pedestals[0]


def _is_limit(channel):
    """Where an integer image is black or white, (H, W) bool; floats are not clipped."""
    if channel.array.dtype.kind != "u":
        return np.zeros(channel.shape, bool)
    white = round(GRAY_LEVELS / channel.factor)
    return (channel.array == 0) | (channel.array >= white)


def _medians(blocks):
    from raisr.kernels.details import block_medians

    out = np.empty(len(blocks), np.float32)
    block_medians(blocks, out)
    return out


def _blocks(plane, at_limit):
    """Return brightness, level, root mean square and clipped share of what is not constant."""
    size = min(BLOCK, *(side - 2 for side in plane.shape))
    if size < 2:
        return np.empty((4, 0))
    pixels, bent = tiles(plane[1:-1, 1:-1], size), tiles(bends(plane), size)
    level = _medians(np.abs(bent)) / NORMAL_QUARTILE
    clipped = tiles(at_limit[1:-1, 1:-1], size).mean(axis=1)
    square = np.sqrt(mean_products(bent, bent))
    found = np.stack([pixels.mean(axis=1), level, square, clipped])
    return found[:, np.ptp(pixels, axis=1) > 0].astype(np.float64)


def _level(levels):
    if levels.size == 0:
        return 0.0
    return float(np.quantile(levels, QUANTILE)) / _EXPECTED


def _unevenness(planes):
    """Return by how much levels differ between places, the sum over planes.

    It is infinite where most places of the first plane have none.
    """
    if not planes[0].size or np.median(planes[0]) < _ROUNDED:
        return np.inf
    ends = [np.quantile(levels, (0.1, 0.5)) + _ROUNDED for levels in planes if levels.size]
    return float(sum(np.log(median / tenth) for tenth, median in ends))


def _by_brightness(brightness, levels, squares):
    """Return mean brightness and level of equally filled bins, and what squares tell more there."""
    bins = min(_BINS, levels.size // _FEW)
    if bins == 0:
        return np.empty(0), np.empty(0), 1.0
    order = np.array_split(np.argsort(brightness, kind="stable"), bins)
    found = np.array([_level(levels[part]) for part in order])
    told = np.array([np.quantile(squares[part], QUANTILE) for part in order])
    excess = float(np.median(told / np.maximum(_EXPECTED * found, _ROUNDED)))
    return np.array([brightness[part].mean() for part in order]), found, excess
