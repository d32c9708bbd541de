"""`NoiseEstimate`: what was measured of the noise of an image, and what that says it is like."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raisr.colour import LUMA_NOISE, OPPONENT
from raisr.stabilisation import PhotonNoise

__all__ = ["BINS", "NORMAL_QUARTILE", "ROUNDED", "SURE", "NoiseEstimate"]

BINS = 8
"""Of the brightness, in an image with enough blocks."""

NORMAL_QUARTILE = 0.6744897501960817
"""Median of the absolute value of normal noise, of its standard deviation."""

ROUNDED = 0.9
"""Gray levels of chroma: what 8 bits and JPEG make of nothing is less, and as white."""

SURE = 0.5
"""How sure it is that details of chroma are white noise, where they are taken for that."""

_CORRELATED = 1.6
_MOSAIC = 0.25
_STEADY, _GROWN, _BETTER = 0.2, 1.8, 2.4
_CLOSER = 2.0
_FLOOR = 0.2
_NOTHING = np.finfo(np.float64).tiny
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
        2 x 2 pixels) once and twice; 0 where too few pixels are left. Of noise that was clipped at
        black or white, it is that of what is left. The planes are those of
        `raisr.colour.to_opponent` if there are three channels, else the channels.
    brightness, deviation : (bins,) float64
        Standard deviation at full size, by the mean brightness (of the luma, in an image of three
        channels; of the first channel else). Where chroma has white noise, it is that of a channel,
        as both planes of chroma tell. Empty where nothing could be told.
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
        places of like brightness: noise is normal, edges are few and strong. Where chroma has
        white noise, that of chroma.
    colours : float
        How strong details are across the strongest direction of chroma, of those along it, where
        the image is halved: edges between two colours have one direction, noise all.
    across : float
        Level of the finest details across that direction.
    mean_levels : (scales, planes) float64
        As `levels`, without what histograms tell, but each is the root mean square of the levels at
        several brightnesses of the luma. Of three channels only, as `roughness`; else zeros.
    roughness : (scales - 1, planes) float64
        Likewise of blocks of 8 x 8 pixels about their slopes, at half and a quarter of the size: it
        has all frequencies. About 1.1 times the standard deviation of noise.
    whiteness : (3,) float64
        How sure it is that the finest details of each opponent plane are white noise, no texture
        and no noise that neighbours share, 0 to 1. 0 unless there are three channels, and blocks
        enough to tell.
    camera : float
        How sure it is that details are the noise of a camera, 0 to 1, see `raisr.camera_certainty`.
        0 unless there are three channels.
    ringing : bool
        Whether noise seems white, but details are not normal, neighbours differ as in text, and
        blocks of JPEG are seen.
    clipped_misfit : float
        By how much the variances by brightness differ from those of white noise that was clipped at
        black and white (logarithm). Infinite where none was, and where it does not seem that of
        photons.
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
    mean_levels: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 3)))
    roughness: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 3)))
    whiteness: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    camera: float = 0.0
    ringing: bool = False
    clipped_misfit: float = np.inf

    @property
    def equivalent(self) -> NDArray[np.float64]:
        """Level of the white noise that would be as strong, (scales, planes)."""
        return self.levels * 2.0 ** np.arange(len(self.levels))[:, None]

    @property
    def is_white(self) -> bool:
        """Whether neighbouring pixels have independent noise, as far as can be told.

        White noise halves with the size of the image; noise that went through a camera's
        demosaicing, smoothing and JPEG does not. Only chroma tells: it has little texture, which
        does not halve either. Where its finest details are surely white noise, what is left of it
        at half the size is texture.
        """
        return self.is_drawn or not self._is_correlated or self.white_chroma > 0

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
    def white_chroma(self) -> float:
        """Level of the white noise that the finest details of chroma are; 0 where they are not.

        That is the level of the channels, if they are alike: chroma has little texture. What 8 bits
        make of nothing does not count, nor what a mosaic makes of green.
        """
        if self.levels.shape[1] != 3 or self.mosaic > _MOSAIC:
            return 0.0
        chroma = self.levels[0, 1:]
        sure = self.whiteness[1:].min() > SURE and chroma.min() > ROUNDED * self.unit
        return float(np.sqrt(np.mean(chroma**2))) if sure else 0.0

    def without_texture(self, levels: Sequence[float], chroma: float | None = None) -> list[float]:
        """Return levels of white noise of channels, in gray levels, of which texture is no part.

        Where chroma has white noise, they become no more than the level that it has: `chroma`, if
        that is not `white_chroma`.
        """
        if not self.white_chroma or not any(levels):
            return list(levels)
        chroma = self.white_chroma / self.unit if chroma is None else chroma
        of_chroma = np.sqrt(np.mean(np.square(OPPONENT[1:]) @ np.square(levels)))
        share = min(1.0, chroma / float(of_chroma))
        return [share * level for level in levels]

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
        if self.brightness.size < BINS or not np.median(self.deviation) > 0:
            return None
        variance = (self.deviation / self._share) ** 2
        weights = 1 / np.maximum(variance, _FLOOR * np.median(variance))
        brightest = np.abs(self.brightness).max() or 1.0  # of both columns the same magnitude
        columns = np.stack([self.brightness / brightest, np.ones(BINS)], axis=1)
        columns *= weights[:, None]
        gain, dark = np.linalg.lstsq(columns, variance * weights, rcond=None)[0]
        gain /= brightest
        if dark >= 0:
            return PhotonNoise(gain, np.sqrt(dark)) if gain > 0 else None
        line = columns[:, 0]
        steepest = line @ (variance * weights) / (line @ line) / brightest
        if not steepest > 0:
            return None
        plain = PhotonNoise(steepest)  # what is missing in the dark is texture of the bright parts
        offset = -dark / gain
        if not (self.deviation.all() and 0 < offset < self.brightness.min()):
            return plain
        moved = PhotonNoise(gain, offset=offset)
        enough = max(_STEADY, _CLOSER * self._misfit(moved))
        return plain if self._misfit(plain) <= enough else moved

    @property
    def _share(self):
        """Level of what is told by brightness, where that of each channel is 1."""
        of_luma = self.levels.shape[1] == 3 and not self.white_chroma
        return LUMA_NOISE if of_luma else 1.0

    def _misfit(self, noise):
        """By how much variances differ from those of a noise (logarithm)."""
        expected = _log(self._share * noise.deviation(self.brightness))
        return 2 * np.median(np.abs(_log(self.deviation) - expected)) / NORMAL_QUARTILE

    def shared_levels(self) -> tuple[float, float, float] | None:
        """Return the level of white noise in each opponent plane, where channels share some of it.

        As grain of film is, or gray images that were coloured later; None where they share none.
        Texture of the luma does not halve with the size of the image, as such noise does.
        """
        if self.levels.shape[1] != 3:
            return None
        if self.white_chroma and self.whiteness[0] < SURE:
            return None
        luma = np.sqrt(max(0.0, self.levels[0, 0] ** 2 - self.levels[1, 0] ** 2) / _HALVED)
        chroma = self.levels[0, 1:]
        faint = self.equivalent[:, 1:].max() < _FAINT_CHROMA * luma
        independent = self.is_white and chroma.min() > 0
        if not (faint or independent) or luma <= _SHARED * LUMA_NOISE * chroma.max() + self.unit:
            return None
        return (float(luma), *np.maximum(chroma, _LEAST_CHROMA * luma).tolist())

    def _is_photonic(self):
        """Whether noise grows with the brightness, and not for it was clipped in the dark."""
        return self.grows and self._misfit(self.photons) < self.clipped_misfit

    @property
    def grows(self) -> bool:
        """Whether noise grows with the brightness as that of photons would, and only so."""
        noise = self.photons
        if noise is None or not self.deviation.all() or self.is_drawn or self.excess > _NORMAL:
            return False
        spread = 2 * _log(self.deviation).std()  # of the variance
        rest = self._misfit(noise)
        grown = 2 * np.ptp(_log(noise.deviation(self.brightness))) > np.log(_GROWN)
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


def _log(deviation):
    """Return the logarithm, a finite one where photons make no noise, below black."""
    return np.log(np.maximum(deviation, _NOTHING))
