"""FilterBank: filters against the oracle, cascades and guides, what a bank must be, its file."""

import dataclasses
import json
import re

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from raisr import FilterBank, HashSpec, Stage, hash_image, learn_filters
from raisr.cascade import filter_rows, run_stages
from raisr.symmetry import expand
from raisr.validate import GrayImage
from tests.banks import CSCONV, delta_bank, random_bank
from tests.images import noisy_scene, random_bytes, scene
from tests.reference.filters import apply_stage

BLADE = HashSpec.preset("blade")


@pytest.mark.parametrize("size", [1, 3, 7, 9, 15])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 2), (20, 33)])
def test_filters_equal_the_oracle(shape, size):
    image = noisy_scene(shape)
    bank = random_bank(BLADE, size=size)
    expected = apply_stage(bank.stages[0], [image], image)
    np.testing.assert_allclose(bank.apply(image, data_range=255), expected, rtol=1e-5, atol=1e-3)


def test_each_pixel_gets_the_filter_of_its_class():
    image = noisy_scene((30, 40))
    filters = np.zeros((72, 1, 3, 3))
    bank = FilterBank([Stage(CSCONV, filters, np.arange(72))])
    classes = hash_image(image, data_range=255)
    assert len(np.unique(classes)) > 20
    np.testing.assert_array_equal(bank.apply(image, data_range=255), classes)


def test_filters_are_correlations_in_gray_levels():
    right = np.zeros((72, 1, 3, 3))
    right[:, 0, 1, 2] = 1
    bank = FilterBank([Stage(CSCONV, right, np.full(72, 10))])
    image = scene((9, 12))
    mirrored = np.pad(image, ((0, 0), (0, 1)), mode="reflect")[:, 1:]
    expected = np.minimum(mirrored.astype(int) + 10, 255)
    np.testing.assert_array_equal(bank.apply(image), expected)


@pytest.mark.parametrize("specs", [(CSCONV, BLADE), (BLADE, CSCONV, HashSpec(presmooth=0.2))])
def test_later_stages_see_the_input_and_the_output_before(specs):
    image = noisy_scene((24, 30))
    bank = random_bank(*specs)
    before = image
    for index, stage in enumerate(bank.stages):
        planes = [image] if index == 0 else [image, before]
        expected = apply_stage(stage, planes, before)
        before = FilterBank(bank.stages[: index + 1]).apply(image, data_range=255)
        np.testing.assert_allclose(before, expected, rtol=1e-5, atol=1e-3)


def test_the_guide_chooses_the_classes_of_the_first_stage():
    image, guide = noisy_scene((24, 30)), scene((24, 30), seed=5).astype(np.float32)
    bank = random_bank(CSCONV)
    found = bank.apply(image, guide, data_range=255)
    expected = apply_stage(bank.stages[0], [image], guide)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    assert not np.array_equal(found, bank.apply(image, data_range=255))
    with pytest.raises(ValueError, match=r"guide must have shape \(24, 30\), got \(30, 24\)"):
        bank.apply(image, guide.T, data_range=255)
    with pytest.raises(TypeError, match="guide must be uint8"):
        bank.apply(image, guide > 0, data_range=255)


def filters_of(classes=72, planes=1, size=3, fill=0.0):
    return np.full((classes, planes, size, size), fill)


@pytest.mark.parametrize(
    ("filters", "bias", "message"),
    [
        (filters_of(classes=71), np.zeros(72), r"filters must be \(72, planes, size, size\)"),
        (np.zeros((72, 3, 3)), np.zeros(72), r"filters must be .*got shape \(72, 3, 3\)"),
        (np.zeros((72, 1, 3, 5)), np.zeros(72), r"filters must be .*got shape \(72, 1, 3, 5\)"),
        (filters_of(size=4), np.zeros(72), "filter size must be odd and at most 15, got 4"),
        (filters_of(size=17), np.zeros(72), "filter size must be odd and at most 15, got 17"),
        (filters_of(), np.zeros(71), r"bias must be \(72,\), got shape \(71,\)"),
        (filters_of(fill=np.nan), np.zeros(72), "filters and bias must be finite"),
        (filters_of(), np.full(72, np.inf), "filters and bias must be finite"),
    ],
)
def test_stage_refuses(filters, bias, message):
    with pytest.raises(ValueError, match=message):
        Stage(CSCONV, filters, bias)


