"""Vector code for bytes of three channels side by side, as red, green and blue mostly are."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from raisr.simd import INT8, INT32, INT64, const, load, shuffle, splat, store, vector

__all__ = ["GROUP", "join_bytes", "split_bytes"]

GROUP = 16
"""Pixels at a time."""

_THREE = 3
_KIND = vector(GROUP)
_WORDS = ir.VectorType(INT32, GROUP)
_BYTES = ir.VectorType(INT8, GROUP)
_PACKED = ir.VectorType(INT8, _THREE * GROUP)


@intrinsic
def split_bytes(typingctx, address, factor, out, count):
    """Read every third byte as float32, times a factor.

    Parameters
    ----------
    address : int64
        Of the first. Two bytes behind the last are read, too.
    factor : float32
    out : int64
        Address of the results.
    count : int64
        Number of groups of 16 bytes.
    """
    signature = types.void(types.int64, types.float32, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        address, factor, out, count = args
        factor = splat(builder, factor, GROUP)
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            start = builder.mul(loop.index, const(_THREE * GROUP))
            found = load(builder, builder.add(address, start), _PACKED, align=1)
            one = shuffle(builder, found, found, range(0, _THREE * GROUP, _THREE))
            levels = builder.uitofp(builder.zext(one, _WORDS), _KIND)
            place = builder.add(out, builder.mul(loop.index, const(4 * GROUP)))
            store(builder, builder.fmul(levels, factor), place)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def join_bytes(typingctx, first, second, third, factor, out, count):
    """Write three channels, times a factor, as bytes side by side: rounded, and clipped.

    Parameters
    ----------
    first, second, third : int64
        Addresses of float32.
    factor : float32
    out : int64
        Address of the bytes.
    count : int64
        Number of groups of 16 pixels.
    """
    signature = types.void(*[types.int64] * 3, types.float32, types.int64, types.int64)

    def codegen(context, builder, signature, args):
        *channels, factor, out, count = args
        factor = splat(builder, factor, GROUP)
        order = [c * GROUP + pixel for pixel in range(GROUP) for c in range(_THREE)]
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            start = builder.mul(loop.index, const(4 * GROUP))
            levels = [load(builder, builder.add(c, start), _KIND) for c in channels]
            r, g, b = (_as_bytes(builder, builder.fmul(level, factor)) for level in levels)
            two = shuffle(builder, r, g, range(2 * GROUP))
            rest = shuffle(builder, b, b, range(2 * GROUP))
            place = builder.add(out, builder.mul(loop.index, const(_THREE * GROUP)))
            store(builder, shuffle(builder, two, rest, order), place, align=1)
        return context.get_dummy_value()

    return signature, codegen


def _as_bytes(builder, values):
    kind = ir.FunctionType(_KIND, [_KIND])
    name = f"llvm.rint.v{GROUP}f32"
    values = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [values])
    for order, bound in (("<", 0.0), (">", 255.0)):
        limit = ir.Constant(_KIND, [bound] * GROUP)
        values = builder.select(builder.fcmp_ordered(order, values, limit), limit, values)
    return builder.trunc(builder.fptosi(values, _WORDS), _BYTES)
