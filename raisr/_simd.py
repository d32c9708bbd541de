"""Explicit vector instructions for Numba kernels; nothing here knows about images.

Numba turns plain loops into vector code only when it can prove enough about them. The
micro-kernels below emit LLVM vector operations themselves (`<16 x float>`; LLVM splits them where
registers are narrower), so their speed does not depend on that proof. Sizes known at compile time
are passed as *tokens*: a tuple of n zeros, whose Numba type carries n.

Addresses are int64, strides are in bytes, loads and stores assume 4-byte alignment only.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = [
    "FLOAT",
    "INT16",
    "INT32",
    "INT64",
    "SUM_BLOCK",
    "broadcast",
    "const",
    "copy_patch",
    "filter_block",
    "fma",
    "lanes_for",
    "load",
    "offset",
    "rank_update",
    "store",
    "symmetric_sum",
    "token",
    "vector",
]

SUM_BLOCK = 64
"""Number of results of one `symmetric_sum`."""

FLOAT = ir.FloatType()
INT64 = ir.IntType(64)
INT32 = ir.IntType(32)
INT16 = ir.IntType(16)


def token(n):
    """Tuple of `n` zeros: its Numba type tells a kernel `n` at compile time."""
    return (0,) * n


def lanes_for(size):
    """Vector length that holds one row of a filter of side `size`."""
    return 8 if size <= 8 else 16


def vector(lanes):
    """Return the type of a vector of `lanes` float32."""
    return ir.VectorType(FLOAT, lanes)


def const(value):
    """Return an int64 constant."""
    return ir.Constant(INT64, value)


def offset(builder, address, n):
    """Return an address `n` bytes on."""
    return builder.add(address, const(n)) if n else address


def load(builder, address, kind, align=4):
    """Emit a load of a value of type `kind`."""
    value = builder.load(builder.inttoptr(address, kind.as_pointer()))
    value.align = align
    return value


def store(builder, value, address):
    """Emit a store of a value."""
    builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = 4


def fma(builder, a, b, c):
    """Emit ``a * b + c``, rounded once."""
    kind = a.type
    name = f"llvm.fma.v{kind.count}f32"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3), name
    )
    return builder.call(function, [a, b, c])


def broadcast(builder, address, lanes):
    """Emit a vector of copies of the float32 at an address."""
    undefined = ir.Constant(vector(lanes), ir.Undefined)
    single = builder.insert_element(undefined, load(builder, address, FLOAT), INT32(0))
    mask = ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes)
    return builder.shuffle_vector(single, undefined, mask)


def _shuffle(builder, a, b, lanes):
    mask = ir.Constant(ir.VectorType(INT32, len(lanes)), lanes)
    return builder.shuffle_vector(a, b, mask)


def _halve(builder, a, b, width):
    """Add the two halves of every group of `width` lanes of `a`, then of `b`."""
    lanes, half = a.type.count, width // 2
    starts = [v + g for v in (0, lanes) for g in range(0, lanes, width)]
    low = [s + i for s in starts for i in range(half)]
    high = [s + half + i for s in starts for i in range(half)]
    return builder.fadd(_shuffle(builder, a, b, low), _shuffle(builder, a, b, high))


def _transposing_sum(builder, vector_of, first, count, lanes):
    """Vector whose lane p is the sum of the lanes of `vector_of(first + p)`."""
    if count == 1:
        return vector_of(first)
    half = count // 2
    a = _transposing_sum(builder, vector_of, first, half, lanes)
    b = _transposing_sum(builder, vector_of, first + half, half, lanes)
    return _halve(builder, a, b, lanes // half)


@intrinsic
def filter_block(typingctx, size, planes, lanes, image, row, plane, classes, filters, out):
    """Filter `lanes` neighbouring pixels, each with the filter of its own class.

    Parameters
    ----------
    size, planes, lanes : tokens
        Side of the filters, number of image planes, vector length (8 or 16, >= size).
    image : int64
        Address of the top left tap of the first pixel in the first plane.
    row, plane : int64
        Distance between rows and between planes.
    classes : int64
        Address of `lanes` uint16 class indices.
    filters : int64
        Bank of float32 (classes, 1 + planes * size, lanes): row 0 holds the bias in lane 0, the
        others one filter row each, zero beyond `size`. Fastest where it starts at a multiple of
        64 bytes.
    out : int64
        Address of `lanes` float32 results.
    """
    k, p, n = size.count, planes.count, lanes.count
    signature = types.void(size, planes, lanes, *[types.int64] * 6)
    kind, filter_bytes = vector(n), 4 * n * (1 + p * k)

    def codegen(context, builder, signature, args):
        image, row, plane, classes, filters, out = args[3:]
        rows = []
        for q in range(p):
            start = builder.add(image, builder.mul(plane, const(q)))
            rows += [builder.add(start, builder.mul(row, const(r))) for r in range(k)]

        # Neighbours share one load of the image: the filter row is read `shift` lanes early, and
        # the zeros behind the row before it fill the gap. Shifted back before lanes are summed,
        # so that a result does not depend on the place of its pixel in the block.
        sharing = n - k + 1
        zeros = ir.Constant(kind, None)
        shared = {}

        def response(pixel):
            group, shift = divmod(pixel, sharing)
            if group not in shared:
                first = 4 * group * sharing
                shared[group] = [load(builder, offset(builder, r, first), kind) for r in rows]
            index = load(builder, offset(builder, classes, 2 * pixel), INT16, align=2)
            index = builder.mul(builder.zext(index, INT64), const(filter_bytes))
            weights = builder.add(filters, index)
            total = zeros
            for r, taps in enumerate(shared[group]):
                weight = offset(builder, weights, 4 * n * (1 + r) - 4 * shift)
                total = fma(builder, taps, load(builder, weight, kind), total)
            total = _shuffle(builder, total, zeros, list(range(shift, shift + n)))
            return builder.fadd(total, load(builder, weights, kind))

        store(builder, _transposing_sum(builder, response, 0, n, n), out)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def copy_patch(typingctx, size, lanes, image, row, out):
    """Copy a `size` x `size` patch to `size**2` contiguous floats.

    Whole vectors are stored, each over the tail of the one before: up to `lanes - size` floats
    behind the patch are overwritten.
    """
    k, n = size.count, lanes.count
    signature = types.void(size, lanes, *[types.int64] * 3)

    def codegen(context, builder, signature, args):
        image, row, out = args[2:]
        for r in range(k):
            address = builder.add(image, builder.mul(row, const(r)))
            store(builder, load(builder, address, vector(n)), offset(builder, out, 4 * k * r))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def rank_update(typingctx, rows, vectors, a, b, stride, count, c, c_stride):
    """``C[i, j] += sum_t A[t, i] * B[t, j]`` for a tile kept in registers.

    Parameters
    ----------
    rows, vectors : tokens
        The tile is `rows` by ``16 * vectors``.
    a, b : int64
        Addresses of ``A[0, 0]`` and ``B[0, 0]``; both have rows `stride` bytes apart.
    count : int64
        Number of rows t.
    c, c_stride : int64
        Address of ``C[0, 0]`` and distance between its rows.
    """
    m, n = rows.count, vectors.count
    signature = types.void(rows, vectors, *[types.int64] * 6)
    kind = vector(16)

    def codegen(context, builder, signature, args):
        a, b, stride, count, c, c_stride = args[2:]
        starts = [builder.add(c, builder.mul(c_stride, const(i))) for i in range(m)]
        tile = [[cgutils.alloca_once(builder, kind) for _ in range(n)] for _ in range(m)]
        for i in range(m):
            for j in range(n):
                old = load(builder, offset(builder, starts[i], 64 * j), kind)
                builder.store(old, tile[i][j])
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            shift = builder.mul(loop.index, stride)
            left, right = builder.add(a, shift), builder.add(b, shift)
            columns = [load(builder, offset(builder, right, 64 * j), kind) for j in range(n)]
            for i in range(m):
                scale = broadcast(builder, offset(builder, left, 4 * i), 16)
                for j in range(n):
                    new = fma(builder, scale, columns[j], builder.load(tile[i][j]))
                    builder.store(new, tile[i][j])
        for i in range(m):
            for j in range(n):
                store(builder, builder.load(tile[i][j]), offset(builder, starts[i], 64 * j))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def symmetric_sum(typingctx, source, step, taps, half, out, again):
    """``out[i] = sum_t taps[t] * source[i + t * step]`` for `SUM_BLOCK` neighbours i.

    The taps are symmetric: ``2 * half + 1`` of them, of which the first ``half + 1`` are read.
    They are added from the middle outwards after the two equal ones are joined, in the same
    order for every i.

    Parameters
    ----------
    source, taps, out, again : int64
        Addresses of float32; `source` is that of the first tap, results go to both of the last.
    step : int64
        Distance between the pixels under neighbouring taps, bytes.
    half : int64
        Half the number of taps, rounded down.
    """
    signature = types.void(*[types.int64] * 6)
    blocks = range(SUM_BLOCK // 16)

    def codegen(context, builder, signature, args):
        source, step, taps, half, out, again = args
        middle = builder.add(source, builder.mul(half, step))
        tap = broadcast(builder, builder.add(taps, builder.mul(half, const(4))), 16)
        totals = []
        for j in blocks:
            pixels = load(builder, offset(builder, middle, 64 * j), vector(16))
            totals.append(cgutils.alloca_once_value(builder, builder.fmul(tap, pixels)))
        with cgutils.for_range(builder, half, intp=INT64) as loop:
            distance = builder.add(loop.index, const(1))
            shift = builder.mul(distance, step)
            tap_address = builder.mul(builder.sub(half, distance), const(4))
            tap = broadcast(builder, builder.add(taps, tap_address), 16)
            before, after = builder.sub(middle, shift), builder.add(middle, shift)
            for j in blocks:
                first = load(builder, offset(builder, before, 64 * j), vector(16))
                last = load(builder, offset(builder, after, 64 * j), vector(16))
                total = fma(builder, tap, builder.fadd(first, last), builder.load(totals[j]))
                builder.store(total, totals[j])
        for j in blocks:
            for copy in (out, again):
                store(builder, builder.load(totals[j]), offset(builder, copy, 64 * j))
        return context.get_dummy_value()

    return signature, codegen