def test_bank_refuses_stages_that_do_not_follow():
    one, two = Stage(CSCONV, filters_of(), np.zeros(72)), random_bank(CSCONV, CSCONV).stages[1]
    with pytest.raises(ValueError, match="a FilterBank needs at least one stage"):
        FilterBank([])
    with pytest.raises(ValueError, match="stage 0 must have filters for 1 plane.*got 2"):
        FilterBank([two])
    with pytest.raises(ValueError, match="stage 1 must have filters for 2 plane.*got 1"):
        FilterBank([one, one])


@pytest.mark.parametrize("values", [np.zeros((72, 1, 3, 3), complex), [["a"]], None])
def test_weights_are_real_numbers(values):
    with pytest.raises(TypeError, match="filters must be real numbers, got"):
        Stage(CSCONV, values, np.zeros(72))
    with pytest.raises(TypeError, match="bias must be real numbers, got"):
        Stage(CSCONV, filters_of(), values)
    with pytest.raises(TypeError, match="stage 0 must be a Stage, got ndarray"):
        FilterBank([np.zeros((72, 1, 3, 3))])


def test_bank_describes_itself():
    bank = random_bank(CSCONV, BLADE, size=5)
    assert repr(bank) == "FilterBank(8x3x3 classes of 5x5, 16x5x3 classes of 5x5)"
    info = json.loads(json.dumps(bank.info()))
    assert info["metadata"] == {"seed": 0}
    first, second = info["stages"]
    assert (first["classes"], first["planes"], first["macs_per_pixel"]) == (72, 1, 25)
    assert (second["shape"], second["planes"], second["macs_per_pixel"]) == ([16, 5, 3], 2, 50)
    assert HashSpec.from_dict(second["spec"]) == BLADE


@pytest.mark.parametrize("specs", [(CSCONV,), (BLADE, HashSpec(orientations=1, presmooth=0.1))])
def test_save_and_load(tmp_path, specs):
    bank = random_bank(*specs)
    bank.save(tmp_path / "bank.safetensors")
    again = FilterBank.load(tmp_path / "bank.safetensors")
    assert again.info() == bank.info()
    for old, new in zip(bank.stages, again.stages, strict=True):
        assert new.spec == old.spec
        np.testing.assert_array_equal(new.filters, old.filters)
        np.testing.assert_array_equal(new.bias, old.bias)
    assert [path.name for path in tmp_path.iterdir()] == ["bank.safetensors"]


def test_of_a_symmetric_bank_an_eighth_is_stored(tmp_path):
    pairs = [(noisy_scene(), scene().astype(np.float32))]
    bank = learn_filters(pairs, "csconv", size=5, stages=2, data_range=255)
    bank.save(tmp_path / "bank")
    stored = load_file(tmp_path / "bank")
    assert [stored[f"stage{i}.filters"].shape for i in (0, 1)] == [(18, 1, 13), (18, 2, 13)]
    for old, new in zip(bank.stages, FilterBank.load(tmp_path / "bank").stages, strict=True):
        np.testing.assert_array_equal(old.filters, new.filters)
        np.testing.assert_array_equal(old.bias, new.bias)


def test_of_a_bank_that_is_symmetric_but_for_its_bias_all_is_stored(tmp_path):
    bias = np.arange(HashSpec().num_classes, dtype=np.float32)
    bank = FilterBank([Stage(HashSpec(), np.ones((bias.size, 1, 3, 3)), bias)])
    bank.save(tmp_path / "bank")
    np.testing.assert_array_equal(FilterBank.load(tmp_path / "bank").stages[0].bias, bias)


def test_filters_of_one_tap_are_stored(tmp_path):
    bank = FilterBank([Stage(CSCONV, filters_of(size=1, fill=0.5), np.zeros(72))])
    bank.save(tmp_path / "bank")
    np.testing.assert_array_equal(FilterBank.load(tmp_path / "bank").stages[0].filters, 0.5)


def test_stored_taps_that_make_no_square_are_refused(tmp_path):
    bank = FilterBank([Stage(CSCONV, filters_of(fill=0.1), np.zeros(72))])
    bank.save(tmp_path / "bank")
    with safe_open(tmp_path / "bank", "np") as file:
        header = file.metadata()
    stored = load_file(tmp_path / "bank")
    stored["stage0.filters"] = stored["stage0.filters"][..., :-1]
    save_file(stored, tmp_path / "bank", header)
    with pytest.raises(ValueError, match="not square"):
        FilterBank.load(tmp_path / "bank")


