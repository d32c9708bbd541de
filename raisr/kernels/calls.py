"""Functions that kernels call by their address.

What a kernel calls otherwise becomes a part of it, and is compiled with it each time.
"""

from functools import cache

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import intrinsic

from raisr.kernels import outlined

__all__ = ["address_of", "call", "special"]

_specials: dict[tuple, int] = {}


@cache
def address_of(function, signature):
    """Return the address of a function made by `raisr.kernels.outlined`; it returns nothing."""
    compiled = function.get_compile_result(signature)
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)


def special(function, *numbers):
    """Return the address of a function of int64, compiled for some numbers: its name has them.

    What calls it by its address is compiled once for all numbers. The function is compiled by the
    first thread that asks, and once for the same numbers: nothing else may make a difference.
    """
    made = function.__code__, numbers
    with global_compiler_lock:
        if made not in _specials:
            name = "_".join([function.__name__, *map(str, numbers)])
            signature = types.none(*[types.int64] * function.__code__.co_argcount)
            _specials[made] = address_of(outlined(function, name), signature)
        return _specials[made]


@intrinsic
def call(typingctx, address, arguments):
    """Call the function at an address with the arguments of a tuple: all int64 or float64.

    As many, and of such types, as it was compiled for: nobody can check that here, and a function
    that gets others reads and writes anywhere.
    """
    if not {types.unliteral(kind) for kind in arguments} <= {types.int64, types.float64}:
        return None

    def codegen(context, builder, signature, args):
        address, arguments = args
        given = cgutils.unpack_tuple(builder, arguments)
        nothing = context.get_value_type(types.none)
        kind = ir.FunctionType(nothing, [argument.type for argument in given])
        builder.call(builder.inttoptr(address, kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.none(types.int64, arguments), codegen
