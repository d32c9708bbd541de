"""Normal equations: their sums, pooling of thin classes, and what they refuse."""

import numpy as np
import pytest

from raisr import HashSpec, hash_image
from raisr.normal_equations import NormalEquations
from tests.images import random_bytes
from tests.reference import least_squares
from tests.reference.classes import join, split

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
