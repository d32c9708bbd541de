"""Classes are in range, and exact on 8-bit images, whatever the image and the spec."""

import numpy as np
import pytest
from hypothesis import given

from raisr import gradient_statistics, hash_image
from tests.properties.strategies import box_specs, byte_images, finite_images, specs
from tests.reference.classes import exact_class_map

ANY_VALUES = pytest.mark.filterwarnings("ignore:image has values that do not fit data_range")


@ANY_VALUES
@given(finite_images(), specs())
def test_classes_are_in_range(image, spec):
    classes = hash_image(image, spec, data_range=255)
    assert classes.shape == image.shape
    assert classes.max() < spec.num_classes


@ANY_VALUES
@given(finite_images(), specs())
def test_statistics_are_in_range(image, spec):
    image = image.clip(-6e4, 6e4)  # squares of values beyond 1e16 overflow
    found = gradient_statistics(image, spec, data_range=255)
    for plane in found:
        assert not np.isnan(plane).any()
        assert plane.min() >= 0
    assert found.orientation.max() < 1
    assert found.coherence.max() <= 1


@given(byte_images(), box_specs())
def test_8_bit_classes_are_exact(image, spec):
    np.testing.assert_array_equal(hash_image(image, spec), exact_class_map(image, spec))
