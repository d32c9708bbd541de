"""Every micro-kernel, in vector code and in plain Numba, against NumPy.

Whole numbers make sums exact in any order.
"""

import numpy as np
import pytest
from numba import njit

from raisr import HashSpec, _simd_bytes, _simd_hash, _simd_phases, _simd_profile, simd
from raisr._simd_bytes import GROUP
from raisr._simd_hash import LANES
from raisr._simd_phases import PIXELS
from raisr.kernels import plain
from raisr.phases import pack
from raisr.profiles import ProfileSpec
from raisr.simd import lanes_for, token

LAYOUTS = [(size, lanes_for(size)) for size in range(1, 16, 2)]


def compiled(micro_kernel):
    """A function of the interpreter that runs a micro-kernel."""

    @njit(no_cfunc_wrapper=True)  # as kernels have none: it takes time to compile
    def run(*arguments):
        micro_kernel(*arguments)

    return run


VECTOR = {
    name: compiled(getattr(module, name))
    for module in (simd, _simd_bytes, _simd_hash, _simd_phases, _simd_profile)
    for name in plain.__all__
    if hasattr(module, name)
}
PLAIN = {name: compiled(getattr(plain, name)) for name in plain.__all__}


@pytest.fixture(params=[VECTOR, PLAIN], ids=["vector", "plain"])
def code(request):
    return request.param


def fitting(names, layouts, enough):
    """Sizes for which vector code is written, each by itself, and those that do for one loop."""
    marks = [(VECTOR, *layout) for layout in layouts] + [(PLAIN, *layout) for layout in enough]
    codes = {id(VECTOR): "vector", id(PLAIN): "plain"}
    ids = ["-".join([codes[id(code)], *map(str, layout)]) for code, *layout in marks]
    return pytest.mark.parametrize(f"code, {names}", marks, ids=ids)


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


FEW_LAYOUTS = [(1, 8), (7, 8), (9, 16), (15, 16)]


@fitting(
    "size, lanes, planes",
    [*((*layout, 1) for layout in LAYOUTS), *((*layout, 2) for layout in FEW_LAYOUTS)],
    [(1, 8, 2), (7, 8, 1), (9, 16, 2), (15, 16, 1)],
)
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


BLOCKS = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (3, 1), (5, 1)]
WINDOWS = [(1, 2, 1), (7, 1, 1), (8, 2, 2), (2, 1, 2), (9, 1, 3)]
FEW_PHASES = [
    (1, 0, 8, 2, 2),
    (2, 0, 7, 1, 1),
    (2, 0, 9, 1, 3),
    (3, 0, 2, 1, 2),
    (3, 1, 8, 2, 2),
    (5, 0, 1, 2, 1),
    (5, 1, 7, 1, 1),
]


