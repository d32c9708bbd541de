"""Vector code of the hash: gradient products and classes of sixteen pixels at a time."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from raisr._simd import INT16, INT32, INT64, broadcast, const, load, offset, store, vector

__all__ = ["LANES", "classify", "gradient_products"]

LANES = 16
_KIND = vector(LANES)
_COUNTS = ir.VectorType(INT32, LANES)


@intrinsic
def gradient_products(typingctx, image, row, out, channel):
    """Write the products rr, rc, cc of the doubled central differences of 16 pixels.

    Parameters
    ----------
    image : int64
        Address of the pixel above and left of the first one.
    row : int64
        Distance between image rows, bytes.
    out, channel : int64
        Address of the first product, and distance from rr to rc to cc, bytes.
    """
    signature = types.void(*[types.int64] * 4)

    def codegen(context, builder, signature, args):
        image, row, out, channel = args
        here = builder.add(image, row)
        below = builder.add(here, row)
        r = builder.fsub(
            load(builder, offset(builder, below, 4), _KIND),
            load(builder, offset(builder, image, 4), _KIND),
        )
        c = builder.fsub(load(builder, offset(builder, here, 8), _KIND), load(builder, here, _KIND))
        for left, right in ((r, r), (r, c), (c, c)):
            store(builder, builder.fmul(left, right), out)
            out = builder.add(out, channel)
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


@intrinsic
def classify(typingctx, tensor, channel, edges, counts, steps, out):
    """Write the classes of 16 pixels, uint16, from comparisons alone.

    Parameters
    ----------
    tensor, channel : int64
        Address of rr, and distance from rr to rc to cc, bytes.
    edges : UniTuple(int64, 3)
        Addresses of the edges as `raisr._kernels.hash.class_rows` takes them.
    counts, steps : UniTuple(int64, 3)
        Numbers of edges, and index steps, of orientation, strength and coherence.
    out : int64
        Address of the classes.
    """
    triple = types.UniTuple(types.int64, 3)
    signature = types.void(types.int64, types.int64, triple, triple, triple, types.int64)

    def codegen(context, builder, signature, args):
        tensor, channel, *tuples, out = args
        edges, counts, steps = (cgutils.unpack_tuple(builder, item) for item in tuples)
        zero = ir.Constant(_KIND, None)
        rr = load(builder, tensor, _KIND)
        rc = load(builder, builder.add(tensor, channel), _KIND)
        cc = load(builder, builder.add(tensor, builder.add(channel, channel)), _KIND)
        trace, d, b = builder.fadd(rr, cc), builder.fsub(rr, cc), builder.fadd(rc, rc)
        squared = builder.fadd(builder.fmul(d, d), builder.fmul(b, b))
        directed = builder.fcmp_ordered(">", squared, zero)
        # The second half turn of the doubled angle is the first, turned.
        level = builder.and_(
            builder.fcmp_ordered("==", b, zero), builder.fcmp_ordered("<", d, zero)
        )
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
        classes = builder.trunc(builder.load(total), ir.VectorType(INT16, LANES))
        builder.store(classes, builder.inttoptr(out, classes.type.as_pointer())).align = 2
        return context.get_dummy_value()

    return signature, codegen
