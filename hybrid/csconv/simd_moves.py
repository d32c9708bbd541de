"""Vector micro-kernels that move and round words, for the class-specific convolution.

Addresses are int64; words, places and images are those of `hybrid.csconv.emit`, tokens those of
`raisr.simd`.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from hybrid.csconv.emit import pixel_at, rounded, to_high_halves, word_vector
from raisr.simd import INT64, const, emit_prefetch, load, shuffle, store, vector

__all__ = ["ask", "copy", "join", "narrow", "transpose"]


@intrinsic
def copy(typingctx, source, target, size):
    """Copy `size` bytes from one address to another."""
    signature = types.void(*[types.int64] * 3)

    def codegen(context, builder, signature, args):
        kind = ir.IntType(8).as_pointer()
        source, target = (builder.inttoptr(address, kind) for address in args[:2])
        cgutils.raw_memcpy(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def transpose(typingctx, lanes, source, source_row, target, target_row):
    """Transpose a square of `lanes` by `lanes` float32; rows are so many bytes apart."""
    n = lanes.count
    signature = types.void(lanes, *[types.int64] * 4)

    def codegen(context, builder, signature, args):
        source, source_row, target, target_row = args[1:]

        def line(base, row, i):
            return builder.add(base, builder.mul(row, const(i)))

        rows = [load(builder, line(source, source_row, i), vector(n)) for i in range(n)]
        low = [lane for i in range(n // 2) for lane in (i, n + i)]
        high = [lane + n // 2 for lane in low]
        for _ in range(n.bit_length() - 1):  # each doubles the length of the parts of columns
            pairs = list(zip(rows[: n // 2], rows[n // 2 :], strict=True))
            rows = [shuffle(builder, a, b, half) for a, b in pairs for half in (low, high)]
        for i, row in enumerate(rows):
            store(builder, row, line(target, target_row, i))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def join(typingctx, lanes, low, high, target):
    """Write pairs of the bfloat16 nearest to `lanes` float32 each at two addresses."""
    n = lanes.count
    signature = types.void(lanes, *[types.int64] * 3)

    def codegen(context, builder, signature, args):
        low, high = (
            builder.zext(rounded(builder, load(builder, address, vector(n))), word_vector(n))
            for address in args[1:3]
        )
        store(builder, builder.or_(low, to_high_halves(builder, high)), args[3])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def narrow(typingctx, lanes, source, target):
    """Write the bfloat16 nearest to `lanes` float32."""
    signature = types.void(lanes, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        values = load(builder, args[1], vector(lanes.count))
        store(builder, rounded(builder, values), args[2])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def ask(typingctx, source, places, count):
    """Ask for the memory of the pixels of an image at `count` places, before it is needed."""
    signature = types.void(source, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        image = cgutils.unpack_tuple(builder, args[0])
        with cgutils.for_range(builder, args[2], intp=INT64) as loop:
            emit_prefetch(builder, pixel_at(builder, image, args[1], loop.index))
        return context.get_dummy_value()

    return signature, codegen
