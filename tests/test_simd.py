"""Every micro-kernel, in vector code and in plain Numba, against NumPy.

Whole numbers make sums exact in any order.
"""

import numpy as np
import pytest
from numba import njit

from raisr import HashSpec, _simd, _simd_hash
from raisr._kernels import plain
from raisr._simd import SUM_BLOCK, lanes_for, token
from raisr._simd_hash import LANES

SIZES = range(1, 16, 2)
LAYOUTS = [(size, lanes) for size in SIZES for lanes in (8, 16) if lanes >= size]


def compiled(micro_kernel):
    """A function of the interpreter that runs a micro-kernel."""

    @njit
    def run(*arguments):
        micro_kernel(*arguments)

    return run


VECTOR = {
    name: compiled(getattr(module, name))
    for module in (_simd, _simd_hash)
    for name in plain.__all__
    if hasattr(module, name)
}
PLAIN = {name: compiled(getattr(plain, name)) for name in plain.__all__}


@pytest.fixture(params=[VECTOR, PLAIN], ids=["vector", "plain"])
def code(request):
    return request.param


def test_there_is_plain_code_for_all_vector_code():
    assert set(VECTOR) == set(PLAIN)


def address(array):
    return array.ctypes.data


def whole_numbers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float32)


@pytest.mark.parametrize("size", range(1, 16))
def test_a_filter_row_fits_the_lanes(size):
    assert lanes_for(size) in (8, 16)
    assert lanes_for(size) >= size


@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize(("size", "lanes"), LAYOUTS)
def test_filter_block(code, size, lanes, planes):
    num_classes = 5
    image = whole_numbers(planes, size + 3, 40)
    filters = np.zeros((num_classes, 1 + planes * size, lanes), np.float32)
    filters[:, 0, 0] = 100 * np.arange(num_classes)
    filters[:, 1:, :size] = whole_numbers(num_classes, planes * size, size, seed=1)
    classes = np.arange(7, 7 + lanes, dtype=np.uint16) * 3 % num_classes
    out = np.full(lanes + 2, -1, np.float32)
    code["filter_block"](
        *(token(n) for n in (size, planes, lanes)),
        address(image[0, 2:, 3:]),
        image.strides[1],
        image.strides[0],
        address(classes),
        address(filters),
        address(out[1:]),
    )
    expected = [
        filters[c, 0, 0]
        + (
            filters[c, 1:, :size].reshape(planes, size, size)
            * image[:, 2 : 2 + size, 3 + i : 3 + i + size]
        ).sum()
        for i, c in enumerate(classes)
    ]
    np.testing.assert_array_equal(out, [-1, *expected, -1])


@pytest.mark.parametrize(("size", "lanes"), LAYOUTS)
def test_copy_patch(code, size, lanes):
    image = whole_numbers(size + 2, 40)
    out = np.full(size * size + lanes, -99, np.float32)
    code["copy_patch"](
        token(size), token(lanes), address(image[2:, 5:]), image.strides[0], address(out)
    )
    np.testing.assert_array_equal(out[: size * size], image[2:, 5 : 5 + size].ravel())
    assert (out[size * size + lanes - size :] == -99).all()


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize(("rows", "vectors"), [(1, 1), (8, 1), (8, 2), (3, 2)])
def test_rank_update(code, rows, vectors, count):
    columns = 16 * vectors
    samples = whole_numbers(7, 48)
    before = whole_numbers(rows, 40, seed=1)
    after = before.copy()
    code["rank_update"](
        token(rows),
        token(vectors),
        address(samples[:, 4:]),
        address(samples[:, 12:]),
        samples.strides[0],
        count,
        address(after),
        after.strides[0],
    )
    product = samples[:count, 4 : 4 + rows].T @ samples[:count, 12 : 12 + columns]
    np.testing.assert_array_equal(after[:, :columns], before[:, :columns] + product)
    np.testing.assert_array_equal(after[:, columns:], before[:, columns:])


@pytest.mark.parametrize("taps", [1, 3, 9, 31])
@pytest.mark.parametrize("step", [1, 200])
def test_symmetric_sum(code, taps, step):
    source = whole_numbers(SUM_BLOCK + taps * step + 5)
    half = whole_numbers(taps // 2 + 1, seed=1)
    out, again = np.full((2, SUM_BLOCK + 2), -99, np.float32)
    code["symmetric_sum"](
        address(source[3:]), 4 * step, address(half), taps // 2, address(out[1:]), address(again)
    )
    weights = np.concatenate([half, half[:-1][::-1]])
    expected = sum(weight * source[3 + t * step :][:SUM_BLOCK] for t, weight in enumerate(weights))
    np.testing.assert_array_equal(out, [-99, *expected, -99])
    np.testing.assert_array_equal(again[:SUM_BLOCK], expected)


def test_gradient_products(code):
    image = whole_numbers(3, 40)
    out = np.full((3, LANES + 4), -99, np.float32)
    code["gradient_products"](address(image[:, 5:]), image.strides[0], address(out), out.strides[0])
    r = (image[2] - image[0])[6 : 6 + LANES]
    c = image[1, 7 : 7 + LANES] - image[1, 5 : 5 + LANES]
    np.testing.assert_array_equal(out[:, :LANES], [r * r, r * c, c * c])
    assert (out[:, LANES:] == -99).all()


@pytest.mark.parametrize("orientations", [1, 2, 6, 8, 24])
def test_classify(code, orientations):
    spec = HashSpec(orientations=orientations, strength_edges=(0.01, 0.03), coherence_edges=(0.3,))
    directions, strengths, coherences, strides = spec.kernel_edges
    rng = np.random.default_rng(0)
    r, c = rng.normal(0, 40, (2, 30, LANES))
    tensor = np.array([(r * r).sum(0), (r * c).sum(0), (c * c).sum(0)], np.float32)
    out = np.full(LANES + 1, 9999, np.uint16)
    code["classify"](
        address(tensor),
        tensor.strides[0],
        tuple(address(edges) for edges in (directions, strengths, coherences)),
        (len(directions), len(strengths), len(coherences)),
        tuple(int(step) for step in strides),
        address(out),
    )
    np.testing.assert_array_equal(out, [*expected_classes(tensor, spec), 9999])


def expected_classes(tensor, spec):
    """Classes of sums of doubled gradients by eigenvalues, angles and searches."""
    a, b, c = tensor.astype(np.float64) * 2 * spec.norm * spec.scale**2
    small, large = np.linalg.eigvalsh(np.array([[a, b], [b, c]]).transpose(2, 0, 1)).T
    angle = np.arctan2(2 * b, a - c) / (2 * np.pi) % 1
    roots = np.sqrt(large), np.sqrt(small)
    bins = (
        np.floor(angle * spec.orientations),
        np.searchsorted(spec.strength_edges, roots[0], side="right"),
        np.searchsorted(
            spec.coherence_edges, (roots[0] - roots[1]) / (roots[0] + roots[1]), side="right"
        ),
    )
    return sum(int(step) * axis for step, axis in zip(spec.strides, bins, strict=True))
