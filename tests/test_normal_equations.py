"""Normal equations: their sums, pooling of thin classes, and what they refuse."""

import itertools

import numpy as np
import pytest

from raisr import HashSpec, hash_image, normal_equations
from raisr.normal_equations import NormalEquations
from tests.images import random_bytes
from tests.reference import least_squares
from tests.reference.classes import join, split

INDEX = ("orientation", "strength", "coherence")
FEW = HashSpec(orientations=4, strength_edges=(0.1,), coherence_edges=(0.2,), window=5)


def _symmetric(upper):
    return np.triu(upper) + np.swapaxes(np.triu(upper, 1), 1, 2)


@pytest.mark.parametrize("counts", [(8, 3, 3), (4, 1, 2), (6, 2, 1), (1, 2, 3)])
def test_symmetrised_equations_are_those_of_the_eight_views(counts):
    spec = HashSpec(
        orientations=counts[0],
        strength_edges=np.arange(1, counts[1]),
        coherence_edges=np.arange(1, counts[2]) / 10,
        index_order=("coherence", "orientation", "strength"),
    )
    rng = np.random.default_rng(0)
    planes = list(rng.integers(0, 256, (2, 20, 24)).astype(np.float32))
    target = rng.integers(0, 256, (20, 24)).astype(np.float32)
    classes = rng.integers(0, spec.num_classes, (20, 24)).astype(np.uint16)
    # Reflected margins turn with the image.
    once, augmented = NormalEquations(spec, 2, 3), NormalEquations(spec, 2, 3)
    once.add(planes, target, classes)
    views = zip(*(least_squares.eight_views(a) for a in (*planes, target, classes)), strict=True)
    for index, (first, second, turned_target, turned_classes) in enumerate(views):
        orientation, strength, coherence = split(turned_classes, spec)
        orientation = (orientation + index * (counts[0] // 2)) % counts[0]
        if index >= 4:
            orientation = counts[0] - 1 - orientation
        moved = join((orientation, strength, coherence), spec).astype(np.uint16)
        augmented.add([first, second], turned_target, moved)
    np.testing.assert_array_equal(once.symmetrised().totals, _symmetric(augmented.totals))


def thin_equations(counts, size=3):
    """Equations of noise whose class c has counts[c] samples, and those samples."""
    spec = HashSpec(orientations=2, strength_edges=(0.1, 0.2), coherence_edges=(0.2, 0.4))
    classes = np.repeat(np.arange(spec.num_classes), counts)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, classes.size)).astype(np.float32)
    target = image / 2 + classes + rng.normal(0, 9, image.shape).astype(np.float32)
    classes = rng.permutation(classes).astype(np.uint16)[np.newaxis]
    equations = NormalEquations(spec, 1, size)
    equations.add([image], target.astype(np.float32), classes)
    return equations, image, target, classes


@pytest.mark.parametrize(
    ("filled", "pool"),
    [
        # The thin class is 9 + 3 + 1: orientation 1, strength 1, coherence 1.
        ({14: 80}, [9, 10, 11, 12, 13, 14, 15, 16, 17]),  # one step away
        ({4: 80, 14: 10}, list(range(18))),  # same orientation has too few: all orientations
    ],
)
def test_thin_classes_learn_from_pooled_neighbours(filled, pool):
    counts = [filled.get(c, 2 if c == 13 else 0) for c in range(18)]
    equations, image, target, classes = thin_equations(counts)
    filters, bias, thin = equations.solve(ridge=1e-9, min_samples=60)
    assert thin[13]
    assert thin.sum() == 18 - sum(n >= 60 for n in counts)
    pooled = np.where(np.isin(classes, pool), 13, 0)
    expected, offset = least_squares.solve([([image], target, pooled)], 18, 3)
    probe = np.random.default_rng(1).uniform(0, 255, (1, 1, 50))[0]
    taps = least_squares.patches([probe], 3)
    np.testing.assert_allclose(
        taps @ filters[13].ravel() + bias[13], taps @ expected[13].ravel() + offset[13], atol=0.05
    )


