"""Vector code of the hash: gradient products, their sums over a window, and classes.

The window is separable, its taps symmetric; their number is known at compile time. Taps are added
from the middle outwards after the two equal ones are joined, in the same order for every pixel.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from raisr.simd import (
    INT16,
    INT32,
    INT64,
    broadcast,
    const,
    fma,
    load,
    offset,
    shuffle,
    store,
    vector,
)

__all__ = ["LANES", "class_row", "product_row", "tensor_row"]

LANES = 16
_KIND = vector(LANES)
_COUNTS = ir.VectorType(INT32, LANES)
_BYTES = 4 * LANES


def _load_taps(builder, taps, half):
    return [broadcast(builder, offset(builder, taps, 4 * i), LANES) for i in range(half + 1)]


def _symmetric_sum(builder, taps, pixels_at):
    """Sum of taps times ``pixels_at(0)``, ``pixels_at(1)``, ..., by the first half of the taps."""
    half = len(taps) - 1
    total = builder.fmul(taps[half], pixels_at(half))
    for d in range(1, half + 1):
        pair = builder.fadd(pixels_at(half - d), pixels_at(half + d))
        total = fma(builder, taps[half - d], pair, total)
    return total


def _products(builder, above, here, below):
    """Products rr, rc, cc of the doubled central differences of 16 pixels."""
    r = builder.fsub(
        load(builder, offset(builder, below, 4), _KIND),
        load(builder, offset(builder, above, 4), _KIND),
    )
    c = builder.fsub(load(builder, offset(builder, here, 8), _KIND), load(builder, here, _KIND))
    return [builder.fmul(r, r), builder.fmul(r, c), builder.fmul(c, c)]


@intrinsic
def product_row(typingctx, half, above, here, below, taps, out, channel, count):
    """Gradient products of pixels of one row, summed along the row.

    Parameters
    ----------
    half : token
        Half the number of taps, rounded down.
    above, here, below : int64
        Addresses in three rows of the image of the pixel left of those under the first window.
        Read are ``2 + 16 * (count + ceil(half / 8))`` pixels.
    taps : int64
        Address of float32 weights, of which the first ``half + 1`` are read.
    out, channel : int64
        Address of the first sum, and distance from rr to rc to cc, bytes.
    count : int64
        Number of vectors of 16 pixels.
    """
    signature = types.void(half, *[types.int64] * 7)
    h = half.count
    behind = -(-2 * h // LANES)

    def codegen(context, builder, signature, args):
        above, here, below, taps, out, channel, count = args[1:]
        rows = above, here, below
        weights = _load_taps(builder, taps, h)
        # The products under the windows of a vector stay in registers; only the last are new.
        seen = [
            [cgutils.alloca_once_value(builder, product) for product in _products(builder, *start)]
            for start in ([offset(builder, row, _BYTES * v) for row in rows] for v in range(behind))
        ]
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            at = builder.mul(loop.index, const(_BYTES))
            ahead = builder.add(at, const(_BYTES * behind))
            new = _products(builder, *(builder.add(row, ahead) for row in rows))
            place = builder.add(out, at)
            for c in range(3):
                known = [*(builder.load(products[c]) for products in seen), new[c]]

                def pixels_at(t, known=known):
                    v, lane = divmod(t, LANES)
                    if lane == 0:
                        return known[v]
                    return shuffle(builder, known[v], known[v + 1], range(lane, lane + LANES))

                store(builder, _symmetric_sum(builder, weights, pixels_at), place)
                place = builder.add(place, channel)
                for products, value in zip(seen, known[1:], strict=True):
                    builder.store(value, products[c])
        return context.get_dummy_value()

    return signature, codegen


def _column_sums(builder, half, ring, first, line, channel, taps):
    """Return a function of a distance in bytes that sums rr, rc, cc of 16 columns of a ring."""
    weights = _load_taps(builder, taps, half)
    rows, place = [], builder.mul(first, line)
    end = builder.mul(line, const(2 * half + 1))
    for _ in range(2 * half + 1):
        rows.append(builder.add(ring, place))
        place = builder.add(place, line)
        place = builder.select(builder.icmp_signed("<", place, end), place, const(0))

    def sums(at):
        found = []
        for _ in range(3):
            places = [builder.add(row, at) for row in rows]
            found.append(
                _symmetric_sum(builder, weights, lambda t, p=places: load(builder, p[t], _KIND))
            )
            at = builder.add(at, channel)
        return found

    return sums


@intrinsic
def tensor_row(typingctx, half, ring, first, line, channel, taps, out, out_channel, count):
    """Structure tensor of the pixels of one row: `product_row`'s results summed over rows.

    Parameters
    ----------
    half : token
        Half the number of taps, rounded down.
    ring : int64
        Address of ``2 * half + 1`` results of `product_row`.
    first : int64
        Place of the topmost in the ring; the others follow, the first after the last.
    line, channel : int64
        Distance from one result to the next, and from rr to rc to cc, bytes.
    taps : int64
        Address of float32 weights, of which the first ``half + 1`` are read.
    out, out_channel : int64
        Address of the first result, and distance from rr to rc to cc, bytes.
    count : int64
        Number of vectors of 16 pixels.
    """
    signature = types.void(half, *[types.int64] * 8)

    def codegen(context, builder, signature, args):
        ring, first, line, channel, taps, out, out_channel, count = args[1:]
        sums = _column_sums(builder, half.count, ring, first, line, channel, taps)
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            at = builder.mul(loop.index, const(_BYTES))
            place = builder.add(out, at)
            for value in sums(at):
                store(builder, value, place)
                place = builder.add(place, out_channel)
        return context.get_dummy_value()

    return signature, codegen


def _splat(builder, number):
    undefined = ir.Constant(_COUNTS, ir.Undefined)
    single = builder.insert_element(undefined, builder.trunc(number, INT32), INT32(0))
    return builder.shuffle_vector(single, undefined, ir.Constant(_COUNTS, [0] * LANES))


def _count(builder, total, step, edges, number, floats, passes):
    """Add `step` to each lane of `total` for each of the edges that it passes."""
    step = _splat(builder, step)
    with cgutils.for_range(builder, number, intp=INT64) as loop:
        edge = builder.add(edges, builder.mul(loop.index, const(4 * floats)))
        values = [broadcast(builder, offset(builder, edge, 4 * i), LANES) for i in range(floats)]
        gain = builder.select(passes(*values), step, ir.Constant(_COUNTS, None))
        builder.store(builder.add(builder.load(total), gain), total)


def _classes(builder, rr, rc, cc, edges, counts, steps):
    """Classes of 16 pixels, <16 x i16>, from their structure tensor."""
    zero = ir.Constant(_KIND, None)
    trace, d, b = builder.fadd(rr, cc), builder.fsub(rr, cc), builder.fadd(rc, rc)
    squared = builder.fadd(builder.fmul(d, d), builder.fmul(b, b))
    directed = builder.fcmp_ordered(">", squared, zero)
    # The second half turn of the doubled angle is the first, turned.
    level = builder.and_(builder.fcmp_ordered("==", b, zero), builder.fcmp_ordered("<", d, zero))
    lower = builder.or_(builder.fcmp_ordered("<", b, zero), level)
    d = builder.select(lower, builder.fneg(d), d)
    b = builder.select(lower, builder.fneg(b), b)
    half = builder.mul(builder.add(counts[0], const(1)), steps[0])
    start = builder.select(lower, _splat(builder, half), ir.Constant(_COUNTS, None))
    total = cgutils.alloca_once_value(builder, start)

    def orientation(cosine, sine):
        beyond = builder.fcmp_ordered(">=", builder.fmul(b, cosine), builder.fmul(d, sine))
        return builder.and_(beyond, directed)

    def strength(edge):
        gap = builder.fsub(edge, trace)
        far = builder.fcmp_ordered(">=", squared, builder.fmul(gap, gap))
        return builder.or_(builder.fcmp_ordered("<=", gap, zero), far)

    def coherence(ratio):
        limit = builder.fmul(ratio, builder.fmul(trace, trace))
        return builder.and_(builder.fcmp_ordered(">=", squared, limit), directed)

    tests = (orientation, 2), (strength, 1), (coherence, 1)
    for axis, (passes, floats) in enumerate(tests):
        _count(builder, total, steps[axis], edges[axis], counts[axis], floats, passes)
    return builder.trunc(builder.load(total), ir.VectorType(INT16, LANES))


@intrinsic
def class_row(typingctx, half, ring, first, line, channel, taps, edges, counts, steps, out, count):
    """Write the classes, uint16, of the pixels of one row, from comparisons alone.

    Parameters
    ----------
    half, ring, first, line, channel, taps, count
        As of `tensor_row`.
    edges : UniTuple(int64, 3)
        Addresses of the edges as `raisr.kernels.hash.hash_rows` takes them.
    counts, steps : UniTuple(int64, 3)
        Numbers of edges, and index steps, of orientation, strength and coherence.
    out : int64
        Address of the classes.
    """
    triple = types.UniTuple(types.int64, 3)
    signature = types.void(
        half, *[types.int64] * 5, triple, triple, triple, types.int64, types.int64
    )

    def codegen(context, builder, signature, args):
        ring, first, line, channel, taps, *tuples, out, count = args[1:]
        sums = _column_sums(builder, half.count, ring, first, line, channel, taps)
        limits = [cgutils.unpack_tuple(builder, item) for item in tuples]
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            found = _classes(builder, *sums(builder.mul(loop.index, const(_BYTES))), *limits)
            place = builder.add(out, builder.mul(loop.index, const(2 * LANES)))
            store(builder, found, place, align=2)
        return context.get_dummy_value()

    return signature, codegen
