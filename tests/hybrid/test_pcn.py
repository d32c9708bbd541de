import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hybrid.networks.pcn import PCN

floats = st.floats(-1e6, 1e6, width=32)


@given(floats, floats, floats)
def test_statistics_stay_in_their_ranges(cosine, sine, strength):
    predicted = torch.tensor([cosine, sine, strength])[None, :, None, None]
    orientation, found_strength, coherence = PCN.statistics(predicted)
    assert orientation.shape == (1, 1, 1)
    assert 0 <= orientation < 1
    assert found_strength == max(strength, 0)
    assert 0 <= coherence <= 1


@given(st.floats(0, 1, exclude_max=True, width=32), st.floats(2**-7, 1, width=32))
def test_statistics_invert_the_vector(orientation, coherence):
    angle = 2 * math.pi * orientation
    vector = coherence * math.cos(angle), coherence * math.sin(angle), 0.1
    found = PCN.statistics(torch.tensor(vector)[None, :, None, None])
    turns = abs(float(found.orientation) - orientation)
    assert min(turns, 1 - turns) < 1e-6
    assert float(found.strength) == pytest.approx(0.1)
    assert float(found.coherence) == pytest.approx(coherence, abs=1e-6)


@pytest.mark.parametrize("sine", [-1e-12, -1e-30, -0.0, 0.0])
def test_angles_just_below_a_turn_stay_below_it(sine):
    predicted = torch.tensor([1.0, sine, 0])[None, :, None, None]
    assert 0 <= float(PCN.statistics(predicted).orientation) < 1


def test_statistics_of_half_precision_are_float32():
    predicted = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    for found, wanted in zip(
        PCN.statistics(predicted), PCN.statistics(predicted.float()), strict=True
    ):
        assert found.dtype == torch.float32
        assert torch.equal(found, wanted)
