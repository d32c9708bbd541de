"""`ColourBank`: filters for an image of three channels, one cascade for each opponent plane."""

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from raisr.cascade import add_classes, add_stage, add_stages, levelled
from raisr.colour import add_channels, add_opponent
from raisr.colour_files import opened_parts, write_parts
from raisr.filtering import FilterBank
from raisr.rolling import roll
from raisr.validate import as_channels, check_threads

__all__ = [
    "GUIDES",
    "ColourBank",
    "check_three",
    "filter_chroma",
    "largest_changes",
    "run_colour",
]

GUIDES = ("own", "luma")
"""What a stage of chroma may hash: the plane itself as filtered so far, or the filtered luma."""

_PARTS = ("luma", "wide", "narrow")


@dataclass(frozen=True, eq=False)
class ColourBank:
    """Learned filters for images of three channels.

    Red, green and blue become the opponent planes of `raisr.colour.to_opponent`. The luma runs
    through a bank of its own, as a gray image would; then each plane of chroma does, whose
    classes are those of the filtered luma, or its own, stage by stage. No filter reaches from one
    plane into another: an image of equal channels stays one.

    Parameters
    ----------
    luma : FilterBank
    chroma : two FilterBanks of as many stages
        For ``(r - b) / sqrt(2)`` and for ``(r - 2 g + b) / sqrt(6)``.
    guides : sequence of {"luma", "own"}
        What each stage of chroma hashes; with "luma", the two planes share its spec.
    metadata : dict, optional
        JSON-able facts about the training.
    """

    luma: FilterBank
    chroma: tuple[FilterBank, FilterBank]
    guides: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "chroma", tuple(self.chroma))
        object.__setattr__(self, "guides", tuple(self.guides))
        if len(self.chroma) != 2:
            raise ValueError(f"chroma must be two banks, got {len(self.chroma)}")
        counts = [len(bank.stages) for bank in self.chroma]
        if counts != [len(self.guides)] * 2 or not set(self.guides) <= set(GUIDES):
            raise ValueError(
                f"guides must name one of {GUIDES} for each stage of chroma, "
                f"got {self.guides} for {counts} stages"
            )
        first, second = self.chroma
        for guide, a, b in zip(self.guides, first.stages, second.stages, strict=True):
            if guide == "luma" and a.spec != b.spec:
                raise ValueError("stages that hash the luma must have one spec in both planes")

    def __repr__(self):
        return f"ColourBank(luma={self.luma!r}, chroma={self.chroma!r}, guides={self.guides})"

    def apply(
        self,
        image: ArrayLike,
        *,
        channel_axis: int = -1,
        data_range: float | None = None,
        num_threads: int | None = None,
    ) -> NDArray:
        """Filter an image of three channels.

        Parameters
        ----------
        image : array_like with three channels along `channel_axis`
            uint8, uint16, float16, float32 or float64; any size from 1 x 1; never changed.
        channel_axis : int
            Axis of the channels.
        data_range : float, optional
            Value of white: by default the maximum of an integer type, 1.0 for floats.
        num_threads : int, optional
            Default: every core. The result does not depend on it.

        Returns
        -------
        out : array
            Of the shape and dtype of `image`. Integers are rounded and clipped, floats neither
            clipped nor rescaled.

        Raises
        ------
        TypeError, ValueError
            For another dtype or shape, an empty image, NaN or infinity, or another number of
            channels than three.
        """
        channels = as_channels(image, channel_axis, data_range)
        check_three(channels)
        out = np.empty(np.shape(image), channels[0].array.dtype)
        outs = list(np.moveaxis(out, channel_axis, 0))
        run_colour(self, channels, outs, data_range, check_threads(num_threads))
        return out

    def info(self) -> dict[str, Any]:
        """Return what the bank holds and how it was learned, as JSON-able values."""
        parts = zip(_PARTS, (self.luma, *self.chroma), strict=True)
        planes = {name: bank.info()["stages"] for name, bank in parts}
        return {"planes": planes, "guides": list(self.guides), "metadata": self.metadata}

    def save(self, path: str | os.PathLike[str], *, dtype: str = "float32") -> None:
        """Write the bank as a safetensors file, all or nothing; see `FilterBank.save`."""
        parts = zip(_PARTS, (self.luma, *self.chroma), strict=True)
        stages = {name: bank.stages for name, bank in parts}
        write_parts(path, stages, self.guides, self.metadata, dtype)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "ColourBank":
        """Read a bank written by `save`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, truncated or not a colour bank.
        """
        with opened_parts(path) as (stages, guides, metadata):
            luma, wide, narrow = (FilterBank(stages[name]) for name in _PARTS)
            return cls(luma, (wide, narrow), guides, dict(metadata))


