"""Vector code for the classes of `raisr.profiles`; see `raisr.kernels.measures`."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from raisr._simd_hash import LANES, _count, _splat
from raisr.simd import INT16, INT32, INT64, const, fma, load, offset, splat, store, vector

__all__ = ["profile_row"]

_KIND = vector(LANES)
_COUNTS = ir.VectorType(INT32, LANES)
_BYTES = 4 * LANES
_TINY = 1e-6


def _number(value):
    return ir.Constant(_KIND, [float(value)] * LANES)


def _square_root(builder, value):
    kind = ir.FunctionType(_KIND, [_KIND])
    name = f"llvm.sqrt.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [value])


def _magnitude(builder, value):
    kind = ir.FunctionType(_KIND, [_KIND])
    name = f"llvm.fabs.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [value])


def _direction(builder, vv, uv, uu, around):
    """Return the vector that the dominant gradient points along, and the measures over it."""
    add, sub, mul = builder.fadd, builder.fsub, builder.fmul
    half, one, two, tiny = map(_number, (0.5, 1, 2, _TINY))
    (nw, n, ne), (w, middle, e), (sw, s, se) = around
    du, dv = mul(sub(e, w), half), mul(sub(s, n), half)
    twice = mul(two, middle)
    duu, dvv = sub(add(w, e), twice), sub(add(n, s), twice)
    duv = mul(sub(add(sub(se, sw), nw), ne), _number(0.25))
    trace, difference = add(uu, vv), sub(uu, vv)
    crossed = mul(two, uv)
    spread = _square_root(builder, fma(builder, difference, difference, mul(crossed, crossed)))
    known = builder.fcmp_ordered(">", spread, tiny)
    cosine = builder.select(known, builder.fdiv(difference, spread), one)
    sine = builder.select(known, builder.fdiv(crossed, spread), _number(0))
    largest = mul(add(trace, spread), half)
    steep = builder.fcmp_ordered("<", cosine, _number(0))
    more, less = add(one, cosine), sub(one, cosine)
    a, b = builder.select(steep, sine, more), builder.select(steep, less, sine)
    slope = fma(builder, b, dv, mul(a, du))
    bend = fma(builder, dvv, less, fma(builder, mul(two, duv), sine, mul(duu, more)))
    bend = mul(bend, half)
    zero = _number(0)
    turned = builder.xor(
        builder.fcmp_ordered("<", slope, zero), builder.fcmp_ordered("<", bend, zero)
    )
    length = fma(builder, a, a, mul(b, b))
    a = builder.select(turned, builder.fneg(a), a)
    b = builder.select(turned, builder.fneg(b), b)
    measures = [
        (largest, one),
        (spread, add(trace, tiny)),
        (mul(bend, bend), add(largest, tiny)),
        (mul(slope, slope), fma(builder, length, largest, tiny)),
    ]
    return a, b, measures


def _quadrant(builder, a, b, bins):
    """Return the bins before a vector's quadrant, and its place there as a fraction."""
    zero = _number(0)
    wide, tall = _magnitude(builder, a), _magnitude(builder, b)
    left = builder.fcmp_ordered("<", a, zero)
    low = builder.fcmp_ordered("<", b, zero)
    odd = builder.xor(left, low)
    none, one = ir.Constant(_COUNTS, None), _splat(builder, bins)
    start = builder.select(low, builder.add(one, one), none)
    start = builder.add(start, builder.select(odd, one, none))
    share = builder.select(odd, wide, tall), builder.fadd(wide, tall)
    return start, share


@intrinsic
def profile_row(typingctx, tensor, channel, tile, row, norm, edges, counts, out, count):
    """Write the classes, uint16, of the pixels of one row.

    Parameters
    ----------
    tensor, channel : int64
        Address of the row of a structure tensor, and distance from rr to rc to cc, bytes.
    tile, row : int64
        Address of the pixel above and to the left of the first, and distance between rows, bytes.
    norm : float32
        Factor from the tensor to mean products of central differences.
    edges : int64
        Address of the edges: those of a quadrant of the circle, then of the other measures.
    counts : UniTuple(int64, 5)
        Numbers of edges of each.
    out : int64
        Address of the classes.
    count : int64
        Number of vectors of 16 pixels.
    """
    five = types.UniTuple(types.int64, 5)
    signature = types.void(
        *[types.int64] * 4, types.float32, types.int64, five, types.int64, types.int64
    )

    def codegen(context, builder, signature, args):
        tensor, channel, tile, row, norm, edges, counts, out, count = args
        counts = cgutils.unpack_tuple(builder, counts)
        factor = splat(builder, norm, LANES)
        steps = [const(1)]
        for number in reversed(counts[1:]):
            steps.insert(0, builder.mul(steps[0], builder.add(number, const(1))))
        begins = [edges]
        for number in counts[:-1]:
            begins.append(builder.add(begins[-1], builder.mul(number, const(4))))
        bins = builder.mul(counts[0], steps[0])
        whole = _splat(builder, builder.mul(bins, const(4)))
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            at = builder.mul(loop.index, const(_BYTES))
            sums, rows = builder.add(tensor, at), builder.add(tile, at)
            products, around = [], []
            for _ in range(3):
                products.append(builder.fmul(load(builder, sums, _KIND), factor))
                around.append(
                    [load(builder, offset(builder, rows, 4 * i), _KIND) for i in range(3)]
                )
                sums, rows = builder.add(sums, channel), builder.add(rows, row)
            a, b, measures = _direction(builder, *products, around)
            start, share = _quadrant(builder, a, b, bins)
            total = cgutils.alloca_once_value(builder, start)
            for axis, (part, of) in enumerate([share, *measures]):

                def passes(edge, part=part, of=of):
                    return builder.fcmp_ordered(">=", part, builder.fmul(edge, of))

                _count(builder, total, steps[axis], begins[axis], counts[axis], 1, passes)
                if axis == 0:  # past the last edge, the circle is closed
                    found = builder.load(total)
                    again = builder.icmp_signed("==", found, whole)
                    builder.store(builder.select(again, ir.Constant(_COUNTS, None), found), total)
            classes = builder.trunc(builder.load(total), ir.VectorType(INT16, LANES))
            place = builder.add(out, builder.mul(loop.index, const(2 * LANES)))
            store(builder, classes, place, align=2)
        return context.get_dummy_value()

    return signature, codegen
