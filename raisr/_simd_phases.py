"""Vector code for filters that give several pixels for each one: a pixel's phases are lanes."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from raisr.simd import INT16, INT64, broadcast, const, fma, load, offset, shuffle, store, vector

__all__ = ["PIXELS", "phase_block", "phase_widths"]

PIXELS = 8
"""Neighbouring pixels that share the loads of an image."""


def phase_widths(count):
    """Return the lengths of the vectors that hold the weights of `count` phases."""
    widths = []
    while count > 0:
        widths.append(16 if count > 12 else 8 if count > 4 else 4)
        count -= widths[-1]
    return widths


def _transposed(builder, vectors):
    """Return all first lanes of 8 vectors, all second lanes, ..., in vectors of 16 lanes."""
    parts, run = [[value] for value in vectors], 1
    while len(parts) > 1:
        parts = [_woven(builder, a, b, run) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        run *= 2
    return parts[0]


def _woven(builder, first, second, run):
    """Return runs of lanes of two lists of vectors in turns, in vectors of up to 16 lanes."""
    woven = []
    for a, b in zip(first, second, strict=True):
        lanes = a.type.count
        order = [
            start + i
            for place in range(0, lanes, run)
            for start in (place, lanes + place)
            for i in range(run)
        ]
        length = min(2 * lanes, 16)
        woven += [
            shuffle(builder, a, b, order[i : i + length])
            for i in (0, length)[: 2 * lanes // length]
        ]
    return woven


@intrinsic
def phase_block(
    typingctx, size, planes, side, lines, image, row, plane, classes, filters, out, step
):
    """Filter 8 neighbouring pixels, each with the filters of its own class for all its phases.

    Parameters
    ----------
    size, planes, side : tokens
        Side of the filters, number of image planes, side of a pixel's block.
    lines : token
        0: blocks are put side by side, `step` bytes from a row of theirs to the next. 1: each
        phase goes to a line of its own, `step` bytes from one to the next.
    image : int64
        Address of the top left tap of the first pixel in the first plane.
    row, plane : int64
        Distance between rows and between planes.
    classes : int64
        Address of 8 uint16 class indices.
    filters : int64
        Bank of float32 (classes, planes * size**2, lanes): of each tap, the weights of all phases,
        and zeros up to the sum of `phase_widths`.
    out : int64
        Address of float32 results.
    """
    k, p, b = size.count, planes.count, side.count
    signature = types.void(size, planes, side, lines, *[types.int64] * 7)
    widths = phase_widths(b * b)
    tap = 4 * sum(widths)

    def codegen(context, builder, signature, args):
        image, row, plane, classes, filters, out, step = args[4:]
        banks = []
        for pixel in range(PIXELS):
            index = load(builder, offset(builder, classes, 2 * pixel), INT16, align=2)
            index = builder.mul(builder.zext(index, INT64), const(p * k * k * tap))
            banks.append(builder.add(filters, index))
        zero = [ir.Constant(vector(width), None) for width in widths]
        totals = [[cgutils.alloca_once_value(builder, z) for z in zero] for _ in range(PIXELS)]
        with cgutils.for_range(builder, const(p), intp=INT64) as outer:
            start = builder.add(image, builder.mul(outer.index, plane))
            with cgutils.for_range(builder, const(k), intp=INT64) as inner:
                line = builder.add(start, builder.mul(inner.index, row))
                passed = builder.add(builder.mul(outer.index, const(k)), inner.index)
                weights = builder.mul(passed, const(k * tap))
                found = [[builder.load(total) for total in pixel] for pixel in totals]
                for column in range(PIXELS + k - 1):
                    place = offset(builder, line, 4 * column)
                    taps = [broadcast(builder, place, width) for width in widths]
                    for pixel in range(max(0, column - k + 1), min(PIXELS, column + 1)):
                        at = builder.add(banks[pixel], weights)
                        at = offset(builder, at, (column - pixel) * tap)
                        for group, width in enumerate(widths):
                            weight = load(builder, at, vector(width))
                            old = found[pixel][group]
                            found[pixel][group] = fma(builder, taps[group], weight, old)
                            at = offset(builder, at, 4 * width)
                for pixel, sums in zip(totals, found, strict=True):
                    for total, value in zip(pixel, sums, strict=True):
                        builder.store(value, total)
        found = [[builder.load(total) for total in pixel] for pixel in totals]
        put = _put_lines if lines.count else _put_blocks
        put(builder, found, widths, b, out, step)
        return context.get_dummy_value()

    return signature, codegen


def _put_blocks(builder, found, widths, side, out, step):
    for pixel, groups in enumerate(found):
        phase = 0
        for width, value in zip(widths, groups, strict=True):
            lane = 0
            while lane < width and phase < side * side:
                r, c = divmod(phase, side)
                run = min(side - c, width - lane)
                part = shuffle(builder, value, value, range(lane, lane + run))
                line = builder.add(out, builder.mul(step, const(r)))
                store(builder, part, offset(builder, line, 4 * (pixel * side + c)))
                lane, phase = lane + run, phase + run


def _put_lines(builder, found, widths, side, out, step):
    phase = 0
    for group, width in enumerate(widths):
        turned = _transposed(builder, [pixel[group] for pixel in found])
        for lane in range(min(width, side * side - phase)):
            whole, half = divmod(lane * PIXELS, 16)
            part = shuffle(builder, turned[whole], turned[whole], range(half, half + PIXELS))
            store(builder, part, builder.add(out, builder.mul(step, const(phase))))
            phase += 1
