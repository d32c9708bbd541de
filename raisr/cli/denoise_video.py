"""`raisr denoise` of a video: each plane by its own noise, which the first frames show."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

import raisr
from raisr.camera_models import GAINS
from raisr.cli.levels import in_words
from raisr.cli.plans import Settings
from raisr.cli.video_noise import Noise, find_noises
from raisr.io.y4m import Frame, VideoHeader
from raisr.stabilisation import PhotonNoise

__all__ = ["VideoDenoiser"]

_FIRST = 8  # frames that tell the noise

Filter = Callable[[np.ndarray], np.ndarray]


class VideoDenoiser:
    """What `raisr denoise` does to a video.

    The noise of each plane is found once, so that results do not flicker. Frames that come before
    any noise are left as they are. The two fields of an interlaced frame are filtered one by one.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.noises: list[Noise] = []

    def begin(self, header: VideoHeader) -> VideoHeader:
        """Return the header of the result, the same; refuse what no video has."""
        self.header, self.white = header, self.settings.white or header.white
        if self.settings.noise in GAINS:
            raise ValueError(f"--noise {self.settings.noise} is for pictures of three colours")
        if isinstance(self.settings.model, raisr.ColourBank):
            raise ValueError("the bank is for three colours, not for the planes of a video")
        if (levels := self.settings.levels) is not None:
            count = len(header.shapes)
            if len(levels.parts) not in (1, count):
                raise ValueError(
                    f"--sigma names {len(levels.parts)} levels for a video of {count} plane(s); "
                    "give one level, or one for each plane"
                )
            told = levels.of(self.white)
            self.noises = list(told * count if len(told) == 1 else told)
        return header

    def run(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the denoised frames."""
        frames = iter(frames)
        while isinstance(self.settings.model, str) and not self.noises:
            first = list(itertools.islice(frames, _FIRST))
            if not first:
                return
            seen = [[self._fields(plane)[0] for plane in frame.planes] for frame in first]
            self.noises = find_noises(seen, self.settings.noise, self.white)
            if self.noises:
                frames = itertools.chain(first, frames)
            else:
                yield from first
        noises = self.noises or [0.0] * len(self.header.shapes)
        filters = [self._filter_for(noise) for noise in noises]
        for frame in frames:
            planes = map(self._filtered, frame.planes, filters)
            yield Frame(tuple(planes), frame.parameters)

    def told(self) -> str:
        """Say what was done."""
        if not isinstance(self.settings.model, str):
            return "filtered with the bank"
        given = self.settings.levels is not None
        if not any(self.noises):
            reason = "sigma is 0" if given else "found no noise, or could not tell"
            return f"changed nothing: {reason}"
        luma, *chroma = map(_told, self.noises)
        colours = f" in luma, {' and '.join(chroma)} in chroma" if chroma else ""
        return f"removed noise of sigma {luma}{colours}{'' if given else ', estimated'}"

    def _filter_for(self, noise: Noise) -> Filter | None:
        """Return the filter for some noise, or the given bank; None where nothing is to be done."""
        model, network = self.settings.model, self.settings.network
        options: dict[str, Any] = {"data_range": self.white}
        if noise and network is not None and not isinstance(noise, PhotonNoise):
            return partial(network, sigma=noise, **options)
        options |= {"model": model, "num_threads": self.settings.threads}
        if not isinstance(model, str):
            return partial(raisr.denoise, **options)
        if isinstance(noise, PhotonNoise):
            return partial(raisr.denoise, noise=noise, **options)
        return partial(raisr.denoise, sigma=noise, **options) if noise else None

    def _filtered(self, plane: np.ndarray, change: Filter | None) -> np.ndarray:
        if change is None:
            return plane
        out = np.empty_like(plane)
        for field, result in zip(self._fields(plane), self._fields(out), strict=True):
            np.minimum(change(field), self.header.largest, out=result)
        return out

    def _fields(self, plane: np.ndarray) -> list[np.ndarray]:
        """Return the rows of each time of a plane."""
        if not self.header.is_interlaced or len(plane) == 1:
            return [plane]
        return [plane[0::2], plane[1::2]]


def _told(noise: Noise) -> str:
    if isinstance(noise, PhotonNoise):
        return f"{in_words(noise.sigma)} in the dark and a gain of {in_words(noise.gain)}"
    return in_words(noise)
