"""Every micro-kernel, in vector code and in plain Numba, against NumPy.

Whole numbers make sums exact in any order.
"""

import numpy as np
import pytest
from numba import njit

from raisr import HashSpec, _simd_hash, simd
from raisr._simd_hash import LANES
from raisr.kernels import plain
from raisr.simd import lanes_for, token

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
    for module in (simd, _simd_hash)
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


def products(image):
    """Products rr, rc, cc of the doubled central differences; rows and columns lose their ends."""
    r, c = image[2:, 1:-1] - image[:-2, 1:-1], image[1:-1, 2:] - image[1:-1, :-2]
    return np.array([r * r, r * c, c * c])


HALVES = [0, 1, 8, 9]


@pytest.mark.parametrize("half", HALVES)
def test_product_row(code, half):
    count = 2
    image, taps = whole_numbers(3, 100), whole_numbers(half + 1, seed=1)
    out = np.full((3, LANES * count + 4), -99, np.float32)
    code["product_row"](
        token(half),
        *(address(row[5:]) for row in image),
        address(taps),
        address(out),
        out.strides[0],
        count,
    )
    weights = np.concatenate([taps, taps[:-1][::-1]])
    found = products(image[:, 5:])[:, 0]
    expected = sum(w * found[:, t : t + LANES * count] for t, w in enumerate(weights))
    np.testing.assert_array_equal(out[:, : LANES * count], expected)
    assert (out[:, LANES * count :] == -99).all()


@pytest.mark.parametrize("half", HALVES)
def test_tensor_row(code, half):
    count, k = 2, 2 * half + 1
    ring, taps = whole_numbers(k, 3, LANES * count), whole_numbers(half + 1, seed=1)
    out = np.full((3, LANES * count + 4), -99, np.float32)
    first = k // 3
    code["tensor_row"](
        token(half),
        address(ring),
        first,
        ring.strides[0],
        ring.strides[1],
        address(taps),
        address(out),
        out.strides[0],
        count,
    )
    weights = np.concatenate([taps, taps[:-1][::-1]])
    expected = np.tensordot(weights, np.roll(ring, -first, axis=0), 1)
    np.testing.assert_array_equal(out[:, : LANES * count], expected)
    assert (out[:, LANES * count :] == -99).all()


def test_prefetch_takes_any_address(code):
    for place in (0, -4096, address(whole_numbers(9))):
        code["prefetch"](place, 1000)
        code["prefetch"](place, 0)


@pytest.mark.parametrize("orientations", [1, 2, 6, 8, 24])
def test_class_row(code, orientations):
    spec = HashSpec(orientations=orientations, strength_edges=(0.01, 0.03), coherence_edges=(0.3,))
    directions, strengths, coherences, strides = spec.kernel_edges
    count, half = 2, 1
    rng = np.random.default_rng(0)
    r, c = rng.normal(0, 40, (2, 30, LANES * count))
    ring = rng.normal(0, 10, (3, 3, LANES * count)).astype(np.float32)
    ring[0] = np.array([(r * r).sum(0), (r * c).sum(0), (c * c).sum(0)])
    out = np.full(LANES * count + 1, 9999, np.uint16)
    taps = np.array([0, 1], np.float32)  # the middle row of three, which comes first in the ring
    code["class_row"](
        token(half),
        address(ring),
        2,
        ring.strides[0],
        ring.strides[1],
        address(taps),
        tuple(address(edges) for edges in (directions, strengths, coherences)),
        (len(directions), len(strengths), len(coherences)),
        tuple(int(step) for step in strides),
        address(out),
        count,
    )
    np.testing.assert_array_equal(out, [*expected_classes(ring[0], spec), 9999])


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
