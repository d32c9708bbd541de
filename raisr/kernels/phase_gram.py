"""Normal equations of every class with several targets: the phases of an enlarged pixel."""

import numpy as np

from raisr.kernels import kernel
from raisr.kernels.gram import CHUNK, _add_half, _symmetric_update
from raisr.kernels.micro import copy_patch

__all__ = ["accumulate_phases"]


@kernel
def _pack(size, lanes, padded, targets, positions, buffer):
    """One row ``[taps, 1, targets]`` of `buffer` for each position; what follows is arbitrary."""
    planes, width, side = padded.shape[0], targets.shape[2], len(size)
    image, plane = np.int64(padded.ctypes.data), np.int64(padded.strides[0])
    row, out = np.int64(padded.strides[1]), np.int64(buffer.ctypes.data)
    taps = planes * side * side
    for i in range(positions.size):
        y, x = positions[i] // width, positions[i] % width
        for p in range(planes):
            source = image + p * plane + y * row + 4 * x
            copy_patch(size, lanes, source, row, out + 4 * p * side * side)
        buffer[i, taps] = np.float32(1)
        for phase in range(targets.shape[0]):
            buffer[i, taps + 1 + phase] = targets[phase, y, x]
        out += np.int64(buffer.strides[0])


@kernel
def accumulate_phases(
    size, lanes, padded, targets, order, starts, first, last, buffer, gram, totals
):
    """Add the samples of classes `first` to `last` to their Gram matrices.

    Parameters
    ----------
    size, lanes : tokens
        Side of the filters and vector length.
    padded : (planes, H + size - 1, >= W + size - 1 + 16) float32
        Input planes with a margin of ``size // 2``.
    targets : (phases, H, W) float32
    order, starts : arrays
        Of `raisr.kernels.gram.sort_by_class`.
    buffer, gram : arrays
        Of `raisr.kernels.gram.workspace`; overwritten.
    totals : (num_classes, n, n) float64, n = planes * size**2 + 1 + phases
        Upper triangles are added to in place.
    """
    n = totals.shape[1]
    for c in range(first, last):
        for start in range(starts[c], starts[c + 1], CHUNK):
            stop = min(start + CHUNK, starts[c + 1])
            _pack(size, lanes, padded, targets, order[start:stop], buffer)
            gram[:] = np.float32(0)
            _symmetric_update(buffer, stop - start, n, gram)
            _add_half(gram, n, totals[c])
