"""Memory that starts on a cache line, numbers at an address, and copies."""

import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from raisr.kernels import kernel, subkernel, variant

__all__ = ["aligned", "bytes_at", "copy", "doubles_at", "floats_at", "number_at", "shorts_at"]


@kernel
def aligned(count):
    """Return `count` zeros, float32, that start at a multiple of 64 bytes."""
    memory = np.zeros(count + 16, np.float32)
    start = -np.int64(memory.ctypes.data) % 64 // 4
    return memory[start : start + count]


@subkernel
def copy(values, out):
    """Fill `out` with the first of `values`."""
    # To assign an array to another compiles, for seconds, how it is told that shapes differ.
    for i in range(out.size):
        out[i] = values[i]


def _numbers_at(name, kind):
    """Return a function (address, count) -> array of `kind`, one dimension, in place."""

    @intrinsic
    def pointer(typingctx, address):
        signature = types.CPointer(kind)(types.int64)

        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return signature, codegen

    def numbers(address, count):  # compiled
        return carray(pointer(address), (count,))

    return variant(numbers, name)


bytes_at = _numbers_at("bytes_at", types.uint8)
shorts_at = _numbers_at("shorts_at", types.uint16)
floats_at = _numbers_at("floats_at", types.float32)
doubles_at = _numbers_at("doubles_at", types.float64)


@intrinsic
def _load(typingctx, address, like):
    def codegen(context, builder, signature, args):
        kind = context.get_value_type(signature.return_type)
        return builder.load(builder.inttoptr(args[0], kind.as_pointer()))

    return like(types.int64, like), codegen


@subkernel
def number_at(address, like):
    """Return the number at an address, of the type of another one."""
    return _load(address, like)
