"""What fuzzing found in files of banks, and in specs."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save

from raisr import ColourBank, FilterBank, HashSpec, hash_image
from raisr.phases import PhaseStage
from raisr.profiles import ProfileSpec
from raisr.pyramid_bank import PyramidBank
from tests.banks import random_bank


def rewritten(path, change):
    """Change the texts in the table of a safetensors file; its numbers stay."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    table = json.loads(data[8 : 8 + length])
    change(table["__metadata__"])
    text = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.fixture
def colour_file(tmp_path):
    path = tmp_path / "colour.safetensors"
    parts = [random_bank(size=3, seed=seed) for seed in range(3)]
    ColourBank(parts[0], (parts[1], parts[2]), ("luma",)).save(path)
    return path


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("guides", "[[]]"),
        ("guides", "3"),
        ("specs", "{}"),
        ("specs", "[" * 100_000),
        ("metadata", "3"),
    ],
)
def test_a_colour_bank_with_odd_facts_is_refused(colour_file, field, text):
    rewritten(colour_file, lambda facts: facts.update({field: text}))
    with pytest.raises(ValueError, match="is not a readable colour bank"):
        ColourBank.load(colour_file)


def test_a_pyramid_bank_without_a_plane_is_refused(tmp_path):
    path = tmp_path / "bank.safetensors"
    facts = {"specs": '{"a": [], "b": [], "c": []}', "guides": "[]", "metadata": "{}"}
    path.write_bytes(save({}, {"format": "raisr pyramid bank 1", **facts}))
    with pytest.raises(ValueError, match="is not a readable pyramid bank"):
        PyramidBank.load(path)


@pytest.mark.parametrize("field", ["specs", "metadata"])
def test_a_bank_nested_too_deep_is_refused(tmp_path, field):
    path = tmp_path / "bank.safetensors"
    random_bank().save(path)
    rewritten(path, lambda facts: facts.update({field: "[" * 100_000}))
    with pytest.raises(ValueError, match="is not a readable filter bank"):
        FilterBank.load(path)


@pytest.mark.parametrize("spec", [HashSpec, ProfileSpec])
def test_more_classes_than_an_integer_holds_are_too_many(spec):
    name = "orientations" if spec is HashSpec else "directions"
    with pytest.raises(ValueError, match="at most 6553[56] classes"):
        spec(**{name: 2**63})


def test_an_order_of_other_things_than_names_is_refused():
    with pytest.raises(ValueError, match="index_order must hold"):
        HashSpec(index_order=("orientation", "strength", 3))


def test_edges_that_no_gradient_reaches_count_nothing():
    spec = HashSpec(strength_edges=(0.1, 1e300), coherence_edges=())
    image = np.random.default_rng(0).integers(0, 256, (9, 9)).astype(np.uint8)
    same = HashSpec(strength_edges=(0.1,), coherence_edges=())
    found, wanted = hash_image(image, spec), hash_image(image, same)
    np.testing.assert_array_equal(found % 3, wanted % 2)


@pytest.mark.parametrize("margin", [-1, 1, 0.5, True, 2**70])
def test_margins_that_leave_nothing_are_refused(margin):
    spec = ProfileSpec()
    with pytest.raises(ValueError, match="margin must leave a block of 2"):
        PhaseStage(spec, np.zeros((spec.num_classes, 2, 2, 1, 3, 3)), margin)