def test_pooling_takes_the_nearest_ring_that_suffices():
    # Class 9 is (1, 0, 0); class 13 is one step away, class 17 two.
    equations, *_ = thin_equations([70 if c in (13, 17) else 0 for c in range(18)])
    near, far = equations.solve(min_samples=60)[0], equations.solve(min_samples=100)[0]
    np.testing.assert_array_equal(near[9], near[13])
    assert not np.array_equal(near[13], near[17])
    np.testing.assert_array_equal(far[9], far[17])
    assert not np.array_equal(far[9], near[9])


def test_pooling_takes_the_nearest_ring_from_the_last_class_too():
    # Class 17 is (1, 2, 2); class 13 is one step away, class 9 two.
    equations, *_ = thin_equations([70 if c in (9, 13) else 0 for c in range(18)])
    near, far = equations.solve(min_samples=60)[0], equations.solve(min_samples=100)[0]
    np.testing.assert_array_equal(near[17], near[13])
    np.testing.assert_array_equal(far[17], far[9])
    assert not np.array_equal(far[17], near[17])


def test_faint_images_teach_as_strong_ones_do():
    image = 128 + 0.01 * np.random.default_rng(0).standard_normal((40, 50), np.float32)
    classes = np.zeros(image.shape, np.uint16)
    equations = NormalEquations(FEW, 1, 3)
    equations.add([image], image / 2, classes)
    filters, bias, _ = equations.solve(ridge=0)
    expected = np.zeros((3, 3))
    expected[1, 1] = 0.5
    np.testing.assert_allclose(filters[0, 0], expected, atol=0.01)
    assert bias[0] == pytest.approx(0, abs=0.5)


def test_without_any_sample_the_filter_is_the_identity_on_the_last_plane():
    filters, bias, thin = NormalEquations(FEW, 2, 3).solve()
    assert thin.all()
    assert not bias.any()
    expected = np.zeros((2, 3, 3))
    expected[1, 1, 1] = 1
    np.testing.assert_array_equal(filters, np.broadcast_to(expected, filters.shape))


EQUATIONS = {
    "class too large": ({"classes": np.full((6, 7), 16)}, "classes must be 0 to 15, got 16 to 16"),
    "class negative": ({"classes": np.full((6, 7), -1)}, "classes must be 0 to 15, got -1 to -1"),
    "classes of floats": ({"classes": np.zeros((6, 7))}, "classes must be integers, got float64"),
    "classes too small": (
        {"classes": np.zeros((5, 7), np.uint16)},
        r"classes must have the target's shape \(6, 7\), got \(5, 7\)",
    ),
    "classes flat": ({"classes": np.zeros(42, np.uint16)}, r"classes must have shape \(H, W\)"),
    "plane too small": ({"planes": [np.zeros((6, 6))]}, r"planes must have the target's shape"),
    "target too large": ({"target": np.zeros((600, 700))}, "planes must have the target's shape"),
    "too many planes": ({"planes": [np.zeros((6, 7))] * 2}, r"planes must be 1 image\(s\), got 2"),
    "no plane": ({"planes": []}, r"planes must be 1 image\(s\), got 0"),
    "plane of whole numbers": ({"planes": [np.zeros((6, 7), int)]}, "plane must be uint8, uint16"),
    "plane with NaN": ({"planes": [np.full((6, 7), np.nan)]}, r"plane is not finite at \(0, 0\)"),
    "target with NaN": ({"target": np.full((6, 7), np.inf)}, r"target is not finite at \(0, 0\)"),
    "no threads": ({"num_threads": 0}, "num_threads must be a positive whole number"),
}


@pytest.mark.parametrize(("change", "message"), EQUATIONS.values(), ids=EQUATIONS)
def test_equations_refuse_what_would_write_elsewhere(change, message):
    image = np.zeros((6, 7), np.float32)
    right = {"planes": [image], "target": image, "classes": np.zeros((6, 7), np.uint16)}
    with pytest.raises((TypeError, ValueError), match=message):
        NormalEquations(FEW, 1, 3).add(**right | change)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: np.repeat(a, 2, 1)[:, ::2]])
