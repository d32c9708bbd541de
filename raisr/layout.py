"""What the axes of an array mean: rows and columns, samples of a pixel, and a stack of planes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

__all__ = ["Layout", "axes_of", "layout_of"]

_WORDS = {"time": "T", "channel": "C", "channels": "C", "sample": "S", "samples": "S"}


@dataclass(frozen=True)
class Layout:
    """An array of planes.

    Parameters
    ----------
    shape : tuple of int
    axes : str
        One letter an axis, as tifffile and OME name them: Y and X are rows and columns, S the
        samples of a pixel, which are denoised together, and C channels, each with noise of its
        own; T, Z and any other letter count planes.
    """

    shape: tuple[int, ...]
    axes: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a plane."""
        return self.shape[self.axes.index("Y")], self.shape[self.axes.index("X")]

    @property
    def samples(self) -> int | None:
        """Samples of a pixel; None where there is no such axis."""
        return self.shape[self.axes.index("S")] if "S" in self.axes else None

    @property
    def stacked(self) -> list[int]:
        """Axes that count planes."""
        return [place for place, axis in enumerate(self.axes) if axis not in "YXS"]

    def groups(self) -> list[list[tuple[int, ...]]]:
        """Return the planes that share their noise: those of one channel (C), each a place."""
        found: dict[int, list[tuple[int, ...]]] = {}
        for plane in product(*(range(self.shape[place]) for place in self.stacked)):
            found.setdefault(self.channel(plane), []).append(plane)
        return list(found.values())

    def channel(self, plane: tuple[int, ...]) -> int:
        """Return the number of the group of a plane."""
        return plane[self.stacked.index(self.axes.index("C"))] if "C" in self.axes else 0

    def index(self, plane: Sequence[int], rows: slice, columns: slice) -> tuple[Any, ...]:
        """Return the index of a part of a plane in the array."""
        spans = {"Y": rows, "X": columns, "S": slice(None)}
        numbers = iter(plane)
        return tuple(spans[axis] if axis in spans else next(numbers) for axis in self.axes)

    def place(
        self, plane: Sequence[int], row: int, column: int, sample: int = 0
    ) -> tuple[int, ...]:
        """Return the index of one value."""
        numbers, where = iter(plane), {"Y": row, "X": column, "S": sample}
        return tuple(where[axis] if axis in where else next(numbers) for axis in self.axes)

    def to_pixels(self, part: np.ndarray) -> np.ndarray:
        """Return a part of a plane as (h, w) or (h, w, samples)."""
        kept = [axis for axis in self.axes if axis in "YXS"]
        return part.transpose([kept.index(axis) for axis in "YXS" if axis in kept])

    def from_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels, (h, w) or (h, w, samples), as a part of a plane."""
        return pixels.transpose(["YXS".index(axis) for axis in self.axes if axis in "YXS"])


def layout_of(shape: Sequence[int], axes: str | Sequence[str] | None, name: str) -> Layout:
    """Return the layout of an array with named axes; of two axes, rows and columns by default.

    Raises
    ------
    ValueError
        If the names do not fit, or nothing names the axes of an array of three and more.
    """
    shape = tuple(map(int, shape))
    if axes is None and len(shape) != 2:
        raise ValueError(
            f"{name} has shape {shape} and nothing names its axes: pass them, such as "
            "ZYX for a stack, YXS for colours"
        )
    letters = "YX" if axes is None else "".join(map(_letter, axes))
    if len(letters) != len(shape):
        raise ValueError(
            f"{name} has {len(shape)} axes, of shape {shape}, but {letters!r} names them"
        )
    if len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        raise ValueError(f"axes must be Y, X and others, each once, got {letters!r}")
    if 0 in shape:
        raise ValueError(f"{name} is empty: its shape is {shape}")
    return Layout(shape, letters)


def _letter(axis: Any) -> str:
    word = str(axis).lower()
    letter = _WORDS.get(word, word.upper())
    if len(letter) != 1 or not letter.isalpha():
        raise ValueError(
            f"an axis is named by one letter, such as Y, X, Z, T, C or S, got {axis!r}"
        )
    return letter


def axes_of(array: Any) -> Sequence[str] | None:
    """Return the names of axes that an array carries: those of zarr, xarray and raisr's files."""
    metadata = getattr(array, "metadata", None)
    attributes: Any = getattr(array, "attrs", None)
    found = (
        getattr(array, "axes", None),
        getattr(array, "dims", None),
        getattr(metadata, "dimension_names", None),
        attributes.get("_ARRAY_DIMENSIONS") if hasattr(attributes, "get") else None,
    )
    return next((names for names in found if _are_names(names)), None)


def _are_names(names: Any) -> bool:
    return bool(isinstance(names, str | list | tuple) and names and all(names))
