"""Vector micro-kernels of the class-specific convolution.

All pixels of one call are of one class. Words, places and images are those of
`hybrid.csconv.emit`, tokens those of `raisr.simd`.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from hybrid.csconv.emit import (
    broadcast_words,
    load_low_halves,
    multiply_add,
    pixel_at,
    pixels_at,
    rounded,
    to_high_halves,
)
from hybrid.csconv.simd_moves import ask, copy, join, narrow, transpose
from raisr.simd import INT64, broadcast, const, load, offset, store, vector

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

FILTERS = 8
"""Number of filters whose gradients one call of `weight_gradient` updates."""

_CHAINS = 2


@intrinsic
def forward(typingctx, pixels, lanes, paired, source, size, places, weights, bias, target):
    """Convolve some pixels with the filters of their class; `lanes` output channels.

    Parameters
    ----------
    pixels, lanes, paired : tokens
        `paired` is of length 1 for bfloat16, 0 for float32.
    source : image
        Its place 0 is the top left tap of the first pixel.
    size : pair of int64
        Rows of the filters, and words in a row of taps: a multiple of `lanes`, for bfloat16 of
        half of it.
    places : int64
        Address of the places.
    weights : int64
        Address of words ``[row, word, lane]``.
    bias : int64
        Address of `lanes` float32.
    target : image
        Written at the same places, in the type of the source.
    """
    n, width, pair = pixels.count, lanes.count, paired.count
    signature = types.void(
        pixels, lanes, paired, source, size, types.int64, types.int64, types.int64, target
    )
    kind, block = vector(width), width // 2 if pair else width

    def codegen(context, builder, signature, args):
        source, size, places, weights, bias, target = args[3:]
        _, row, _ = cgutils.unpack_tuple(builder, source)
        rows, words = cgutils.unpack_tuple(builder, size)
        taps = pixels_at(builder, source, places, n)
        # Every pixel has the same sums in the same order, however many are in the group.
        starts = [load(builder, bias, kind), *[ir.Constant(kind, None)] * (_CHAINS - 1)]
        sums = [[cgutils.alloca_once_value(builder, s) for s in starts] for _ in range(n)]
        with cgutils.for_range(builder, rows, intp=INT64) as y:
            shift = builder.mul(y.index, row)
            lines = [builder.add(tap, shift) for tap in taps]
            first = builder.mul(y.index, words)
            with cgutils.for_range(builder, builder.udiv(words, const(block)), intp=INT64) as x:
                word = builder.mul(x.index, const(block))
                panel = builder.mul(builder.add(first, word), const(4 * width))
                panel = builder.add(weights, panel)
                along = builder.mul(word, const(4))
                words_of = [
                    broadcast_words(builder, builder.add(line, along), block, width)
                    for line in lines
                ]
                for i in range(block):
                    weight = load(builder, offset(builder, panel, 4 * width * i), kind)
                    for p in range(n):
                        total = sums[p][i % _CHAINS]
                        new = multiply_add(
                            builder, pair, next(words_of[p]), weight, builder.load(total)
                        )
                        builder.store(new, total)
        for address, chains in zip(pixels_at(builder, target, places, n), sums, strict=True):
            total = builder.load(chains[0])
            for chain in chains[1:]:
                total = builder.fadd(total, builder.load(chain))
            store(builder, rounded(builder, total) if pair else total, address)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def input_gradient(
    typingctx, pixels, vectors, lanes, paired, source, size, places, weights, weight_row, target
):
    """Add what some pixels of one class contribute to the gradient of the input.

    Parameters
    ----------
    pixels, vectors, lanes, paired : tokens
        In each row of taps, ``vectors * lanes`` neighbouring channels are added to.
    source : image
        Gradient of the output.
    size : pair of int64
        Rows of the filters, and words of a pixel of the source: a multiple of ``lanes // 2``.
    places : int64
        Address of the places.
    weights, weight_row : int64
        Address of words ``[row, vector, word, lane]``, and the distance of rows.
    target : image
        float32; at place 0 lies the first of the channels for the first pixel.
    """
    n, m, width, pair = pixels.count, vectors.count, lanes.count, paired.count
    signature = types.void(pixels, vectors, lanes, paired, source, size, *[types.int64] * 3, target)
    kind, block = vector(width), width // 2

    def codegen(context, builder, signature, args):
        source, size, places, weights, weight_row, target = args[4:]
        rows, words = cgutils.unpack_tuple(builder, size)
        _, row, _ = cgutils.unpack_tuple(builder, target)
        gradients = pixels_at(builder, source, places, n)
        targets = pixels_at(builder, target, places, n)
        zero = ir.Constant(kind, None)
        sums = [[cgutils.alloca_once(builder, kind) for _ in range(m)] for _ in range(n)]
        distance = builder.mul(words, const(4 * width))
        with cgutils.for_range(builder, rows, intp=INT64) as y:
            for total in (total for totals in sums for total in totals):
                builder.store(zero, total)
            line = builder.add(weights, builder.mul(y.index, weight_row))
            with cgutils.for_range(builder, builder.udiv(words, const(block)), intp=INT64) as x:
                word = builder.mul(x.index, const(block))
                panel = builder.add(line, builder.mul(word, const(4 * width)))
                panels = [builder.add(panel, builder.mul(distance, const(v))) for v in range(m)]
                along = builder.mul(word, const(4))
                for i in range(block):
                    weight = [
                        load(builder, offset(builder, w, 4 * width * i), kind) for w in panels
                    ]
                    for p in range(n):
                        address = offset(builder, builder.add(gradients[p], along), 4 * i)
                        gradient = broadcast(builder, address, width)
                        for v in range(m):
                            new = multiply_add(
                                builder, pair, gradient, weight[v], builder.load(sums[p][v])
                            )
                            builder.store(new, sums[p][v])
            # Taps of neighbours overlap: each pixel is added after the one before it is stored.
            shift = builder.mul(y.index, row)
            for first, totals in zip(targets, sums, strict=True):
                for v, total in enumerate(totals):
                    address = offset(builder, builder.add(first, shift), 4 * width * v)
                    new = builder.fadd(load(builder, address, kind), builder.load(total))
                    store(builder, new, address)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def gather(typingctx, lanes, paired, source, places, count, out, out_row, total):
    """Copy `lanes` channels of the pixels at `count` places, and add them to a sum.

    float32 pixels become rows `out_row` bytes apart. bfloat16 pixels are joined in twos: word i of
    row r holds channel i of the pixels 2 r and 2 r + 1; the last of an odd number has zeros beside.

    Parameters
    ----------
    lanes, paired : tokens
    source : image
    places, count : int64
    out, out_row : int64
    total : int64
        Address of `lanes` float32.
    """
    width, pair = lanes.count, paired.count
    signature = types.void(lanes, paired, source, *[types.int64] * 5)
    kind = vector(width)

    def codegen(context, builder, signature, args):
        source, places, count, out, out_row, total = args[2:]
        image = cgutils.unpack_tuple(builder, source)
        running = cgutils.alloca_once_value(builder, ir.Constant(kind, None))

        def add(value):
            builder.store(builder.fadd(builder.load(running), value), running)

        def halves(p):
            words = load_low_halves(builder, pixel_at(builder, image, places, p), width)
            high = to_high_halves(builder, words)
            add(builder.bitcast(high, kind))
            return words, high

        def row_of(index):
            return builder.add(out, builder.mul(index, out_row))

        if pair:
            with cgutils.for_range(builder, builder.udiv(count, const(2)), intp=INT64) as loop:
                first = builder.mul(loop.index, const(2))
                low, _ = halves(first)
                _, high = halves(builder.add(first, const(1)))
                store(builder, builder.or_(low, high), row_of(loop.index))
            with builder.if_then(builder.trunc(count, ir.IntType(1))):
                low, _ = halves(builder.sub(count, const(1)))
                store(builder, low, row_of(builder.udiv(count, const(2))))
        else:
            with cgutils.for_range(builder, count, intp=INT64) as loop:
                value = load(builder, pixel_at(builder, image, places, loop.index), kind)
                add(value)
                store(builder, value, row_of(loop.index))
        store(builder, builder.fadd(load(builder, total, kind), builder.load(running)), total)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def weight_gradient(
    typingctx, vectors, lanes, paired, source, places, count, gradients, row, target, target_row
):
    """Add to the gradients of `FILTERS` filters what `count` pixels of their class contribute.

    Parameters
    ----------
    vectors, lanes, paired : tokens
        ``vectors * lanes`` neighbouring taps of the filters.
    source : image
        At place 0 lies the first of the taps of the first pixel.
    places, count : int64
    gradients, row : int64
        Address of the output's gradients as `gather` leaves them, and the distance of its rows.
    target, target_row : int64
        Address of float32 sums, and the distance between those of two filters.
    """
    m, width, pair = vectors.count, lanes.count, paired.count
    signature = types.void(vectors, lanes, paired, source, *[types.int64] * 6)
    kind = vector(width)

    def codegen(context, builder, signature, args):
        source, places, count, gradients, row, target, target_row = args[3:]
        image = cgutils.unpack_tuple(builder, source)
        sums = [
            [
                offset(
                    builder, builder.add(target, builder.mul(target_row, const(f))), 4 * width * v
                )
                for v in range(m)
            ]
            for f in range(FILTERS)
        ]
        zero = ir.Constant(kind, None)
        tile = [[cgutils.alloca_once_value(builder, zero) for _ in line] for line in sums]

        def update(taps, index):
            line = builder.add(gradients, builder.mul(index, row))
            for f in range(FILTERS):
                gradient = broadcast(builder, offset(builder, line, 4 * f), width)
                for v in range(m):
                    new = multiply_add(builder, pair, taps[v], gradient, builder.load(tile[f][v]))
                    builder.store(new, tile[f][v])

        def both(first, second, v):
            low, high = (
                load_low_halves(builder, offset(builder, address, 2 * width * v), width)
                for address in (first, second)
            )
            return builder.or_(low, to_high_halves(builder, high))

        if pair:
            last = builder.sub(count, const(1))
            rows = builder.udiv(builder.add(count, const(1)), const(2))
            with cgutils.for_range(builder, rows, intp=INT64) as loop:
                one = builder.mul(loop.index, const(2))
                # The last of an odd number stands beside itself: its gradient there is zero.
                two = builder.add(one, const(1))
                two = builder.select(builder.icmp_signed("<", two, last), two, last)
                first, second = (pixel_at(builder, image, places, p) for p in (one, two))
                update([both(first, second, v) for v in range(m)], loop.index)
        else:
            with cgutils.for_range(builder, count, intp=INT64) as loop:
                first = pixel_at(builder, image, places, loop.index)
                taps = [
                    load(builder, offset(builder, first, 4 * width * v), kind) for v in range(m)
                ]
                update(taps, loop.index)
        for line, addresses in zip(tile, sums, strict=True):
            for total, address in zip(line, addresses, strict=True):
                new = builder.fadd(load(builder, address, kind), builder.load(total))
                store(builder, new, address)
        return context.get_dummy_value()

    return signature, codegen
