"""Blocks of rows, threads over them, and memory for their pixels."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["aligned_empty", "over_blocks"]

_PIXELS = 1 << 17


def aligned_empty(shape):
    """Return an array, float32, that starts at a multiple of 64 bytes: a cache line, a vector."""
    count = int(np.prod(shape))
    buffer = np.empty(count + 16, np.float32)
    start = -buffer.ctypes.data % 64 // 4
    return buffer[start : start + count].reshape(shape)


def over_blocks(function, shape, num_threads):
    """Call ``function(y0, y1)`` for blocks of rows of an image of `shape`, in threads.

    Blocks are alike, hold at most some 131,072 pixels, and do not depend on the number of threads.
    """
    height, width = shape
    count = -(-height * width // _PIXELS)
    rows = max(8, -(-height // count))
    bounds = [(y0, min(y0 + rows, height)) for y0 in range(0, height, rows)]
    if num_threads == 1 or len(bounds) == 1:
        for y0, y1 in bounds:
            function(y0, y1)
        return
    # Each thread takes the next block when it is free: cheaper than a task for each.
    waiting = iter(bounds)

    def work():
        for y0, y1 in waiting:
            function(y0, y1)

    with ThreadPoolExecutor(num_threads) as pool:
        for done in [pool.submit(work) for _ in range(num_threads)]:
            done.result()
