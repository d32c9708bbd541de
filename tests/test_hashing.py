"""The class map against the oracles, the spec itself, and what it refuses."""

import dataclasses
import json

import numpy as np
import pytest

from raisr import HashSpec, hash_image
from raisr.hashing import PRESETS, check_classes, tensor_rows
from raisr.validate import as_image
from tests.images import noisy_scene, random_bytes, scene
from tests.reference.classes import class_map, exact_class_map, near_an_edge, split

CSCONV = HashSpec.preset("csconv")

y, x = np.mgrid[:24, :28]
EXACT_IMAGES = {
    "scene": scene((30, 36)),
    "noise": random_bytes((20, 30)),
    "two levels": random_bytes((20, 30), levels=2) * np.uint8(255),
    "four levels": random_bytes((20, 30), levels=4),
    "flat": np.full((12, 12), 77, np.uint8),
    "dot": np.where((y == 12) & (x == 12), 255, 0).astype(np.uint8),
    "ramp along rows": (8 * y).astype(np.uint8),
    "ramp along columns": (8 * x).astype(np.uint8),
    "diagonal ramps": (4 * np.where(x > 14, x + y, 51 + x - y)).astype(np.uint8),
    "plane of slope 2:1": np.where(y > 12, 2 * x + 4 * y, 100 + 4 * x - 2 * y).astype(np.uint8),
    "checkerboard": (255 * ((x // 2 + y // 2) % 2)).astype(np.uint8),
    "one pixel": np.array([[9]], np.uint8),
    "one row": random_bytes((1, 30)),
    "one column": random_bytes((30, 1)),
}
BOX_SPECS = {
    "csconv": CSCONV,
    "blade, box": dataclasses.replace(PRESETS["blade"], weighting="box"),
    "raisr, box": dataclasses.replace(PRESETS["raisr"], weighting="box"),
    "widest exact window": HashSpec(window=15, orientations=12),
    "odd bin numbers": HashSpec(
        window=3,
        orientations=6,
        strength_edges=(0.01, 0.03, 0.1, 0.3),
        coherence_edges=(0.1, 0.2, 0.5, 0.9),
        index_order=("coherence", "orientation", "strength"),
    ),
    "orientation only": HashSpec(orientations=2, strength_edges=(), coherence_edges=()),
    "no orientation": HashSpec(orientations=1, window=5),
}


@pytest.mark.parametrize("spec", BOX_SPECS.values(), ids=BOX_SPECS)
@pytest.mark.parametrize("image", EXACT_IMAGES.values(), ids=EXACT_IMAGES)
def test_8_bit_classes_are_exact_ties_included(image, spec):
    np.testing.assert_array_equal(hash_image(image, spec), exact_class_map(image, spec))


FLOAT_SPECS = PRESETS | {
    "presmoothed": dataclasses.replace(PRESETS["blade"], presmooth=0.2),
    "wide": HashSpec(window=31, orientations=10, strength_scale=2.5),
    "narrow": HashSpec(window=3, weighting="gaussian", gaussian_sigma=0.5, orientations=4),
    "strength first": HashSpec(index_order=("strength", "coherence", "orientation")),
    "finely cut": HashSpec(
        orientations=30,
        strength_edges=np.geomspace(0.01, 0.3, 13),
        coherence_edges=np.linspace(0.05, 0.9, 11),
    ),
}


@pytest.mark.parametrize("spec", FLOAT_SPECS.values(), ids=FLOAT_SPECS)
@pytest.mark.parametrize("image", [noisy_scene((60, 70)), noisy_scene((20, 300), seed=3)])
def test_float_classes_agree_away_from_edges(image, spec):
    certain = ~near_an_edge(image, spec, white=255)
    assert certain[1:-1, 1:-1].mean() > 0.98  # mirroring aligns gradients at the border
    found, expected = hash_image(image, spec, data_range=255), class_map(image, spec, white=255)
    np.testing.assert_array_equal(found[certain], expected[certain])


def test_an_edge_belongs_to_the_bin_above():
    # A ramp of one gray level a pixel has the gradient 1/255 exactly; coherence 1.
    ramp = np.tile(np.arange(40, dtype=np.uint8), (40, 1))
    at = HashSpec(strength_edges=(1 / 255,), coherence_edges=(1.0,), orientations=4)
    assert [int(b) for b in split(hash_image(ramp, at)[20, 20], at)] == [2, 1, 1]
    above = dataclasses.replace(at, strength_edges=(1.00001 / 255,))
    assert [int(b) for b in split(hash_image(ramp, above)[20, 20], above)] == [2, 0, 1]


@pytest.mark.parametrize("name", PRESETS)
def test_flat_pixels_are_class_0(name):
    assert not hash_image(np.full((9, 9), 200, np.uint8), name).any()


def test_video_range_and_full_range_agree_on_the_class():
    full = random_bytes((40, 40)) // 2
    video = 16 + full * (219 / 255)
    paper = HashSpec()  # statistics of Y / 255, without a factor
    certain = ~near_an_edge(full, CSCONV, white=255)
    np.testing.assert_array_equal(
        hash_image(video, paper, data_range=255)[certain], hash_image(full)[certain]
    )
    np.testing.assert_array_equal(
        hash_image(video, data_range=219)[certain], hash_image(full)[certain]
    )


def of_strength(bins):
    return HashSpec(
        orientations=1, strength_edges=tuple(range(1, bins)), coherence_edges=()
    )  # as many classes as bins


@pytest.mark.parametrize(("bins", "dtype"), [(256, np.uint8), (257, np.uint16)])
def test_dtype_holds_the_classes(bins, dtype):
    assert hash_image(random_bytes(), of_strength(bins)).dtype == dtype


def test_as_many_classes_as_two_bytes_hold():
    assert of_strength(65536).num_classes == 65536
    with pytest.raises(ValueError, match="at most 65536 classes, got 65537"):
        of_strength(65537)


def test_presets():
    shapes = {name: HashSpec.preset(name).shape for name in PRESETS}
    assert shapes == {"csconv": (8, 3, 3), "raisr": (24, 3, 3), "blade": (16, 5, 3)}
    assert CSCONV.strides == (9, 3, 1)
    edges = {name: (spec.strength_edges, spec.coherence_edges) for name, spec in PRESETS.items()}
    assert edges == {
        "csconv": (pytest.approx((0.0667, 0.1333), abs=1e-4), pytest.approx((1 / 3, 2 / 3))),
        "raisr": ((0.0001, 0.001), (0.25, 0.5)),
        "blade": (pytest.approx((0.0392, 0.0784, 0.1176, 0.1569), abs=1e-4), (0.2, 0.8)),
    }
    windows = {name: (spec.window, spec.gaussian_sigma) for name, spec in PRESETS.items()}
    assert windows == {"csconv": (9, 2.0), "raisr": (9, 2.0), "blade": (7, 1.5)}
    with pytest.raises(ValueError, match="no preset 'nope': choose from blade, csconv, raisr"):
        HashSpec.preset("nope")
    with pytest.raises(ValueError, match="no preset 'nope'"):
        hash_image(random_bytes(), "nope")
    with pytest.raises(TypeError, match="spec must be a HashSpec or the name of a preset, got int"):
        hash_image(random_bytes(), 8)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("window", 8, "window must be odd, from 3 to 31, got 8"),
        ("window", 33, "window must be odd, from 3 to 31, got 33"),
        ("window", 9.0, "window must be a whole number, got 9.0"),
        ("window", True, "window must be a whole number, got True"),
        ("orientations", True, "orientations must be a whole number, got True"),
        ("orientations", "8", "orientations must be a whole number, got '8'"),
        ("strength_scale", True, "strength_scale must be a number, got True"),
        ("presmooth", "0.1", "presmooth must be a number, got '0.1'"),
        ("weighting", "flat", "weighting must be"),
        ("strength", "log", "strength must be"),
        ("orientations", 7, "orientations must be 1 or even, got 7"),
        ("orientations", 0, "orientations must be 1 or even, got 0"),
        ("orientations", 8.0, "orientations must be a whole number, got 8.0"),
        ("gaussian_sigma", 0, "gaussian_sigma must be from 0.001 to 1000, got 0"),
        ("gaussian_sigma", 1e-200, "gaussian_sigma must be from 0.001 to 1000, got 1e-200"),
        ("gaussian_sigma", 1000.5, "gaussian_sigma must be from 0.001 to 1000, got 1000.5"),
        ("period", 17, "period must be from 1 to 16, got 17"),
        ("strength_scale", float("inf"), "strength_scale must be from 0.001 to 1000, got inf"),
        ("strength_scale", float("nan"), "strength_scale must be from 0.001 to 1000, got nan"),
        ("strength_edges", (0.2, 0.1), "strength_edges must be positive, finite and ascending"),
        ("strength_edges", (0.2, 0.2), "strength_edges must be positive, finite and ascending"),
        ("strength_edges", (0.0,), "strength_edges must be positive, finite and ascending"),
        ("coherence_edges", (0.1, float("inf")), "coherence_edges must be positive, finite"),
        ("coherence_edges", (0.5, 1.5), "coherence_edges must not exceed 1"),
        ("presmooth", 0.3, "presmooth must be from 0 to 0.25, got 0.3"),
        ("index_order", ("strength", "coherence"), "index_order must hold"),
        ("strength_edges", tuple(range(1, 3000)), "at most 65536 classes"),
    ],
)
def test_spec_refuses(field, value, message):
    with pytest.raises(ValueError, match=message):
        HashSpec(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window", 3),
        ("window", 31),
        ("gaussian_sigma", 1e-3),
        ("gaussian_sigma", 1e3),
        ("strength_scale", 1e-3),
        ("strength_scale", 1e3),
        ("coherence_edges", (0.5, 1.0)),
        ("presmooth", 0.25),
        ("period", 16),
    ],
)
def test_spec_takes_the_ends_of_what_it_says(field, value):
    spec = HashSpec(**{field: value})
    assert hash_image(scene((20, 24)), spec).max() < spec.num_classes
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(spec, field, value)


