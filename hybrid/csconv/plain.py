"""The micro-kernels of `hybrid.csconv.simd` in plain Numba, for float32 alone.

For processors where vector code is not known to compile. Each takes the arguments of its twin and
gives the same up to the rounding of sums.
"""

import numpy as np
from numba import njit

from hybrid.csconv.simd import FILTERS
from raisr.kernels.memory import floats_at, shorts_at

__all__ = [
    "FILTERS",
    "ask",
    "copy",
    "forward",
    "gather",
    "input_gradient",
    "join",
    "narrow",
    "transpose",
    "weight_gradient",
]


@njit
def _pixel(image, place):
    base, row, step = image
    place = np.int64(place)
    return base + (place >> 8) * row + (place & 255) * step


@njit
def copy(source, target, size):
    """Copy `size` bytes, a multiple of four, from one address to another."""
    line, copied = floats_at(source, size // 4), floats_at(target, size // 4)
    for i in range(size // 4):
        copied[i] = line[i]


@njit
def transpose(lanes, source, source_row, target, target_row):
    """Transpose a square of `lanes` by `lanes` float32; rows are so many bytes apart."""
    for i in range(len(lanes)):
        line = floats_at(source + i * source_row, len(lanes))
        for j in range(len(lanes)):
            floats_at(target + j * target_row, len(lanes))[i] = line[j]


@njit
def ask(source, places, count):
    """Do nothing: memory is fetched when it is read."""


@njit
def join(lanes, low, high, target):
    """Do nothing: there are no pairs."""


@njit
def narrow(lanes, source, target):
    """Do nothing: there are no pairs."""


@njit
def forward(pixels, lanes, paired, source, size, places, weights, bias, target):
    """Convolve some pixels with the filters of their class; `lanes` output channels."""
    width, (rows, words) = len(lanes), size
    panel, offsets = floats_at(weights, rows * words * width), floats_at(bias, width)
    for place in shorts_at(places, len(pixels)):
        first, out = _pixel(source, place), floats_at(_pixel(target, place), width)
        for i in range(width):
            out[i] = offsets[i]
        for r in range(rows):
            taps = floats_at(first + r * source[1], words)
            for word in range(words):
                for i in range(width):
                    out[i] += taps[word] * panel[(r * words + word) * width + i]


@njit
def input_gradient(
    pixels, vectors, lanes, paired, source, size, places, weights, weight_row, target
):
    """Add what some pixels of one class contribute to the gradient of the input."""
    width, (rows, words) = len(lanes), size
    for place in shorts_at(places, len(pixels)):
        gradient, first = floats_at(_pixel(source, place), words), _pixel(target, place)
        for r in range(rows):
            panel = floats_at(weights + r * weight_row, len(vectors) * words * width)
            out = floats_at(first + r * target[1], len(vectors) * width)
            for v in range(len(vectors)):
                for word in range(words):
                    for i in range(width):
                        weight = panel[(v * words + word) * width + i]
                        out[v * width + i] += gradient[word] * weight


@njit
def gather(lanes, paired, source, places, count, out, out_row, total):
    """Copy `lanes` channels of the pixels at `count` places, and add them to a sum."""
    width = len(lanes)
    sums, found = floats_at(total, width), shorts_at(places, count)
    for p in range(count):
        line, copied = (
            floats_at(_pixel(source, found[p]), width),
            floats_at(out + p * out_row, width),
        )
        for i in range(width):
            copied[i] = line[i]
            sums[i] += line[i]


@njit
def weight_gradient(
    vectors, lanes, paired, source, places, count, gradients, row, target, target_row
):
    """Add to the gradients of `FILTERS` filters what `count` pixels of their class contribute."""
    size, found = len(vectors) * len(lanes), shorts_at(places, count)
    for p in range(count):
        taps, gradient = (
            floats_at(_pixel(source, found[p]), size),
            floats_at(gradients + p * row, FILTERS),
        )
        for f in range(FILTERS):
            sums = floats_at(target + f * target_row, size)
            for i in range(size):
                sums[i] += gradient[f] * taps[i]
