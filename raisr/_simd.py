"""Explicit vector instructions for Numba kernels; nothing here knows about images.

Numba turns plain loops into vector code only when it can prove enough about them. The three
micro-kernels below emit LLVM vector operations themselves (`<16 x float>`; LLVM splits them where
registers are narrower), so their speed does not depend on that proof. Sizes known at compile time
are passed as *tokens*: a tuple of n zeros, whose Numba type carries n.

Addresses are int64, strides are in bytes, loads and stores assume 4-byte alignment only.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = [
    "SUM_BLOCK",
    "copy_patch",
    "filter_block",
    "lanes_for",
    "rank_update",
    "symmetric_sum",
    "token",
]

SUM_BLOCK = 64
"""Number of results of one `symmetric_sum`."""

_FLOAT = ir.FloatType()
_INT64 = ir.IntType(64)
_INT32 = ir.IntType(32)
_INT16 = ir.IntType(16)


def token(n):
    """Tuple of `n` zeros: its Numba type tells a kernel `n` at compile time."""
    return (0,) * n


def lanes_for(size):
    """Vector length that holds one row of a filter of side `size`."""
    return 8 if size <= 8 else 16


def _vector(lanes):
    return ir.VectorType(_FLOAT, lanes)


def _const(value):
    return ir.Constant(_INT64, value)


def _offset(builder, address, n):
    return builder.add(address, _const(n)) if n else address


def _load(builder, address, kind, align=4):
    value = builder.load(builder.inttoptr(address, kind.as_pointer()))
    value.align = align
    return value


def _store(builder, value, address):
    builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = 4


def _fma(builder, a, b, c):
    kind = a.type
    name = f"llvm.fma.v{kind.count}f32"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3), name
    )
    return builder.call(function, [a, b, c])


def _broadcast(builder, address, lanes):
    undefined = ir.Constant(_vector(lanes), ir.Undefined)
    single = builder.insert_element(undefined, _load(builder, address, _FLOAT), _INT32(0))
    mask = ir.Constant(ir.VectorType(_INT32, lanes), [0] * lanes)
    return builder.shuffle_vector(single, undefined, mask)


def _shuffle(builder, a, b, lanes):
    mask = ir.Constant(ir.VectorType(_INT32, len(lanes)), lanes)
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
    vector, filter_bytes = _vector(n), 4 * n * (1 + p * k)

    def codegen(context, builder, signature, args):
        image, row, plane, classes, filters, out = args[3:]
        rows = []
        for q in range(p):
            start = builder.add(image, builder.mul(plane, _const(q)))
            rows += [builder.add(start, builder.mul(row, _const(r))) for r in range(k)]

        # Neighbours share one load of the image: the filter row is read `shift` lanes early, and
        # the zeros behind the row before it fill the gap. Shifted back before lanes are summed,
        # so that a result does not depend on the place of its pixel in the block.
        sharing = n - k + 1
        zeros = ir.Constant(vector, None)
        shared = {}

        def response(pixel):
            group, shift = divmod(pixel, sharing)
            if group not in shared:
                first = 4 * group * sharing
                shared[group] = [_load(builder, _offset(builder, r, first), vector) for r in rows]
            index = _load(builder, _offset(builder, classes, 2 * pixel), _INT16, align=2)
            index = builder.mul(builder.zext(index, _INT64), _const(filter_bytes))
            weights = builder.add(filters, index)
            total = zeros
            for r, taps in enumerate(shared[group]):
                weight = _offset(builder, weights, 4 * n * (1 + r) - 4 * shift)
                total = _fma(builder, taps, _load(builder, weight, vector), total)
            total = _shuffle(builder, total, zeros, list(range(shift, shift + n)))
            return builder.fadd(total, _load(builder, weights, vector))

        _store(builder, _transposing_sum(builder, response, 0, n, n), out)
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
            address = builder.add(image, builder.mul(row, _const(r)))
            _store(builder, _load(builder, address, _vector(n)), _offset(builder, out, 4 * k * r))
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
    vector = _vector(16)

    def codegen(context, builder, signature, args):
        a, b, stride, count, c, c_stride = args[2:]
        starts = [builder.add(c, builder.mul(c_stride, _const(i))) for i in range(m)]
        tile = [[cgutils.alloca_once(builder, vector) for _ in range(n)] for _ in range(m)]
        for i in range(m):
            for j in range(n):
                old = _load(builder, _offset(builder, starts[i], 64 * j), vector)
                builder.store(old, tile[i][j])
        with cgutils.for_range(builder, count, intp=_INT64) as loop:
            shift = builder.mul(loop.index, stride)
            left, right = builder.add(a, shift), builder.add(b, shift)
            columns = [_load(builder, _offset(builder, right, 64 * j), vector) for j in range(n)]
            for i in range(m):
                scale = _broadcast(builder, _offset(builder, left, 4 * i), 16)
                for j in range(n):
                    new = _fma(builder, scale, columns[j], builder.load(tile[i][j]))
                    builder.store(new, tile[i][j])
        for i in range(m):
            for j in range(n):
                _store(builder, builder.load(tile[i][j]), _offset(builder, starts[i], 64 * j))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def symmetric_sum(typingctx, source, step, taps, half, out):
    """``out[i] = sum_t taps[t] * source[i + t * step]`` for `SUM_BLOCK` neighbours i.

    The taps are symmetric: ``2 * half + 1`` of them, of which the first ``half + 1`` are read.
    They are added from the middle outwards after the two equal ones are joined, in the same
    order for every i.

    Parameters
    ----------
    source, taps, out : int64
        Addresses of float32; `source` is that of the first tap.
    step : int64
        Distance between the pixels under neighbouring taps, bytes.
    half : int64
        Half the number of taps, rounded down.
    """
    signature = types.void(*[types.int64] * 5)
    blocks = range(SUM_BLOCK // 16)

    def codegen(context, builder, signature, args):
        source, step, taps, half, out = args
        middle = builder.add(source, builder.mul(half, step))
        tap = _broadcast(builder, builder.add(taps, builder.mul(half, _const(4))), 16)
        totals = []
        for j in blocks:
            pixels = _load(builder, _offset(builder, middle, 64 * j), _vector(16))
            totals.append(cgutils.alloca_once_value(builder, builder.fmul(tap, pixels)))
        with cgutils.for_range(builder, half, intp=_INT64) as loop:
            distance = builder.add(loop.index, _const(1))
            shift = builder.mul(distance, step)
            tap_address = builder.mul(builder.sub(half, distance), _const(4))
            tap = _broadcast(builder, builder.add(taps, tap_address), 16)
            before, after = builder.sub(middle, shift), builder.add(middle, shift)
            for j in blocks:
                first = _load(builder, _offset(builder, before, 64 * j), _vector(16))
                last = _load(builder, _offset(builder, after, 64 * j), _vector(16))
                total = _fma(builder, tap, builder.fadd(first, last), builder.load(totals[j]))
                builder.store(total, totals[j])
        for j in blocks:
            _store(builder, builder.load(totals[j]), _offset(builder, out, 64 * j))
        return context.get_dummy_value()

    return signature, codegen
