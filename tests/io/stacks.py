"""A stack of noisy planes, as a zarr."""

import numpy as np
import zarr

from tests.images import random_bytes

STACK = np.stack([random_bytes((150, 131), seed=k) for k in range(3)])


def write_zarr(path, array, chunks=None, **options):
    zarr.create_array(path, data=array, chunks=chunks or "auto", **options)
    return path