def test_equations_take_arrays_of_any_type_and_layout(layout):
    image, target = random_bytes((40, 50)), random_bytes((40, 50), seed=1)
    classes = hash_image(image)
    expected = NormalEquations("csconv", 1, 3)
    expected.add([image.astype(np.float32)], target.astype(np.float32), classes.astype(np.uint16))
    for dtype in (np.uint8, np.int64, np.int16):
        found = NormalEquations("csconv", np.int64(1), np.int64(3))
        found.add([layout(image)], layout(target.astype(float)), layout(classes.astype(dtype)))
        np.testing.assert_array_equal(found.totals, expected.totals)


def test_equations_refuse_sums_of_another_shape():
    equations = NormalEquations(FEW, 1, 3)
    equations.totals = np.zeros((16, 3, 3))
    image = np.zeros((6, 7), np.float32)
    with pytest.raises(ValueError, match=r"totals must be \(classes, 11, 11\) float64"):
        equations.add([image], image, np.zeros((6, 7), np.uint16))
    equations.totals = np.zeros((8, 11, 11))
    with pytest.raises(ValueError, match=r"totals must be"):
        equations.add([image], image, np.full((6, 7), 15, np.uint16))


@pytest.mark.parametrize("planes", [0, -1, 1.0, True])
def test_the_number_of_planes_is_positive(planes):
    with pytest.raises(ValueError, match=f"planes must be a positive whole number, got {planes}"):
        NormalEquations(FEW, planes, 3)


def test_only_equations_of_one_kind_merge():
    with pytest.raises(TypeError, match="other must be NormalEquations, got int"):
        NormalEquations(FEW, 1, 3).merge(1)
    with pytest.raises(ValueError, match="only equations of the same spec, planes and size"):
        NormalEquations(FEW, 1, 3).merge(NormalEquations(FEW, 1, 5))


@pytest.mark.parametrize("ridge", [-1e-9, np.nan])
def test_ridge_must_not_be_negative(ridge):
    with pytest.raises(ValueError, match=f"ridge must not be negative, got {ridge}"):
        NormalEquations(FEW, 1, 3).solve(ridge=ridge)


def random_equations(spec, counts, size=3, planes=1):
    """Equations whose class c has counts[c] samples, drawn at random."""
    equations = NormalEquations(spec, planes, size)
    rng = np.random.default_rng(1)
    for total, count in zip(equations.totals, counts, strict=True):
        samples = rng.normal(0, 20, (count, len(total)))
        samples[:, -2] = 1
        total[:] = np.triu(samples.T @ samples)
    return equations


