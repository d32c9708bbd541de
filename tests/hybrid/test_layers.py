"""What several networks share, against torch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hybrid.networks.layers import PReLU


def both(values, slope, gradient):
    results = []
    for layer in (PReLU(), nn.PReLU()):
        layer.to(values.dtype)
        nn.init.constant_(layer.weight, slope)
        entered = values.clone().requires_grad_()
        left = layer(entered)
        left.backward(gradient)
        results.append((left.detach(), entered.grad, layer.weight.grad))
    return zip(*results, strict=True)


@given(slope=st.floats(-2, 2), seed=st.integers(0, 1000))
def test_values_and_gradients_are_those_of_torch(slope, seed):
    values, gradient = torch.randn(
        2, 2, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    values[0, 0, 0] = 0  # where the two sides meet
    for ours, theirs in both(values, slope, gradient):
        torch.testing.assert_close(ours, theirs)


def test_gradients_are_those_of_the_function():
    values = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    layer = PReLU().double()
    assert torch.autograd.gradcheck(lambda x, _: layer(x), (values, layer.weight))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bfloat16_adds_the_gradient_of_the_slope_in_full(layout):
    values = torch.full((1, 15, 63, 65), -1.0).to(memory_format=layout)
    layer = PReLU()
    with torch.autocast("cpu", torch.bfloat16):
        layer(values.bfloat16()).sum().backward()
    assert layer.weight.grad.dtype == torch.float32
    assert layer.weight.grad.item() == -values.numel()  # which has more than bfloat16's 8 bits


def test_weights_go_over_from_torch():
    theirs = nn.PReLU(init=0.125)
    ours = PReLU()
    ours.load_state_dict(theirs.state_dict())
    assert ours.weight.item() == 0.125
