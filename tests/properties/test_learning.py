"""Learning finds the filters that made the targets; equations of two data sets add up."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raisr import FilterBank, HashSpec, hash_image, learn_filters
from raisr.normal_equations import NormalEquations
from tests.banks import delta_bank, random_bank
from tests.images import random_bytes
from tests.properties.strategies import byte_images, specs

FEW = HashSpec(window=3, orientations=2, strength_edges=(0.3,), coherence_edges=(0.2,))


@pytest.mark.filterwarnings("ignore:the images of a pair do not lie on each other")  # of noise
@settings(max_examples=10)
@given(st.integers(0, 2**16), st.sampled_from([3, 5]))
def test_known_filters_are_recovered(seed, size):
    bank = random_bank(FEW, size=size, seed=seed)
    images = [random_bytes((60, 80), seed=[seed, i]) / np.float32(255) for i in range(4)]
    pairs = [(image, bank.apply(image)) for image in images]
    learned = learn_filters(pairs, FEW, size=size, edges="fixed", symmetric=False, ridge=1e-9)
    classes = np.stack([hash_image(image, FEW) for image, _ in pairs])
    enough = np.bincount(classes.ravel(), minlength=FEW.num_classes) >= 4 * size**2
    assert enough.sum() >= 4
    (found,), (known,) = learned.stages, bank.stages
    np.testing.assert_allclose(found.filters[enough], known.filters[enough], atol=1e-4)
    np.testing.assert_allclose(found.bias[enough], known.bias[enough], atol=1e-2)


@st.composite
def data_sets(draw):
    """Planes, target and classes of one 8-bit image, in gray levels."""
    image = draw(byte_images())
    target = draw(hnp.arrays(np.uint8, image.shape))
    classes = draw(hnp.arrays(np.uint16, image.shape, elements=st.integers(0, FEW.num_classes - 1)))
    return [image.astype(np.float32)], target.astype(np.float32), classes


@given(st.lists(data_sets(), min_size=2, max_size=4), st.sampled_from([1, 3, 5]))
def test_equations_of_two_data_sets_add_up(sets, size):
    together = NormalEquations(FEW, 1, size)
    parts = [NormalEquations(FEW, 1, size) for _ in sets]
    for part, data in zip(parts, sets, strict=True):
        together.add(*data)
        part.add(*data)
    first, *others = parts
    for other in others:
        first.merge(other)
    np.testing.assert_array_equal(first.totals, together.totals)
    assert first.counts.sum() == sum(target.size for _, target, _ in sets)


@given(byte_images(), specs(), st.sampled_from([1, 3, 7]))
def test_delta_filters_are_the_identity(image, spec, size):
    np.testing.assert_array_equal(delta_bank(spec, spec, size=size).apply(image), image)


@settings(max_examples=30)
@given(st.lists(specs(), min_size=1, max_size=3), st.sampled_from([1, 3, 5]), st.integers(0, 99))
def test_a_saved_bank_is_the_same_bank(tmp_path_factory, kinds, size, seed):
    path = tmp_path_factory.mktemp("banks") / "bank.safetensors"
    bank = random_bank(*kinds, size=size, seed=seed)
    bank.save(path)
    again = FilterBank.load(path)
    assert again.info() == bank.info()
    for old, new in zip(bank.stages, again.stages, strict=True):
        np.testing.assert_array_equal(old.filters, new.filters)
        np.testing.assert_array_equal(old.bias, new.bias)