@pytest.mark.parametrize("order", list(itertools.permutations(INDEX)))
@pytest.mark.parametrize("at_least", [60, 300, 900, 10**6])
def test_pooling_is_that_of_its_rule(order, at_least):
    """The same orientation within 1, 2, ... steps, then every orientation; last, all classes."""
    spec = HashSpec(
        orientations=2,
        strength_edges=(0.1, 0.2),
        coherence_edges=(0.2, 0.4, 0.6, 0.8),
        index_order=order,
    )
    counts = np.random.default_rng(0).integers(0, 50, spec.num_classes)
    equations = random_equations(spec, counts)
    every = np.arange(spec.num_classes)
    o, s, m = split(every, spec)

    def rings(c):
        for same in (o == o[c], o >= 0):
            for radius in range(1, 5):
                yield same & (np.abs(s - s[c]) <= radius) & (np.abs(m - m[c]) <= radius)
        yield every >= 0

    pooled = NormalEquations(spec, 1, 3)
    for c in every:
        enough = (ring for ring in rings(c) if counts[ring].sum() >= at_least)
        pool = next(enough, every >= 0) if counts[c] < at_least else every == c
        pooled.totals[c] = equations.totals[pool].sum(axis=0)
    filters, bias, thin = equations.solve(min_samples=at_least)
    wanted = pooled.solve(min_samples=0)
    np.testing.assert_allclose(filters, wanted[0], atol=1e-5)
    np.testing.assert_allclose(bias, wanted[1], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(thin, counts < at_least)


def test_as_many_samples_as_asked_for_suffice():
    spec = HashSpec(orientations=1, strength_edges=(0.1, 0.2), coherence_edges=())
    equations = random_equations(spec, [50, 20, 30])
    assert equations.solve(min_samples=50)[2].tolist() == [False, True, True]
    alone = random_equations(spec, [50, 20, 30])
    alone.totals[2] += alone.totals[1]
    filters = equations.solve(min_samples=50)[0]
    np.testing.assert_allclose(filters[2], alone.solve(min_samples=50)[0][2], atol=1e-6)


@pytest.mark.parametrize("spread", [1e-3, 10.0])
@pytest.mark.parametrize("ridge", [None, 1e-6, 0.3])
def test_the_ridge_is_a_share_of_the_mean_eigenvalue(ridge, spread):
    spec = HashSpec(orientations=1, strength_edges=(), coherence_edges=())
    equations = NormalEquations(spec, 1, 3)
    samples = np.random.default_rng(2).normal(0, spread, (50, equations.taps + 2))
    samples[:, equations.taps] = 1
    equations.totals[0] = np.triu(samples.T @ samples)
    taps, target = samples[:, :9] - samples[:, :9].mean(0), samples[:, 10] - samples[:, 10].mean()
    covariance = taps.T @ taps
    share = (1e-6 if ridge is None else ridge) * np.trace(covariance) / 9
    wanted = np.linalg.solve(covariance + share * np.eye(9), taps.T @ target)
    filters = equations.solve(**({} if ridge is None else {"ridge": ridge}))[0]
    np.testing.assert_allclose(filters.ravel(), wanted, atol=1e-6)


def test_strips_and_threads_give_the_same_sums(monkeypatch):
    spec = HashSpec(orientations=2, strength_edges=(), coherence_edges=())
    rng = np.random.default_rng(3)
    planes = list(rng.integers(0, 256, (2, 37, 23)).astype(np.float32))
    target = rng.integers(0, 256, (37, 23)).astype(np.float32)
    classes = rng.integers(0, 2, (37, 23)).astype(np.uint16)
    whole = NormalEquations(spec, 2, 5)
    whole.add(planes, target, classes)
    monkeypatch.setattr(normal_equations, "_STRIP_PIXELS", 300)  # 13, 13 and 11 rows
    for threads in (1, 2, 3):
        parts = NormalEquations(spec, 2, 5)
        parts.add(planes, target, classes, threads)
        np.testing.assert_array_equal(parts.totals, whole.totals)  # of whole numbers


def test_squared_error_of_filters_that_are_exact():
    image = random_bytes((20, 30)).astype(np.float32)
    equations = NormalEquations(FEW, 1, 3)
    equations.add([image], image, np.zeros((20, 30), np.uint16))
    filters, bias = np.zeros((FEW.num_classes, 1, 3, 3)), np.zeros(FEW.num_classes)
    filters[:, 0, 1, 1] = 1
    assert equations.squared_error(filters, bias) == pytest.approx(0, abs=1e-3)
    assert equations.squared_error(filters, bias + 2) == pytest.approx(4 * 600, rel=1e-6)


def test_values_beyond_white_are_summed_without_a_word():
    beyond = 50 * random_bytes((20, 30)).astype(np.float32)  # a warning would be an error
    NormalEquations(FEW, 1, 3).add([beyond], beyond, np.zeros((20, 30), np.uint16))


def test_sizes_and_defaults():
    equations = NormalEquations(FEW)
    assert (equations.size, equations.planes) == (7, 1)
    assert normal_equations.check_size(15) == 15
    assert normal_equations.check_size(1) == 1
    assert normal_equations.check_min_samples(0) == 0
    for size in (17, -1, 0):
        with pytest.raises(ValueError, match="size must be odd, from 1 to 15"):
            normal_equations.check_size(size)


@pytest.mark.parametrize(("planes", "size"), [(1, 1), (2, 5), (1, 7)])
def test_an_empty_class_passes_on_the_middle_of_the_last_plane(planes, size):
    filters, bias, _ = NormalEquations(FEW, planes, size).solve()
    wanted = np.zeros((planes, size, size))
    wanted[-1, size // 2, size // 2] = 1
    np.testing.assert_array_equal(filters, np.broadcast_to(wanted, filters.shape))
    assert not bias.any()