def test_weights_of_a_window_have_sum_one_or_are_ones():
    assert PRESETS["raisr"].taps.sum() == pytest.approx(1)
    assert CSCONV.taps.tolist() == [1] * 9


def test_some_rows_of_the_tensor_are_those_of_all():
    image = as_image(scene((20, 24)))
    whole = tensor_rows(image, CSCONV, 0, 20)
    assert whole.shape == (3, 20, 24)
    np.testing.assert_array_equal(tensor_rows(image, CSCONV, 7, 12), whole[:, 7:12])


@pytest.mark.parametrize("spec", FLOAT_SPECS.values(), ids=FLOAT_SPECS)
def test_spec_survives_a_dict(spec):
    assert HashSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize("change", [{"colour": 1}, None])
def test_spec_from_dict_refuses_other_fields(change):
    values = CSCONV.to_dict()
    values.update(change) if change else values.pop("window")
    with pytest.raises(ValueError, match="a HashSpec has the fields"):
        HashSpec.from_dict(values)


def test_numbers_of_any_type_make_the_same_spec():
    spec = HashSpec(
        window=np.int64(9),
        orientations=np.uint8(8),
        gaussian_sigma=np.float32(2),
        strength_scale=np.int32(1),
        presmooth=np.float16(0),
        strength_edges=np.float32([0.25, 0.5]),
    )
    same = HashSpec(strength_edges=(0.25, 0.5))
    assert spec == same
    assert json.dumps(spec.to_dict()) == json.dumps(same.to_dict())