def test_half_precision_halves_the_file_and_changes_little(tmp_path):
    bank, image = random_bank(), scene()
    bank.save(tmp_path / "32")
    bank.save(tmp_path / "16", dtype="float16")
    weights = 4 * 72 * (25 + 1)
    assert (tmp_path / "32").stat().st_size - (tmp_path / "16").stat().st_size == weights // 2
    half = FilterBank.load(tmp_path / "16")
    difference = half.apply(image / 255.0) - bank.apply(image / 255.0)
    assert 0 < np.abs(difference).max() < 2e-3


def test_half_precision_stores_halves_of_what_is_symmetric_up_to_rounding(tmp_path):
    (stage,) = random_bank().stages
    symmetric = (stage.filters + stage.filters[..., ::-1, ::-1]) / 2
    rounded = symmetric.astype(np.float16).astype(np.float32)
    rounded[0, 0, 0, 0] *= np.float32(1 + 1e-6)  # its half turn has the same float16
    FilterBank([Stage(stage.spec, rounded, stage.bias)]).save(tmp_path / "16", dtype="float16")
    assert load_file(tmp_path / "16")["stage0.filters"].ndim == 3
    (found,) = FilterBank.load(tmp_path / "16").stages
    np.testing.assert_allclose(found.filters, rounded, rtol=2e-6)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "bank.safetensors"
    random_bank(seed=1).save(path)
    old = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match=f"No space left on device.*{path.name}"):
        random_bank(seed=2).save(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["filters", "bias"])
def test_weights_beyond_half_precision_are_not_saved_as_such(tmp_path, name):
    values = {"filters": filters_of(), "bias": np.zeros(72)}
    values[name][7] = -7e4
    bank = FilterBank([Stage(CSCONV, **values)])
    with pytest.raises(ValueError, match=f"float16 cannot hold the {name}, up to 7e\\+04"):
        bank.save(tmp_path / "bank", dtype="float16")
    assert not list(tmp_path.iterdir())
    bank.save(tmp_path / "bank")
    FilterBank.load(tmp_path / "bank")


