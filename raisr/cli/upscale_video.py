"""`raisr upscale` of a video: luma by learned filters, chroma by interpolation in its own place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

import raisr
from raisr.bicubic import enlarge_bicubic, resize_bicubic
from raisr.io.y4m import Frame, VideoHeader
from raisr.validate import GRAY_LEVELS, GrayImage, check_threads

if TYPE_CHECKING:
    from raisr.cli.upscale import Settings

__all__ = ["VideoEnlarger"]


class VideoEnlarger:
    """What `raisr upscale` does to a video."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def begin(self, header: VideoHeader) -> VideoHeader:
        """Return the header of the result; interlaced videos are refused."""
        if header.is_interlaced:
            raise ValueError(
                "it is interlaced: its lines are of two times, so deinterlace it first "
                "(ffmpeg -vf bwdif)"
            )
        sides = (round(side * Fraction(self.settings.factor)) for side in header.shapes[0])
        self.header, self.larger = header, header.resized(*sides)
        return self.larger

    def run(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the larger frames."""
        for frame in frames:
            luma, *chroma = frame.planes
            larger = [self._luma(luma), *(self._chroma(plane) for plane in chroma)]
            planes = (np.minimum(plane, self.header.largest) for plane in larger)
            yield Frame(tuple(planes), frame.parameters)

    def told(self) -> str:
        """Say what was done."""
        size = f"{self.larger.width} x {self.larger.height}"
        return f"enlarged by {self.settings.factor:g} to {size}"

    def _luma(self, plane: np.ndarray) -> np.ndarray:
        return raisr.upscale(
            plane,
            self.settings.factor,
            model=self.settings.model,
            census=self.settings.census,
            data_range=self.settings.white or self.header.white,
            num_threads=self.settings.threads,
        )

    def _chroma(self, plane: np.ndarray) -> np.ndarray:
        """Enlarge by Keys' cubic such that samples lie in the new luma as they did in the old."""
        siting, factor = self.header.siting, Fraction(self.settings.factor)
        height, width = self.larger.shapes[1]
        if factor.denominator > 1:
            out = resize_bicubic(plane, factor, (height, width), siting)
            return np.rint(out).clip(0, np.iinfo(plane.dtype).max).astype(plane.dtype)
        out = np.empty([side * int(factor) for side in plane.shape], plane.dtype)
        image, threads = GrayImage(plane), check_threads(self.settings.threads)
        enlarge_bicubic([image], int(factor), [out], GRAY_LEVELS, threads, siting=siting)
        return out[:height, :width]
