"""Blocks of rows, threads over them, and memory for their pixels."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, starmap

import numpy as np

__all__ = ["aligned_empty", "in_threads", "over_blocks"]

_PIXELS = 1 << 17


def aligned_empty(shape):
    """Return an array, float32, that starts at a multiple of 64 bytes: a cache line, a vector."""
    count = int(np.prod(shape))
    buffer = np.empty(count + 16, np.float32)
    start = -buffer.ctypes.data % 64 // 4
    return buffer[start : start + count].reshape(shape)


def in_threads(num_threads, function, *lists):
    """Return what a function makes of each item of a list, or of several lists, in threads."""
    items = list(zip(*lists, strict=True))
    if min(num_threads, len(items)) < 2:
        return list(starmap(function, items))
    with ThreadPoolExecutor(num_threads) as pool:
        return list(pool.map(lambda item: function(*item), items))


def over_blocks(function, shape, num_threads, least=8, ended=None):
    """Call ``function(y0, y1)`` for blocks of rows of an image of `shape`, in threads.

    Blocks are alike, and hold at most some 131,072 pixels, or `least` rows if these are more. Where
    an error, or Ctrl-C, ends it, `ended`, an Event, tells those that take long.
    """
    height, width = shape
    count = -(-height * width // _PIXELS)
    rows = max(least, -(-height // count))
    bounds = [(y0, min(y0 + rows, height)) for y0 in range(0, height, rows)]
    num_threads = min(num_threads, len(bounds))
    if num_threads == 1:
        for y0, y1 in bounds:
            function(y0, y1)
        return
    # Each thread has a run of blocks, and helps the others out at its end. Neighbours at work on
    # the same fresh page of memory would both clear it.
    ends = [len(bounds) * i // num_threads for i in range(num_threads + 1)]
    runs = [deque(bounds[start:end]) for start, end in pairwise(ends)]

    def work(own):
        for run in (own, *runs):
            take = run.popleft if run is own else run.pop
            while run:
                try:
                    block = take()
                except IndexError:  # another thread took the last one
                    break
                function(*block)

    with ThreadPoolExecutor(num_threads) as pool:
        try:
            for _ in pool.map(work, runs):
                pass
        finally:  # an error, or Ctrl-C, ends the others too
            if ended is not None:
                ended.set()
            for run in runs:
                run.clear()
