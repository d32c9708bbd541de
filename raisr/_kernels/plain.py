"""The micro-kernels in plain Numba, for processors where vector code is not known to compile.

Each takes the arguments of its twin in `raisr._simd` or `raisr._simd_hash`, and gives
the same up to the rounding of sums.
"""

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic

from raisr._simd import SUM_BLOCK
from raisr._simd_hash import LANES

__all__ = [
    "classify",
    "copy_patch",
    "filter_block",
    "gradient_products",
    "rank_update",
    "symmetric_sum",
]


def _pointer_to(kind):
    @intrinsic
    def pointer(typingctx, address):
        signature = types.CPointer(kind)(types.int64)

        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return signature, codegen

    return pointer


_float_pointer = _pointer_to(types.float32)
_class_pointer = _pointer_to(types.uint16)


@njit
def _floats(address, count):
    return carray(_float_pointer(address), (count,))


@njit
def filter_block(size, planes, lanes, image, row, plane, classes, filters, out):
    """Filter `lanes` neighbouring pixels, each with the filter of its own class."""
    k, p, n = len(size), len(planes), len(lanes)
    indices, results = carray(_class_pointer(classes), (n,)), _floats(out, n)
    for pixel in range(n):
        weights = _floats(filters + 4 * n * (1 + p * k) * np.int64(indices[pixel]), n * (1 + p * k))
        total = weights[0]
        for q in range(p):
            for r in range(k):
                taps = _floats(image + q * plane + r * row + 4 * pixel, k)
                for i in range(k):
                    total += weights[n * (1 + q * k + r) + i] * taps[i]
        results[pixel] = total


@njit
def copy_patch(size, lanes, image, row, out):
    """Copy a `size` x `size` patch to ``size**2`` contiguous floats."""
    k = len(size)
    for r in range(k):
        line, copy = _floats(image + r * row, k), _floats(out + 4 * k * r, k)
        for i in range(k):
            copy[i] = line[i]


@njit
def rank_update(rows, vectors, a, b, stride, count, c, c_stride):
    """``C[i, j] += sum_t A[t, i] * B[t, j]``."""
    m, n = len(rows), 16 * len(vectors)
    for t in range(count):
        left, right = _floats(a + t * stride, m), _floats(b + t * stride, n)
        for i in range(m):
            line = _floats(c + i * c_stride, n)
            for j in range(n):
                line[j] += left[i] * right[j]


@njit
def symmetric_sum(source, step, taps, half, out, again):
    """``out[i] = sum_t taps[t] * source[i + t * step]`` for `SUM_BLOCK` neighbours i."""
    weights, results, copies = (
        _floats(taps, half + 1),
        _floats(out, SUM_BLOCK),
        _floats(again, SUM_BLOCK),
    )
    for i in range(SUM_BLOCK):
        middle = source + half * step + 4 * i
        total = weights[half] * _floats(middle, 1)[0]
        for d in range(1, half + 1):
            pair = _floats(middle - d * step, 1)[0] + _floats(middle + d * step, 1)[0]
            total += weights[half - d] * pair
        results[i] = total
        copies[i] = total


@njit
def gradient_products(image, row, out, channel):
    """Write the products rr, rc, cc of the doubled central differences of 16 pixels."""
    above, below = _floats(image + 4, LANES), _floats(image + 2 * row + 4, LANES)
    here = _floats(image + row, LANES + 2)
    rr, rc = _floats(out, LANES), _floats(out + channel, LANES)
    cc = _floats(out + 2 * channel, LANES)
    for i in range(LANES):
        r, c = below[i] - above[i], here[i + 2] - here[i]
        rr[i], rc[i], cc[i] = r * r, r * c, c * c


@njit
def classify(tensor, channel, edges, counts, steps, out):
    """Write the classes of 16 pixels, uint16, from comparisons alone."""
    rr, rc = _floats(tensor, LANES), _floats(tensor + channel, LANES)
    cc = _floats(tensor + 2 * channel, LANES)
    directions, strengths = _floats(edges[0], 2 * counts[0]), _floats(edges[1], counts[1])
    coherences, classes = _floats(edges[2], counts[2]), carray(_class_pointer(out), (LANES,))
    for i in range(LANES):
        trace, d, b = rr[i] + cc[i], rr[i] - cc[i], rc[i] + rc[i]
        squared, index = d * d + b * b, np.int64(0)
        if b < 0 or (b == 0 and d < 0):
            d, b, index = -d, -b, (counts[0] + 1) * steps[0]
        for e in range(counts[0]):
            beyond = b * directions[2 * e] >= d * directions[2 * e + 1]
            index += steps[0] if squared > 0 and beyond else 0
        for e in range(counts[1]):
            gap = strengths[e] - trace
            index += steps[1] if gap <= 0 or squared >= gap * gap else 0
        for e in range(counts[2]):
            beyond = squared >= coherences[e] * (trace * trace)
            index += steps[2] if squared > 0 and beyond else 0
        classes[i] = np.uint16(index)
