"""`PyramidBank`: filters for noise that neighbouring pixels share, from coarse to fine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.cascade import levelled, run_stages
from raisr.colour import from_opponent, to_opponent
from raisr.colour_bank import check_three, filter_chroma, largest_changes
from raisr.colour_files import opened_parts, write_parts
from raisr.filtering import Stage
from raisr.scales import doubled, pyramid
from raisr.validate import GRAY_LEVELS, GrayImage, as_channels, check_threads

__all__ = ["PyramidBank", "Scale", "filter_scale", "guide_of", "run_pyramid"]

FORMAT = "raisr pyramid bank 1"
_PLANES = ("luma", "wide", "narrow")


@dataclass(frozen=True, eq=False)
class Scale:
    """The cascades of one scale.

    Parameters
    ----------
    luma : sequence of Stage
    chroma : two sequences of Stage
        For ``(r - b) / sqrt(2)`` and for ``(r - 2 g + b) / sqrt(6)``, of as many stages.
    """

    luma: Sequence[Stage]
    chroma: tuple[Sequence[Stage], Sequence[Stage]]

    def __post_init__(self):
        object.__setattr__(self, "luma", tuple(self.luma))
        object.__setattr__(self, "chroma", tuple(tuple(stages) for stages in self.chroma))
        counts = [len(stages) for stages in self.chroma]
        if len(counts) != 2 or counts[0] != counts[1]:
            raise ValueError(f"chroma must be two cascades of as many stages, got {counts}")
        if not (self.luma and counts[0]):
            raise ValueError("each plane needs at least one stage")
        if self.chroma[0][0].spec != self.chroma[1][0].spec:
            raise ValueError("first stages of chroma hash the luma: they must have one spec")

    @property
    def planes(self) -> tuple[Sequence[Stage], Sequence[Stage], Sequence[Stage]]:
        """Cascades of luma and of both planes of chroma."""
        return self.luma, *self.chroma


@dataclass(frozen=True, eq=False)
class PyramidBank:
    """Learned filters for colour images, from coarse to fine.

    Red, green and blue become the opponent planes of `raisr.colour.to_opponent`, and these are
    halved again and again. The coarsest are filtered first. At every finer scale, the first
    stage of a plane reaches into the plane and into what the coarser scale gave, enlarged; later
    ones into the plane and the stage before. The luma comes first: its first stage hashes the
    mean of its two planes, later ones what they filter; the first stage of chroma hashes the
    filtered luma, later ones what they filter. No filter reaches from one plane into another.

    Parameters
    ----------
    scales : sequence of Scale
        Finest first.
    metadata : dict, optional
        JSON-able facts about the training.
    """

    scales: Sequence[Scale]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "scales", tuple(self.scales))
        if not self.scales:
            raise ValueError("a PyramidBank needs at least one scale")
        for index, scale in enumerate(self.scales):
            first = 1 if index == len(self.scales) - 1 else 2
            for stages in scale.planes:
                counts = [stage.planes for stage in stages]
                if counts != [first] + [2] * (len(stages) - 1):
                    raise ValueError(
                        f"stages of scale {index} must reach into {first} plane(s) at first and "
                        f"into 2 then, got {counts}"
                    )

    def __repr__(self):
        counts = ", ".join("+".join(str(len(p)) for p in s.planes) for s in self.scales)
        return f"PyramidBank({len(self.scales)} scales, stages {counts})"

    def apply(
        self,
        image: ArrayLike,
        *,
        channel_axis: int = -1,
        data_range: float | None = None,
        num_threads: int | None = None,
    ) -> NDArray:
        """Filter an image of three channels: see `ColourBank.apply`."""
        channels = as_channels(image, channel_axis, data_range)
        check_three(channels)
        out = np.empty(np.shape(image), channels[0].array.dtype)
        outs = list(np.moveaxis(out, channel_axis, 0))
        run_pyramid(self, channels, outs, data_range, check_threads(num_threads))
        return out

    def save(self, path: str | os.PathLike[str], *, dtype: str = "float32") -> None:
        """Write the bank as a safetensors file, all or nothing; see `FilterBank.save`."""
        parts = {
            f"{name}{index}": stages
            for index, scale in enumerate(self.scales)
            for name, stages in zip(_PLANES, scale.planes, strict=True)
        }
        write_parts(path, parts, (), self.metadata, dtype, FORMAT)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "PyramidBank":
        """Read a bank written by `save`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, truncated or not a pyramid bank.
        """
        with opened_parts(path, FORMAT) as (parts, _, metadata):
            scales = []
            for index in range(len(parts) // len(_PLANES)):
                luma, *chroma = (parts[f"{name}{index}"] for name in _PLANES)
                scales.append(Scale(luma, tuple(chroma)))
            return cls(scales, metadata)


@levelled
def run_pyramid(bank, channels, outs, data_range, num_threads, levels=None, share=1.0):
    """Run a pyramid bank over three channels, a list of GrayImage, into `outs`.

    As `raisr.colour_bank.run_colour`; `share` is how much of each change is made, 0 to 1.
    """
    sources = to_opponent(channels, num_threads)
    noisy = pyramid(sources, len(bank.scales), num_threads)
    found: list[NDArray[np.float32]] = []
    for scale, planes in zip(reversed(bank.scales), reversed(noisy), strict=True):
        coarse = [doubled(plane, planes[0].shape, num_threads) for plane in found] or None
        found = filter_scale(scale, planes, coarse, num_threads)
    if share < 1:
        for plane, source in zip(found, sources, strict=True):
            plane += np.float32(1 - share) * (source - plane)
    near = None if levels is None else (sources, largest_changes(levels))
    from_opponent(found, outs, data_range, num_threads, near)


def filter_scale(scale, planes, coarse, num_threads):
    """Return the planes of one scale, filtered; `coarse` is None at the coarsest."""
    luma, *chroma = (GrayImage(plane) for plane in planes)
    before = None if coarse is None else [GrayImage(plane) for plane in coarse]
    filtered = np.empty(luma.shape, np.float32)
    guide = luma if before is None else GrayImage(guide_of(planes[0], coarse[0]))

    def hashed(index, inputs):
        return scale.luma[index].spec, inputs[0] if index else guide

    start = before and before[:1]
    run_stages(scale.luma, [luma], [filtered], GRAY_LEVELS, num_threads, hashed, start)
    guides = ("luma", *["own"] * (len(scale.chroma[0]) - 1))
    start = before and before[1:]
    chroma = filter_chroma(scale.chroma, guides, chroma, GrayImage(filtered), num_threads, start)
    return [filtered, *chroma]


def guide_of(plane, coarse):
    """Return what the first stage of luma hashes."""
    return np.float32(0.5) * (plane + coarse)
