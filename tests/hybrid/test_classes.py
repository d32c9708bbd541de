import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hybrid.classes import class_dtype, quantize
from raisr import GradientStatistics, HashSpec, gradient_statistics, hash_image
from raisr.hashing import PRESETS
from tests.properties.strategies import byte_images, specs
from tests.reference.classes import join, near_an_edge


def statistics(orientation, strength, coherence):
    values = np.broadcast_arrays(*map(np.float32, (orientation, strength, coherence)))
    return GradientStatistics(*(torch.from_numpy(value[None].copy()) for value in values))


def in_bins(spec, orientation=0, strength=0, coherence=0):
    return join((orientation, strength, coherence), spec)


@given(byte_images(), st.sampled_from(list(PRESETS.values())) | specs())
def test_classes_are_those_of_the_hash(image, spec):
    found = quantize(statistics(*gradient_statistics(image, spec)), spec)[0]
    assert found.dtype == class_dtype(spec)
    away = ~near_an_edge(image, spec, 255)
    np.testing.assert_array_equal(found[away], hash_image(image, spec)[away])


@pytest.mark.parametrize("spec", PRESETS.values(), ids=PRESETS)
def test_an_edge_belongs_to_the_bin_above_it(spec):
    for index, edge in enumerate(np.float32(spec.strength_edges)):
        values = [np.nextafter(edge, np.float32(0)), edge]
        wanted = [in_bins(spec, strength=index), in_bins(spec, strength=index + 1)]
        assert quantize(statistics(0, values, 0), spec)[0].tolist() == wanted
    for index, edge in enumerate(np.float32(spec.coherence_edges)):
        values = [np.nextafter(edge, np.float32(0)), edge]
        wanted = [in_bins(spec, coherence=index), in_bins(spec, coherence=index + 1)]
        assert quantize(statistics(0, 0, values), spec)[0].tolist() == wanted
    starts = np.arange(spec.orientations) / np.float32(spec.orientations)
    wanted = [in_bins(spec, orientation=index) for index in range(spec.orientations)]
    assert quantize(statistics(starts, 0, 0), spec)[0].tolist() == wanted


@given(st.floats(-2, 2, width=32), st.floats(-1, 2.0**99, width=32), st.floats(-1, 2, width=32))
def test_no_statistics_lead_out_of_the_classes(orientation, strength, coherence):
    spec = PRESETS["csconv"]
    classes = quantize(statistics(orientation, strength, coherence), spec)
    assert 0 <= int(classes) < spec.num_classes


def test_class_maps_have_the_smallest_type_that_torch_computes_with():
    for orientations, dtype in ((256, torch.uint8), (258, torch.int32)):
        spec = HashSpec(orientations=orientations, strength_edges=(), coherence_edges=())
        classes = quantize(statistics([0, 0.9999], 0, 0), spec)
        assert classes.dtype == dtype
        assert classes.tolist() == [[0, orientations - 1]]


def test_half_precision_is_quantized_as_its_values_are():
    spec = PRESETS["csconv"]
    exact = statistics([0.25, 0.7], [0.125, 0.01], [0.5, 0.75])
    halves = GradientStatistics(*(value.bfloat16() for value in exact))
    wanted = quantize(GradientStatistics(*(value.float() for value in halves)), spec)
    assert torch.equal(quantize(halves, spec), wanted)
