"""Learning: the normal equations of all classes, against matrix products."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.linalg import blas

from benchmarks.case import Case, Contender, Goal, corner, matrix_product
from raisr import HashSpec, NormalEquations
from raisr.hashing import class_map
from raisr.validate import GrayImage

__all__ = ["learn_case"]

_SHARES = {7: 0.75, 9: 0.85, 11: 0.95}
_ROWS = 2**18


def learn_case(image: NDArray[np.float32], size: int) -> Case:
    """Accumulate ``A^T A`` and ``A^T b`` of 72 classes of an 8-bit image.

    The limit is half of a matrix product with the multiplications of ``[A b]^T [A b]``: a
    symmetric result needs one triangle. The peers get the matrix A of one class ready-made.
    """
    image = np.rint(image).clip(0, 255)
    spec = HashSpec.preset("csconv")
    classes = class_map(GrayImage(image), spec, 1)
    equations = NormalEquations(spec, 1, size)
    samples = _samples(corner(image, _ROWS), size)
    work = len(samples) / image.size
    columns = size * size + 1
    limit = "limit: half of an sgemm"
    return Case(
        f"learn {size}x{size}, 72 classes",
        image.size,
        {
            "raisr": Contender(lambda threads: equations.add([image], image, classes, threads)),
            "NumPy A.T @ A, one class": Contender(lambda _: samples.T @ samples, work),
            "SciPy ssyrk, one class": Contender(lambda _: blas.ssyrk(1.0, samples.T), work),
            limit: matrix_product(columns * (columns + 1) / 2 * image.size),
        },
        goals={limit: Goal(1 / _SHARES[size])},
        note="learn: the peers are given the matrix A of all patches (262,144 rows at most, "
        "scaled), raisr takes the image and sorts its pixels into classes",
    )


def _samples(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the patches of an image, a row each."""
    patches = sliding_window_view(np.pad(image, size // 2, mode="reflect"), (size, size))
    return np.ascontiguousarray(patches.reshape(image.size, -1))