@pytest.mark.parametrize("period", [2, 8])
def test_places_in_blocks_have_classes_of_their_own(period):
    image = scene((43, 37))
    spec, blocks = HashSpec(), HashSpec(period=period)
    classes, found = hash_image(image, spec).astype(int), hash_image(image, blocks, num_threads=3)
    rows, columns = np.indices(image.shape) % period
    np.testing.assert_array_equal(found, (rows * period + columns) * spec.num_classes + classes)
    assert blocks.num_classes == period**2 * spec.num_classes
    assert HashSpec.from_dict(blocks.to_dict()) == blocks
    assert "period" not in spec.to_dict()
    with pytest.raises(ValueError, match="period must be from 1 to 16"):
        HashSpec(period=0)


def test_a_class_map_has_every_class_of_its_spec_and_no_other():
    spec = HashSpec()
    last = spec.num_classes - 1
    for dtype in (np.uint8, np.uint16, np.int64):
        classes = np.array([[0, last]], dtype)
        assert check_classes(classes, spec) is classes
        assert check_classes(classes[:, :1], spec).tolist() == [[0]]
    assert check_classes([[0, last]], spec).tolist() == [[0, last]]
    assert check_classes(np.empty((0, 3), int), spec).shape == (0, 3)
    for wrong in (np.zeros((2, 2)), np.zeros((2, 2), bool)):
        with pytest.raises(TypeError, match="classes must be integers, got"):
            check_classes(wrong, spec)
    for wrong in (np.zeros(4, int), np.zeros((1, 2, 2), int)):
        with pytest.raises(ValueError, match=r"classes must have shape \(H, W\), got"):
            check_classes(wrong, spec)
    for wrong in ([[0, last + 1]], [[-1, last]]):
        with pytest.raises(ValueError, match=f"classes must be 0 to {last}, got"):
            check_classes(wrong, spec)
