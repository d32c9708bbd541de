"""Vector code for filters that give several pixels for each one."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from raisr.simd import (
    FLOAT,
    INT16,
    INT32,
    INT64,
    const,
    fma,
    load,
    offset,
    shuffle,
    splat,
    store,
    vector,
)

__all__ = ["LANES", "PIXELS", "phase_block", "phase_layout"]

LANES = 16
PIXELS = 8
"""Neighbouring pixels that share the loads of an image."""


def phase_layout(phases):
    """Return how many taps of a row, and of how many phases, share a vector of weights.

    Four phases take few lanes: so a vector holds four taps of each. Otherwise, it holds one tap.
    """
    return (4, 4) if phases <= 4 else (1, LANES)


@intrinsic
def phase_block(
    typingctx, size, planes, side, lines, stride, image, row, plane, classes, filters, out, step
):
    """Filter 8 neighbouring pixels, each with the filters of its own class for all its phases.

    Parameters
    ----------
    size, planes, side : tokens
        Side of the filters, number of image planes, side of a pixel's block.
    lines : token
        0: blocks are put side by side, `step` bytes from a row of theirs to the next. 1: each
        phase goes to a line of its own, `step` bytes from one to the next.
    stride : token
        Pixels of the planes from one of the neighbours to the next.
    image : int64
        Address of the top left tap of the first pixel in the first plane. Up to 3 pixels beyond
        the taps of a row are read, and must be finite.
    row, plane : int64
        Distance between rows and between planes.
    classes : int64
        Address of 8 uint16 class indices.
    filters : int64
        Bank, as `raisr.phases.pack` lays it out.
    out : int64
        Address of float32 results.
    """
    k, p, b = size.count, planes.count, side.count
    signature = types.void(size, planes, side, lines, stride, *[types.int64] * 7)
    taps, share = phase_layout(b * b)
    groups, parts = -(-b * b // share), -(-k // taps)
    kind, words, word_bytes = vector(LANES), ir.VectorType(INT32, LANES), 4 * LANES
    line_bytes = word_bytes * groups * -(-parts // 2)
    class_bytes = word_bytes * groups + p * k * line_bytes

    def weights_of(builder, word, odd):
        """Widen one of the two vectors of weights that share a word."""
        half = ir.Constant(words, [16] * LANES), ir.Constant(words, [-65536] * LANES)
        bits = builder.shl(word, half[0]) if odd else builder.and_(word, half[1])
        return builder.bitcast(bits, kind)

    def codegen(context, builder, signature, args):
        image, row, plane, classes, filters, out, step = args[5:]
        banks = []
        for pixel in range(PIXELS):
            index = load(builder, offset(builder, classes, 2 * pixel), INT16, align=2)
            index = builder.mul(builder.zext(index, INT64), const(class_bytes))
            banks.append(builder.add(filters, index))
        last = builder.add(image, builder.mul(plane, const(p - 1)))
        totals = []
        for pixel, bank in enumerate(banks):
            middle = _middle(builder, offset(builder, last, 4 * stride.count * pixel), row, k)
            rest = [
                load(builder, offset(builder, bank, word_bytes * g), kind) for g in range(groups)
            ]
            first = [builder.fmul(middle, part) for part in rest]
            totals.append([cgutils.alloca_once_value(builder, value) for value in first])
        with cgutils.for_range(builder, const(p), intp=INT64) as outer:
            start = builder.add(image, builder.mul(outer.index, plane))
            with cgutils.for_range(builder, const(k), intp=INT64) as inner:
                line = builder.add(start, builder.mul(inner.index, row))
                passed = builder.add(builder.mul(outer.index, const(k)), inner.index)
                passed = builder.mul(passed, const(line_bytes))
                passed = offset(builder, passed, word_bytes * groups)
                sums = [[builder.load(total) for total in pixel] for pixel in totals]
                for column in range(stride.count * (PIXELS - 1) + taps * (parts - 1) + 1):
                    few = load(builder, offset(builder, line, 4 * column), vector(taps))
                    values = shuffle(builder, few, few, [i % taps for i in range(LANES)])
                    for pixel in range(PIXELS):
                        part, odd = divmod(column - stride.count * pixel, taps)
                        if odd or not 0 <= part < parts:
                            continue
                        at = builder.add(banks[pixel], passed)
                        for group in range(groups):
                            place = word_bytes * (part // 2 * groups + group)
                            word = load(builder, offset(builder, at, place), words)
                            weights, old = weights_of(builder, word, part % 2), sums[pixel][group]
                            sums[pixel][group] = fma(builder, values, weights, old)
                for pixel, new in zip(totals, sums, strict=True):
                    for total, value in zip(pixel, new, strict=True):
                        builder.store(value, total)
        found = [[builder.load(total) for total in pixel] for pixel in totals]
        if taps > 1:
            _put_summed(builder, [groups[0] for groups in found], b, out, step)
        elif lines.count:
            _put_lines(builder, found, b, out, step)
        else:
            _put_blocks(builder, found, b, out, step)
        return context.get_dummy_value()

    return signature, codegen


def _middle(builder, image, row, size):
    """Return a vector of copies of the middle pixel of a filter, or of the mean of four."""
    first = builder.add(image, builder.mul(row, const((size - 1) // 2)))
    first = offset(builder, first, 4 * ((size - 1) // 2))
    value = load(builder, first, FLOAT)
    if size % 2 == 0:
        below = builder.add(first, row)
        beside = load(builder, offset(builder, first, 4), FLOAT)
        pair = load(builder, below, FLOAT), load(builder, offset(builder, below, 4), FLOAT)
        value = builder.fadd(builder.fadd(value, beside), builder.fadd(*pair))
        value = builder.fmul(value, ir.Constant(FLOAT, 0.25))
    return splat(builder, value, LANES)


def _put_summed(builder, found, side, out, step):
    """Put blocks of up to four phases side by side; of each, four lanes are summed first."""
    halves = [_paired(builder, a, b, 2) for a, b in zip(found[::2], found[1::2], strict=True)]
    fours = [_paired(builder, a, b, 1) for a, b in zip(halves[::2], halves[1::2], strict=True)]
    for r in range(side):
        places = [
            LANES * (pixel // 4) + 4 * (r * side + c) + pixel % 4
            for pixel in range(PIXELS)
            for c in range(side)
        ]
        line = builder.add(out, builder.mul(step, const(r)))
        store(builder, shuffle(builder, *fours, places), line)


def _paired(builder, a, b, run):
    """Add runs of lanes that are neighbours: of four lanes of `a`, then of four lanes of `b`."""
    low = [
        start + four + 2 * run * pair + i
        for four in range(0, LANES, 4)
        for start in (0, LANES)
        for pair in range(2 // run)
        for i in range(run)
    ]
    high = [lane + run for lane in low]
    return builder.fadd(shuffle(builder, a, b, low), shuffle(builder, a, b, high))


def _put_blocks(builder, found, side, out, step):
    """Put each pixel's block beside that of the one before."""
    for pixel, groups in enumerate(found):
        for r in range(side):
            line = builder.add(out, builder.mul(step, const(r)))
            place = 0
            while place < side:
                group, lane = divmod(r * side + place, LANES)
                run = min(side - place, LANES - lane)
                part = shuffle(builder, groups[group], groups[group], range(lane, lane + run))
                store(builder, part, offset(builder, line, 4 * (pixel * side + place)))
                place += run


def _put_lines(builder, found, side, out, step):
    """Put each phase of all pixels to a line of its own."""
    for phase in range(side * side):
        group, lane = divmod(phase, LANES)
        if lane == 0:
            turned = _transposed(builder, [groups[group] for groups in found])
        whole, half = divmod(lane * PIXELS, LANES)
        part = shuffle(builder, turned[whole], turned[whole], range(half, half + PIXELS))
        store(builder, part, builder.add(out, builder.mul(step, const(phase))))


def _transposed(builder, vectors):
    """Return all first lanes of the vectors, all second lanes, ..., as vectors."""
    parts, run = [[value] for value in vectors], 1
    while len(parts) > 1:
        parts = [_woven(builder, a, b, run) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        run *= 2
    return parts[0]


def _woven(builder, first, second, run):
    """Return runs of lanes of two lists of vectors, in turns."""
    places = range(0, LANES, run)
    order = [start + i for place in places for start in (place, LANES + place) for i in range(run)]
    halves = order[:LANES], order[LANES:]
    pairs = zip(first, second, strict=True)
    return [shuffle(builder, a, b, half) for a, b in pairs for half in halves]
