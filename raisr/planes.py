"""`Planes`: an array that need not fit in memory, read plane by plane and part by part."""

from __future__ import annotations

import copy
import mmap
from typing import Any

import numpy as np

from raisr.layout import Layout
from raisr.validate import (
    GRAY_LEVELS,
    GrayImage,
    check_dtype,
    data_range_of,
    misfit,
    native,
    refuse_not_finite,
)
from raisr.value_range import look_at, may_lie_far, sampled_places
from raisr.warn import warn_caller

__all__ = ["Planes", "forget"]


class Planes:
    """The planes of an array, as checked images.

    Parameters
    ----------
    source : array
        Whatever has a shape, a dtype and slices.
    layout : Layout
    data_range : float or None
        Value of white, as for `raisr.denoise`.
    white_matters : bool
        Whether to warn, once, where values do not fit white.
    """

    def __init__(
        self, source: Any, layout: Layout, data_range: float | None, *, white_matters: bool = True
    ) -> None:
        check_dtype(source.dtype, "source")
        self.source, self.layout, self.data_range = source, layout, data_range
        self.dtype = np.dtype(source.dtype).newbyteorder("=")
        self.white = data_range_of(self.dtype, data_range)
        self._warns = white_matters
        self._pedestals: dict[tuple[int, ...], list[float]] = {}

    def part(self, plane: tuple[int, ...], rows: slice, columns: slice) -> list[GrayImage]:
        """Return the channels of a part of a plane, with the pedestals of the whole plane."""
        self._find_pedestals(plane)
        part = self._read(plane, rows, columns)
        return self.images(part, plane, rows.start, columns.start)

    def images(
        self, part: np.ndarray, plane: tuple[int, ...], row: int, column: int
    ) -> list[GrayImage]:
        """Return the channels of a part that was read, from a row and a column on."""
        arrays = self._channels(part, plane, row, column)
        pairs = zip(arrays, self._pedestals[plane], strict=True)
        return [GrayImage(array, self.factor, pedestal) for array, pedestal in pairs]

    def known(self) -> Planes:
        """Return what is known of all planes, without their pixels: for `images`."""
        for group in self.layout.groups():
            for plane in group:
                self._find_pedestals(plane)
        found = copy.copy(self)
        found.source = None
        return found

    @property
    def factor(self) -> float:
        """Gray levels of one unit."""
        return GRAY_LEVELS / self.white

    def _find_pedestals(self, plane: tuple[int, ...]) -> None:
        if plane not in self._pedestals:
            self._pedestals[plane] = self._pedestals_of(plane)

    def _pedestals_of(self, plane: tuple[int, ...]) -> list[float]:
        if not may_lie_far(self.dtype, self.factor):
            return [0.0] * (self.layout.samples or 1)
        rows, columns = sampled_places(self.layout.size)
        height, width = self.layout.size

        def line(y):
            part = self._read(plane, slice(y, y + 1), slice(0, width))
            return [array[:, columns] for array in self._channels(part, plane, y, 0)]

        lines = [line(y) for y in range(0, height, rows.step)]
        told = self.data_range is not None
        found = [look_at(np.concatenate(c), self.factor, told) for c in zip(*lines, strict=True)]
        if self._warns and any(far for _, far in found):
            self._warns = False
            warn_caller(misfit("source", self.dtype, self.data_range))
        return [pedestal for pedestal, _ in found]

    def _read(self, plane: tuple[int, ...], rows: slice, columns: slice) -> np.ndarray:
        where = f"plane {', '.join(map(str, plane))}, " if plane else ""
        forget(self.source)  # what was read before
        try:
            return np.asarray(self.source[self.layout.index(plane, rows, columns)])
        except (OSError, MemoryError):
            raise
        except Exception as error:  # each library has its own for what is damaged or missing
            raise ValueError(
                f"{where}rows {rows.start} to {rows.stop - 1}, columns {columns.start} to "
                f"{columns.stop - 1} cannot be read: {error}"
            ) from error

    def _channels(
        self, part: np.ndarray, plane: tuple[int, ...], row: int, column: int
    ) -> list[np.ndarray]:
        """Return the channels of a part, each (h, w), all of them finite."""
        pixels = native(self.layout.to_pixels(part))
        arrays = [pixels] if pixels.ndim == 2 else list(np.moveaxis(pixels, -1, 0))

        def place(channel, down, across):
            return self.layout.place(plane, row + down, column + across, channel)

        refuse_not_finite([GrayImage(array, self.factor) for array in arrays], "source", place)
        return arrays


def forget(array: Any) -> None:
    """Let the system take back the memory of pages of a mapped file, all that was read or written.

    They stay in the file: of a map whose changes are private, nothing is forgotten.
    """
    if isinstance(array, np.memmap) and array.mode in ("r", "r+", "w+"):
        base: Any = array
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
            base.madvise(mmap.MADV_DONTNEED)
