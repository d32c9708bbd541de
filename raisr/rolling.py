"""Layers of planes from top to bottom: of those between the first and the last, few rows are kept.

A plane that is written, and read when all of it is there, comes from memory each time; what is read
soon comes from a cache.
"""

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

import numpy as np

from raisr.blocks import aligned_empty, over_blocks

__all__ = ["Flow", "Rows", "roll"]

_PIXELS = 1 << 17  # of a strip
_LEAST = 8  # rows of a strip
_APART = 32  # times as many rows as it sees of its neighbours has a band at most


class Rows:
    """The rows of a plane of gray levels, or of classes, that are at hand.

    Attributes
    ----------
    source, sink : tuple
        Places in the whole plane, as `raisr.kernels.pixels.read_row` and `write_row` take them.
    """

    def __init__(self, shape: tuple[int, int], dtype: Any) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._memory = np.empty((0, shape[1]), dtype)
        self._begin(0)

    def _begin(self, first):
        """Have the memory begin with a row of the plane."""
        from raisr.kernels.pixels import sink_at, source_at

        self._first = self._end = first
        strides = self._memory.strides
        start = self._memory.ctypes.data - first * strides[0]
        self.sink = sink_at(start, strides, self.dtype, 1)
        self.source = source_at(start, self.shape, strides, self.dtype, 1)

    def part(self, y0: int, y1: int) -> np.ndarray:
        """Return some rows that are at hand, as an array."""
        return self._memory[y0 - self._first : y1 - self._first]

    def reserve(self, count: int, first: int) -> None:
        """Get memory for so many rows, from the first on."""
        shape = min(count, self.shape[0]), self.shape[1]
        floats = self.dtype == np.float32
        self._memory = aligned_empty(shape) if floats else np.empty(shape, self.dtype)
        self._begin(first)

    def make_room(self, end: int, needed: int) -> None:
        """Make rows up to `end` ready to be written; if there is no room, forget those not needed.

        Parameters
        ----------
        end : int
        needed : int
            The first row that is read again.
        """
        if end - self._first > len(self._memory):
            first = max(needed, self._first)
            kept = self.part(first, self._end)
            self._memory[: len(kept)] = kept
            self._begin(first)
        self._end = end


class _Layer:
    """What writes rows of planes; those before `done` are written."""

    def __init__(self, run, reads, writes):
        self.run, self.reads, self.writes = run, reads, writes
        self.done = self.lead = 0


class Flow:
    """Layers, each after those whose rows it reads.

    Parameters
    ----------
    shape : (int, int)
        Of all planes.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._layers: list[_Layer] = []

    def plane(self, dtype: Any = np.float32) -> Rows:
        """Return a plane that one layer writes, and others read."""
        return Rows(self.shape, dtype)

    def add(
        self,
        run: Callable[[int, int], None],
        reads: Sequence[tuple[Any, int]],
        writes: Sequence[Any],
    ) -> None:
        """Add a layer.

        Parameters
        ----------
        run : callable
            ``run(y0, y1)`` computes these rows.
        reads : sequence of (plane, int)
            What it reads, and how many rows above and below; planes that are no Rows are whole.
        writes : sequence of planes
        """
        read = [(plane, reach) for plane, reach in reads if isinstance(plane, Rows)]
        written = [plane for plane in writes if isinstance(plane, Rows)]
        self._layers.append(_Layer(run, read, written))

    def reach(self) -> int:
        """Find how many rows each layer has to be ahead of the last; return the most."""
        for layer in reversed(self._layers):
            readers = [reader for plane in layer.writes for reader in self._readers(plane)]
            layer.lead = max((after.lead + reach for after, reach in readers), default=0)
        return max(layer.lead for layer in self._layers)

    def run(self, y0: int, y1: int, ended: Event) -> None:
        """Compute rows `y0` to `y1` of what the last layers write, or less if it has `ended`."""
        height, width = self.shape
        most, step = self.reach(), max(_LEAST, _PIXELS // width)
        for layer in self._layers:
            layer.done = max(y0 - layer.lead, 0)
            for plane in layer.writes:
                readers = self._readers(plane)
                kept = max(layer.lead - after.lead + reach for after, reach in readers)
                plane.reserve(2 * kept + step, layer.done)  # twice: so rows are moved once at most
        for end in range(y0 - 2 * most + step, y1 + step, step):
            if ended.is_set():
                return
            for layer in self._layers:
                self._go_on(layer, min(min(end, y1) + layer.lead, height))

    def _go_on(self, layer, end):
        """Compute the next rows of a layer, up to `end`."""
        if end <= layer.done:
            return
        for plane in layer.writes:
            needed = min(after.done - reach for after, reach in self._readers(plane))
            plane.make_room(end, needed)
        layer.run(layer.done, end)
        layer.done = end

    def _readers(self, plane):
        """Return the layers that read a plane, and how many rows above and below."""
        return [
            (layer, reach) for layer in self._layers for read, reach in layer.reads if read is plane
        ]


def roll(build: Callable[[Flow], None], shape: tuple[int, int], num_threads: int) -> None:
    """Compute layers in bands of rows, each by one thread.

    Parameters
    ----------
    build : callable
        ``build(flow)`` adds the layers to a Flow; it is called for each band.
    shape : (int, int)
        Of all planes.
    num_threads : int
    """

    def flow():
        found = Flow(shape)
        build(found)
        return found

    ended, height, bands = Event(), shape[0], num_threads
    if num_threads > 1:  # as many for each: one left over would keep the others waiting
        bands *= -(-height // (num_threads * _APART * max(1, flow().reach())))
    rows = -(-height // bands)
    over_blocks(lambda y0, y1: flow().run(y0, y1, ended), shape, num_threads, rows, ended)