def test_a_stage_does_not_change():
    stage = random_bank().stages[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        stage.bias = stage.bias + 1


def test_a_stage_keeps_copies_that_nobody_writes_to():
    filters, bias = np.float32(filters_of(fill=0.1)), np.zeros(72, np.float32)
    bank, image = FilterBank([Stage("csconv", filters, bias)]), noisy_scene()
    before = bank.apply(image, data_range=255)
    filters[:], bias[:] = 0, 5
    np.testing.assert_array_equal(bank.apply(image, data_range=255), before)
    for values in (bank.stages[0].filters, bank.stages[0].bias):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


def test_weights_are_stored_as_floats(tmp_path):
    with pytest.raises(ValueError, match='dtype must be "float32" or "float16", got \'int8\''):
        random_bank().save(tmp_path / "bank", dtype="int8")


def test_stages_compare_without_error():
    (one,), (other,) = random_bank(seed=1).stages, random_bank(seed=1).stages
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def test_a_digest_tells_stages_apart():
    (one,), (same,), (other,) = (random_bank(seed=seed).stages for seed in (1, 1, 2))
    assert one.digest == same.digest
    more = [
        other,
        dataclasses.replace(one, bias=one.bias + 1),
        dataclasses.replace(one, spec=dataclasses.replace(one.spec, strength_edges=(0.03, 0.09))),
    ]
    assert len({stage.digest for stage in [one, *more]}) == 4


def rewrite(path, header=None, tensors=None):
    """Save the bank at `path` again with other header entries or tensors."""
    bank = FilterBank.load(path)
    entries = {
        "format": "raisr filter bank 1",
        "specs": json.dumps([stage.spec.to_dict() for stage in bank.stages]),
        "metadata": "{}",
    }
    entries = {k: v for k, v in (entries | (header or {})).items() if v is not None}
    arrays = {k: v for k, v in (load_file(path) | (tensors or {})).items() if v is not None}
    save_file(arrays, path, entries)


SPEC = CSCONV.to_dict()
DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "header cut": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "length wrong": lambda path: path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:]),
    "no safetensors": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)),
    "header scrambled": lambda path: path.write_bytes(path.read_bytes().replace(b"{", b"[", 2)),
    "foreign": lambda path: save_file({"weight": np.zeros(3, np.float32)}, path),
    "of a later format": lambda path: rewrite(path, {"format": "raisr filter bank 2"}),
    "no specs": lambda path: rewrite(path, {"specs": None}),
    "specs no JSON": lambda path: rewrite(path, {"specs": "[{"}),
    "specs no list": lambda path: rewrite(path, {"specs": "3"}),
    "specs empty": lambda path: rewrite(path, {"specs": "[]"}),
    "specs no dicts": lambda path: rewrite(path, {"specs": "[1]"}),
    "spec of text": lambda path: rewrite(path, {"specs": json.dumps([SPEC | {"window": "9"}])}),
    "spec of nulls": lambda path: rewrite(path, {"specs": json.dumps([dict.fromkeys(SPEC)])}),
    "spec refused": lambda path: rewrite(path, {"specs": json.dumps([SPEC | {"window": 8}])}),
    "other spec": lambda path: rewrite(path, {"specs": json.dumps([SPEC | {"orientations": 16}])}),
    "metadata no dict": lambda path: rewrite(path, {"metadata": "[1]"}),
    "no bias": lambda path: rewrite(path, tensors={"stage0.bias": None}),
    "not finite": lambda path: rewrite(
        path, tensors={"stage0.bias": np.full(72, np.nan, np.float32)}
    ),
    "bias of another length": lambda path: rewrite(
        path,
        tensors={
            "stage0.filters": np.zeros((18, 1, 5, 5), np.float32),
            "stage0.bias": np.zeros(1, np.float32),
        },
    ),
    "wrong shape": lambda path: rewrite(
        path, tensors={"stage0.filters": np.zeros((72, 25), np.float32)}
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_files_are_refused(tmp_path, damage):
    path = tmp_path / "bank.safetensors"
    random_bank().save(path)
    damage(path)
    message = f"{re.escape(str(path))} is not a readable filter bank: ."
    with pytest.raises(ValueError, match=message) as caught:
        FilterBank.load(path)
    assert "\n" not in str(caught.value)


def test_missing_files(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"no filter bank at {re.escape(str(path))}"):
            FilterBank.load(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_apply_keeps_the_dtype(dtype):
    image = random_bytes((9, 11)).astype(dtype)
    out = delta_bank().apply(image, data_range=255)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, image)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": np.zeros((5, 7), np.uint16)}, r"classes must be rows 0 to 6 of \(6, 7\)"),
        ({"classes": np.zeros((6, 14), np.uint16)[:, ::2]}, "classes must be rows 0 to 6"),
        ({"classes": np.zeros((6, 7), np.uint8)}, "1 planes of one shape and uint16 classes"),
        ({"planes": [GrayImage(np.zeros((6, 6), np.float32))]}, "1 planes of one shape"),
        ({"planes": []}, "1 planes of one shape"),
        ({"y1": 7, "classes": np.zeros((7, 7), np.uint16)}, "classes must be rows 0 to 7"),
        ({"y0": -1}, "classes must be rows -1 to 6"),
    ],
)
def test_rows_outside_of_an_image_are_not_filtered(change, message):
    planes, out = [GrayImage(np.zeros((6, 7), np.float32))], np.zeros((6, 7), np.float32)
    right = {"planes": planes, "classes": np.zeros((6, 7), np.uint16), "y0": 0, "y1": 6}
    (stage,) = delta_bank().stages
    with pytest.raises(ValueError, match=message):
        filter_rows(stage, **right | change, out=out, data_range=255)
    filter_rows(stage, **right, out=out, data_range=255)


def test_a_hash_of_more_classes_than_filters_is_refused():
    image, (stage,) = GrayImage(noisy_scene()), delta_bank().stages
    out = np.empty(image.shape, np.float32)
    with pytest.raises(ValueError, match="stage 0 has no filters for 240 classes"):
        run_stages([stage], [image], [out], 255, 1, lambda _, inputs: (BLADE, inputs[0]))


@pytest.mark.parametrize("count", [71, 73])
def test_symmetric_banks_have_a_filter_for_each_class(count):
    with pytest.raises(ValueError, match="filters and bias must be of 72 classes, got shapes"):
        expand(CSCONV, np.zeros((count, 1, 3, 3)), np.zeros(count))