@fitting(
    "side, lines, size, planes, stride",
    [(*block, *WINDOWS[(i + j) % 5]) for i, block in enumerate(BLOCKS) for j in (0, 2)],
    FEW_PHASES,
)
def test_phase_block(code, size, planes, stride, side, lines):
    image = whole_numbers(planes, size + 3, 60)
    filters = whole_numbers(5, side, side, planes, size, size, seed=1)
    middle = slice((size - 1) // 2, size // 2 + 1)
    filters[:, :, :, -1, middle, middle] = 1 + 1 / 4096  # rounded to 1; the rest is added apart
    packed = pack(filters)
    classes = np.arange(7, 7 + PIXELS, dtype=np.uint16) * 3 % 5
    out = np.full((side * side if lines else side, side * PIXELS + 2), -1, np.float32)
    code["phase_block"](
        *(token(n) for n in (size, planes, side, lines, stride)),
        address(image[0, 2:, 3:]),
        image.strides[1],
        image.strides[0],
        address(classes),
        address(packed),
        address(out[0, 1:]),
        out.strides[0],
    )
    blocks = np.array(
        [
            np.einsum("rcpij,pij->rc", filters[c], image[:, 2 : 2 + size, x : x + size])
            for c, x in zip(classes, range(3, 60, stride), strict=False)
        ]
    )
    wanted = np.full_like(out, -1)
    if lines:
        wanted[:, 1 : 1 + PIXELS] = blocks.reshape(PIXELS, -1).T
    else:
        wanted[:, 1:-1] = blocks.transpose(1, 0, 2).reshape(side, -1)
    np.testing.assert_array_equal(out, wanted)


def profile_classes(spec, tensor, pixels):
    """Classes of a row, in float64, by the angle."""
    (vv, uv, uu), (above, here, below) = tensor, pixels
    around = [np.stack([row[i : i + vv.size] for i in range(3)]) for row in (above, here, below)]
    (nw, n, ne), (w, middle, e), (sw, s, se) = around
    du, dv = (e - w) / 2, (s - n) / 2
    duu, dvv, duv = w + e - 2 * middle, n + s - 2 * middle, (se - sw - ne + nw) / 4
    spread = np.hypot(uu - vv, 2 * uv)
    largest = (uu + vv + spread) / 2
    turn = np.arctan2(2 * uv, uu - vv) / 2
    c, d = np.cos(turn), np.sin(turn)
    slope, bend = c * du + d * dv, c * c * duu + 2 * c * d * duv + d * d * dvv
    turn = np.where((slope < 0) != (bend < 0), turn + np.pi, turn)
    classes = np.round(turn / (2 * np.pi) * spec.directions).astype(int) % spec.directions
    measures = largest, spread / (uu + vv), bend**2 / largest, slope**2 / largest
    names = "strength", "anisotropy", "position", "focus"
    for values, name in zip(measures, names, strict=True):
        edges = getattr(spec, f"{name}_edges")
        classes = classes * (len(edges) + 1) + np.searchsorted(edges, values, "right")
    return classes


@pytest.mark.parametrize("directions", [8, 24])
def test_profile_row(code, directions):
    rng, count = np.random.default_rng(0), 4
    spec = ProfileSpec(directions, strength_edges=(50.0, 400.0, 900.0))
    slopes = rng.normal(0, 20, (2, 3, LANES * count))
    vv, uv, uu = (np.mean(slopes[a] * slopes[b], axis=0) for a, b in ((0, 0), (0, 1), (1, 1)))
    tensor = np.array([vv, uv, uu], np.float32)
    pixels = rng.integers(0, 256, (3, LANES * count + 2)).astype(np.float32)
    edges, counts = spec.cuts
    out = np.full(LANES * count + 2, 999, np.uint16)
    code["profile_row"](
        address(tensor),
        tensor.strides[0],
        address(pixels),
        pixels.strides[0],
        np.float32(0.5),
        address(edges),
        counts,
        address(out[1:]),
        count,
    )
    wanted = profile_classes(spec, tensor / 2.0, pixels.astype(np.float64))
    np.testing.assert_array_equal(out, [999, *wanted, 999])
    assert len(set(wanted)) > 30


def test_a_flat_row_has_the_first_class(code):
    spec, flat = ProfileSpec(), np.full((3, LANES + 2), 7, np.float32)
    edges, counts = spec.cuts
    out, tensor = np.full(LANES, 999, np.uint16), np.zeros((3, LANES), np.float32)
    code["profile_row"](
        address(tensor),
        tensor.strides[0],
        address(flat),
        flat.strides[0],
        np.float32(1),
        address(edges),
        counts,
        address(out),
        1,
    )
    assert (out == 0).all()


@fitting("size, lanes", LAYOUTS, FEW_LAYOUTS)
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


HALVES, FEW_HALVES = [(0,), (1,), (8,), (9,)], [(0,), (9,)]


@fitting("half", HALVES, FEW_HALVES)
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


@fitting("half", HALVES, FEW_HALVES)
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


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_every_third_byte_is_read(code, count, first):
    pixels = np.random.default_rng(count).integers(0, 256, 3 * GROUP * count + 4, np.uint8)
    out = np.full(GROUP * count + 1, -1, np.float32)
    code["split_bytes"](address(pixels) + first, np.float32(0.37), address(out), count)
    wanted = pixels[first::3][: GROUP * count].astype(np.float32) * np.float32(0.37)
    np.testing.assert_array_equal(out, [*wanted, -1])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_three_channels_are_written_as_bytes(code, count):
    """Halves to even, and clipped."""
    rng = np.random.default_rng(count)
    levels = np.float32(0.5) * rng.integers(-40, 600, (3, GROUP * count)).astype(np.float32)
    out = np.full(3 * GROUP * count + 1, 77, np.uint8)
    places = [address(channel) for channel in levels]
    code["join_bytes"](*places, np.float32(1), address(out), count)
    np.testing.assert_array_equal(out, [*np.rint(levels).clip(0, 255).T.ravel(), 77])
