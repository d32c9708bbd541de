"""Crops on a GPU: windows of the training images lie there, made by threads and used many times."""

import itertools
import os
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from hybrid.training.data import Batch, ahead

_WINDOWS = 8  # made at once
_BLOCKS = 128  # of so many windows, that lie on the device
_REUSED = 48  # crops of a window, in the mean


class Windows(Protocol):
    """What makes batches of crops, and batches of the larger windows that crops are cut from."""

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step."""

    def windows(self, count: int) -> "Windows":
        """Return what makes windows: twice as large as crops, or as the smallest image allows."""


class Pool:
    """Windows on a device, a few of which are replaced from time to time.

    What lies there at a step, and what is drawn from it, depends on seed, process and step alone.

    Parameters
    ----------
    crops : Windows
    size, batch : int
        Side of the crops and their number.
    seed, process : int
    device : torch.device
    step : int
        The first one.
    """

    def __init__(
        self,
        crops: Windows,
        size: int,
        batch: int,
        seed: int,
        process: int,
        device: torch.device,
        step: int,
    ) -> None:
        self._size, self._batch, self._key = size, batch, [seed, process]
        self._device, self._first = device, step
        self._every = max(1, _REUSED * _WINDOWS // batch)
        self._block = step // self._every
        self._make = crops.windows(_WINDOWS)
        numbers = itertools.count(self._block)
        self._blocks = ahead(self._moved, numbers, max(1, len(os.sched_getaffinity(0)) - 1))
        self._held: dict[str, Tensor] = {}
        for _ in range(_BLOCKS):
            self._replace()

    def draw(self, step: int) -> Tensor:
        """Return where the crops of a step lie: window, row and column, (3, batch) integers."""
        if step > self._first and step % self._every == 0:
            self._replace()
        generator = np.random.default_rng([*self._key, step, _WINDOWS])
        count, _, height, width = self._held["noisy"].shape
        ends = count, height - self._size + 1, width - self._size + 1
        drawn = [generator.integers(end, size=self._batch) for end in ends]
        return torch.from_numpy(np.stack(drawn))

    def crops(self, places: Tensor) -> Batch:
        """Return the crops that lie at some places, which are on the device."""
        window, row, column = places[..., None, None]
        side = torch.arange(self._size, device=places.device)
        inner = window, row + side[:, None], column + side
        cut = {}
        for name, held in self._held.items():
            if held.ndim == 3:
                cut[name] = held[inner]
            elif held.shape[-1] == 1:
                cut[name] = held[inner[0].flatten()]
            else:
                cut[name] = held[inner[0], :, *inner[1:]].permute(0, 3, 1, 2)
        return Batch(**cut)

    def close(self) -> None:
        """Stop the threads."""
        self._blocks.close()

    def _moved(self, number):
        """Make some windows and bring them to the device, beside what is computed there."""
        made = self._make(number)
        if self._device.type != "cuda":
            return made
        stream = torch.cuda.Stream(self._device)
        with torch.cuda.stream(stream):
            moved = made.to(self._device)
        stream.synchronize()
        return moved

    def _replace(self):
        block = next(self._blocks)
        start = self._block % _BLOCKS * _WINDOWS
        for name, part in block.parts().items():
            if name not in self._held:
                self._held[name] = _room(part)
            self._held[name][start : start + _WINDOWS].copy_(part)
            if part.is_cuda:
                part.record_stream(torch.cuda.current_stream())
        self._block += 1


def _room(part):
    room = part.new_empty(_BLOCKS * _WINDOWS, *part.shape[1:])
    return room.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else room
