"""Memory that starts on a cache line, so that no vector load touches two."""

import numpy as np

from raisr._kernels import kernel

__all__ = ["aligned"]


@kernel
def aligned(count):
    """Return `count` zeros, float32, that start at a multiple of 64 bytes."""
    memory = np.zeros(count + 16, np.float32)
    start = -np.int64(memory.ctypes.data) % 64 // 4
    return memory[start : start + count]
