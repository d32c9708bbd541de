"""Which micro-kernels run: vector code, or plain Numba where that is not known to compile."""

import os
import platform

__all__ = [
    "classify",
    "copy_patch",
    "filter_block",
    "gradient_products",
    "rank_update",
    "symmetric_sum",
]

_KNOWN = ("x86_64", "amd64", "aarch64", "arm64")

# RAISR_VECTOR=0 switches vector code off.
if os.environ.get("RAISR_VECTOR") != "0" and platform.machine().lower() in _KNOWN:
    from raisr._simd import copy_patch, filter_block, rank_update, symmetric_sum
    from raisr._simd_hash import classify, gradient_products
else:
    from raisr._kernels.plain import (
        classify,
        copy_patch,
        filter_block,
        gradient_products,
        rank_update,
        symmetric_sum,
    )
