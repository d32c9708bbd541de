"""Which micro-kernels run: vector code, or plain Numba where that is not known to compile."""

import os
import platform

__all__ = [
    "VECTOR",
    "class_row",
    "copy_patch",
    "filter_block",
    "join_bytes",
    "phase_block",
    "prefetch",
    "product_row",
    "profile_row",
    "rank_update",
    "split_bytes",
    "tensor_row",
]

_KNOWN = ("x86_64", "amd64", "aarch64", "arm64")

# RAISR_VECTOR=0 switches vector code off.
VECTOR = os.environ.get("RAISR_VECTOR") != "0" and platform.machine().lower() in _KNOWN

if VECTOR:
    from raisr._simd_bytes import join_bytes, split_bytes
    from raisr._simd_hash import class_row, product_row, tensor_row
    from raisr._simd_phases import phase_block
    from raisr._simd_profile import profile_row
    from raisr.simd import copy_patch, filter_block, prefetch, rank_update
else:
    from raisr.kernels.plain import (
        class_row,
        copy_patch,
        filter_block,
        join_bytes,
        phase_block,
        prefetch,
        product_row,
        profile_row,
        rank_update,
        split_bytes,
        tensor_row,
    )