def check_three(channels):
    """Refuse another number of channels than three."""
    if len(channels) != 3:
        raise ValueError(f"a colour bank is for three channels, got {len(channels)}")


@levelled
def run_colour(bank, channels, outs, data_range, num_threads, levels=None):
    """Run a colour bank over three channels, a list of GrayImage, into `outs`.

    `outs` are written in the caller's dtype and unit, `data_range` being their white. Channels
    with a pedestal are filtered without it, as by `raisr.cascade.run_stages`. Where the noise
    level of each plane is given, no pixel changes by more than noise explains.
    """
    chroma = [plane.stages for plane in bank.chroma]

    def build(flow):
        sources = add_opponent(flow, channels)
        filtered = add_stages(flow, bank.luma.stages, sources[:1])
        found = _add_chroma(flow, chroma, bank.guides, sources[1:], filtered[0])
        near = None if levels is None else (sources, largest_changes(levels))
        add_channels(flow, [*filtered, *found], outs, data_range, near)

    roll(build, channels[0].shape, num_threads)


def largest_changes(levels):
    """Return by how much a pixel of each plane may change, so that noise of its level explains it.

    That is less where noise is faint, and edges stand out. Chosen on `rocket` and a part of cbsd68,
    and confirmed on training images.
    """
    return [level * min(1.5 + 0.15 * level, 4.0) for level in levels]


def filter_chroma(stages, guides, planes, luma, num_threads, before=None):
    """Return planes of chroma after their cascades, a list of float32 arrays.

    Parameters
    ----------
    stages : sequence of sequences of Stage
        One cascade for each plane.
    guides : sequence of str
        See `ColourBank`.
    planes : sequence of GrayImage
        Chroma, 0 on gray.
    luma : GrayImage
        The filtered luma.
    before : sequence of GrayImage, optional
        What first stages reach into beside the planes: a first guess of each.
    """
    if not guides:
        return [plane.array for plane in (planes if before is None else before)]
    outs = [np.empty(luma.shape, np.float32) for _ in planes]
    roll(
        lambda flow: _add_chroma(flow, stages, guides, planes, luma, before, outs),
        luma.shape,
        num_threads,
    )
    return outs


def _add_chroma(flow, stages, guides, planes, luma, before=None, outs=None):
    """Add the cascades of chroma to a Flow, see `filter_chroma`; return `outs`, or Rows."""
    previous, known = list(planes if before is None else before), None
    for index, guide in enumerate(guides):
        current = [cascade[index] for cascade in stages]
        inputs = [[p] if p is b else [p, b] for p, b in zip(planes, previous, strict=True)]
        last = index == len(guides) - 1
        results = outs if last and outs is not None else [flow.plane() for _ in planes]
        if guide == "luma":
            if known is None or known[0] != current[0].spec:
                known = current[0].spec, add_classes(flow, luma, current[0].spec)
            add_stage(flow, current, inputs, (None, known[1]), results)
        else:
            for stage, taps, result in zip(current, inputs, results, strict=True):
                add_stage(flow, [stage], [taps], (stage.spec, taps[-1]), [result])
        previous = results
    return previous
