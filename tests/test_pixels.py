"""Rows of any image, as gray levels and back, against NumPy."""

import numpy as np
import pytest

from raisr.kernels.pixels import read_row, write_row
from raisr.validate import GrayImage, restore, sink_of

DTYPES = [np.dtype(name) for name in "BHefd"]
VIEWS = {
    "contiguous": np.array,
    "strided": lambda array: np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "Fortran": np.asfortranarray,
}
each_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


@each_view
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 40), (3, 300)], ids=str)
def test_read_row_mirrors_and_scales(shape, dtype, view):
    image = view((np.random.default_rng(0).random(shape) * 200).astype(dtype))
    margin, factor = 7, 0.37
    padded = np.pad(image, margin, mode="reflect").astype(np.float32) * np.float32(factor)
    source = GrayImage(image, factor).source
    for y in range(-margin, shape[0] + margin):
        for x0, n in ((-margin, shape[1] + 2 * margin), (-3, 4), (shape[1] - 1, 5), (0, 0)):
            out = np.full(n + 1, -99, np.float32)
            read_row(source, y, x0, n, out.ctypes.data)
            expected = padded[y + margin, x0 + margin : x0 + margin + n]
            np.testing.assert_array_equal(out, [*expected, -99])


def test_every_half_precision_number_is_read():
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(1, -1)
    out = np.empty(halves.size, np.float32)
    read_row(GrayImage(halves).source, 0, 0, halves.size, out.ctypes.data)
    np.testing.assert_array_equal(out.view(np.uint32), halves.astype(np.float32)[0].view(np.uint32))


@each_view
@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != np.float16], ids=str)
@pytest.mark.parametrize("white", [None, 255, 200])
def test_write_row_rounds_and_clips(dtype, view, white):
    levels = np.random.default_rng(0).normal(128, 200, 50).astype(np.float32)
    levels[:20] = np.arange(20) / 2
    out = view(np.zeros((3, 60), dtype))
    expected = out.copy()
    expected[1, 5:55] = restore(levels.copy(), dtype, white)
    write_row(levels.ctypes.data, 50, sink_of(out, white), 1, 5)
    np.testing.assert_array_equal(out, expected)
