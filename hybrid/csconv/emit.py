"""What the micro-kernels of the class-specific convolution are put together from.

Images have their channels last. A *word* is four bytes of a pixel: one float32, or a pair of
bfloat16 whose two products one instruction adds to a float32 sum. A *place* is the row and the
column of a pixel in its tile, ``256 * row + column`` as uint16; an *image* is a tuple of its
address at place 0 and the distances of rows and of pixels, bytes. All functions emit LLVM code; the
conventions of addresses are those of `raisr.simd`.
"""

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import config
from numba.core import cgutils

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
    vector,
)

__all__ = [
    "broadcast_words",
    "load_low_halves",
    "multiply_add",
    "pixel_at",
    "pixels_at",
    "rounded",
    "to_high_halves",
    "word_vector",
]


def has_feature(name: str) -> bool:
    """Tell whether code may use a feature of this processor; not if Numba is told of another."""
    told = config.CPU_NAME is not None or config.CPU_FEATURES is not None
    return not told and get_host_cpu_features().get(name, False)


_SHUFFLES = has_feature("avx512vl")


def word_vector(lanes):
    """Return the type of a vector of `lanes` words."""
    return ir.VectorType(INT32, lanes)


def _same(value, lanes):
    return ir.Constant(word_vector(lanes), [value] * lanes)


def _opaque(builder, value):
    """Emit nothing, but keep LLVM from taking parts of a loaded vector for loads of their own."""
    signature = ir.FunctionType(value.type, [value.type])
    return builder.call(ir.InlineAsm(signature, "", "=v,0", side_effect=False), [value])


def broadcast_words(builder, address, count, width):
    """Emit `count` vectors, each of copies of one of the words at an address.

    A load for each would take longer than what is done with them: two loads a cycle, as many as
    multiplications, and the weights' besides. So some are shuffled out of a vector.
    """
    kind = vector(count)
    words = None
    for i in range(count):
        if _SHUFFLES and i % 4 == 3:
            if words is None:
                words = _opaque(builder, load(builder, address, kind))
            yield shuffle(builder, words, ir.Constant(kind, ir.Undefined), [i] * width)
        else:
            yield broadcast(builder, offset(builder, address, 4 * i), width)


def multiply_add(builder, paired, a, b, c):
    """Emit ``a * b + c``; for pairs, both products are added."""
    if not paired:
        return fma(builder, a, b, c)
    lanes = c.type.count
    signature = ir.FunctionType(c.type, [c.type, word_vector(lanes), word_vector(lanes)])
    name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * lanes}"
    function = cgutils.get_or_insert_function(builder.module, signature, name)
    a, b = (builder.bitcast(pairs, word_vector(lanes)) for pairs in (a, b))
    return builder.call(function, [c, a, b])


def rounded(builder, values):
    """Emit the bfloat16 nearest to each float32, as int16; of two as near, the even one."""
    lanes = values.type.count
    bits = builder.bitcast(values, word_vector(lanes))
    odd = builder.and_(builder.lshr(bits, _same(16, lanes)), _same(1, lanes))
    bits = builder.add(bits, builder.add(odd, _same(0x7FFF, lanes)))
    is_nan = builder.fcmp_unordered("uno", values, values)
    bits = builder.select(is_nan, _same(0x7FC00000, lanes), bits)
    return builder.trunc(builder.lshr(bits, _same(16, lanes)), ir.VectorType(INT16, lanes))


def load_low_halves(builder, address, lanes):
    """Emit a load of bfloat16 into the low halves of words."""
    halves = load(builder, address, ir.VectorType(INT16, lanes), align=2)
    return builder.zext(halves, word_vector(lanes))


def to_high_halves(builder, words):
    """Emit the low halves of words in the places of the high ones."""
    return builder.shl(words, _same(16, words.type.count))


def pixel_at(builder, image, places, p):
    """Emit the address of the pixel at the p-th place."""
    base, row, step = image
    address = builder.add(places, builder.mul(p, const(2)))
    place = builder.zext(load(builder, address, INT16, align=2), INT64)
    y, x = builder.lshr(place, const(8)), builder.and_(place, const(255))
    return builder.add(base, builder.add(builder.mul(y, row), builder.mul(x, step)))


def pixels_at(builder, image, places, count):
    """Emit the addresses of the pixels at the first `count` places."""
    image = cgutils.unpack_tuple(builder, image)
    return [pixel_at(builder, image, places, const(p)) for p in range(count)]
