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
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "broadcast",
    "const",
    "copy_patch",
    "emit_prefetch",
    "filter_block",
    "fma",
    "lanes_for",
    "load",
    "offset",
    "prefetch",
    "rank_update",
    "shuffle",
    "splat",
    "store",
    "token",
    "vector",
]

FLOAT = ir.FloatType()
INT64 = ir.IntType(64)
INT32 = ir.IntType(32)
INT16 = ir.IntType(16)
INT8 = ir.IntType(8)


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


def store(builder, value, address, align=4):
    """Emit a store of a value."""
    builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = align


def emit_prefetch(builder, address):
    """Emit a request for a cache line; any address will do."""
    pointer = INT8.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, INT32, INT32, INT32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    read, near, data = INT32(0), INT32(3), INT32(1)
    builder.call(function, [builder.inttoptr(address, pointer), read, near, data])


def fma(builder, a, b, c):
    """Emit ``a * b + c``, rounded once."""
    kind = a.type
    name = f"llvm.fma.v{kind.count}f32"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3), name
    )
    return builder.call(function, [a, b, c])


def splat(builder, value, lanes):
    """Emit a vector of copies of a float32."""
    undefined = ir.Constant(vector(lanes), ir.Undefined)
    single = builder.insert_element(undefined, value, INT32(0))
    return shuffle(builder, single, undefined, [0] * lanes)


def broadcast(builder, address, lanes):
    """Emit a vector of copies of the float32 at an address."""
    return splat(builder, load(builder, address, FLOAT), lanes)


def shuffle(builder, a, b, lanes):
    """Emit a vector of chosen lanes of `a` and `b`, those of `b` counted on."""
    lanes = list(lanes)
    mask = ir.Constant(ir.VectorType(INT32, len(lanes)), lanes)
    return builder.shuffle_vector(a, b, mask)


def _halve(builder, a, b, width):
    """Add the two halves of every group of `width` lanes of `a`, then of `b`."""
    lanes, half = a.type.count, width // 2
    starts = [v + g for v in (0, lanes) for g in range(0, lanes, width)]
    low = [s + i for s in starts for i in range(half)]
    high = [s + half + i for s in starts for i in range(half)]
    return builder.fadd(shuffle(builder, a, b, low), shuffle(builder, a, b, high))


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

        # Each row of the image is loaded once for all pixels, and shifted in registers. What
        # is beyond the filter meets its zeros. As integers: LLVM shifts only these at once.
        bits = ir.VectorType(INT32, n)
        zeros = ir.Constant(kind, None)
        known = [[load(builder, offset(builder, r, b), bits) for b in (0, 4 * n)] for r in rows]

        def response(pixel):
            index = load(builder, offset(builder, classes, 2 * pixel), INT16, align=2)
            index = builder.mul(builder.zext(index, INT64), const(filter_bytes))
            weights = builder.add(filters, index)
            total = zeros
            for r, (first, second) in enumerate(known):
                taps = shuffle(builder, first, second, range(pixel, pixel + n))
                taps = builder.bitcast(taps, kind)
                weight = load(builder, offset(builder, weights, 4 * n * (1 + r)), kind)
                total = fma(builder, taps, weight, total)
            return builder.fadd(total, load(builder, weights, kind))

        store(builder, _transposing_sum(builder, response, 0, n, n), out)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def prefetch(typingctx, address, count):
    """Ask for `count` bytes to be brought into the cache; any address will do."""
    signature = types.void(types.int64, types.int64)

    def codegen(context, builder, signature, args):
        lines = builder.add(builder.ashr(args[1], const(6)), const(1))
        with cgutils.for_range(builder, lines, intp=INT64) as loop:
            emit_prefetch(builder, builder.add(args[0], builder.mul(loop.index, const(64))))
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
