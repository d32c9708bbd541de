"""Convolutions whose bits do not depend on the size of the image."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from hybrid.exact import ExactConv2d, exact
from hybrid.networks import build
from hybrid.networks.layers import Merge

CONVOLUTIONS = [
    nn.Conv2d(1, 4, 3, padding=1),
    nn.Conv2d(16, 1, 3, padding=1, bias=False),
    nn.Conv2d(12, 8, 3, padding=1, groups=4),
    nn.Conv2d(5, 9, 1),
    nn.Conv2d(3, 16, 5, padding="same"),
]


@pytest.mark.parametrize("convolution", CONVOLUTIONS, ids=str)
def test_it_is_the_convolution(convolution):
    x = torch.rand(2, convolution.in_channels, 9, 14)
    with torch.no_grad():
        wanted = convolution.double()(x.double())
        found = ExactConv2d(convolution.float())(x)
    torch.testing.assert_close(found, wanted.float(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("convolution", CONVOLUTIONS, ids=str)
def test_a_part_of_an_image_has_the_same_bits(convolution):
    layer = ExactConv2d(convolution)
    x = torch.rand(1, convolution.in_channels, 90, 77)
    whole = layer(x)
    for rows, columns in ((slice(3, 40), slice(5, 70)), (slice(60, 90), slice(0, 9))):
        part = layer(x[..., rows, columns])
        inner = (..., slice(2, -2), slice(2, -2))
        assert torch.equal(part[inner], whole[..., rows, columns][inner])


@pytest.mark.parametrize("channels", [(8, 16, 24), (3, 8), (5, 1, 2)], ids=str)
def test_it_takes_parts_side_by_side(channels):
    merge = Merge(sum(channels), 8, 1)
    parts = [torch.rand(2, count, 9, 14) for count in channels]
    with torch.no_grad():
        wanted = functional.conv2d(torch.cat(parts, 1), merge.weight, merge.bias)
        torch.testing.assert_close(merge(*parts), wanted)
        torch.testing.assert_close(ExactConv2d(merge)(*parts), wanted, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["pcn", "edsr", "carn"])
def test_a_network_keeps_its_function(name):
    torch.manual_seed(0)
    network = build(name)
    twin = exact(network)
    x = torch.rand(1, 1, 24, 33)
    with torch.no_grad():
        torch.testing.assert_close(twin(x), network(x), atol=1e-5, rtol=1e-4)
    assert network.training
    assert not any(isinstance(module, nn.Conv2d) for module in twin.modules())


def test_a_class_specific_network_runs_while_gradients_are_on():
    network = build("carn", num_classes=72)
    x, classes = torch.rand(1, 1, 24, 33), torch.randint(72, (1, 24, 33))
    found = exact(network)(x.requires_grad_(), classes)
    torch.testing.assert_close(found, network(x, classes), atol=1e-5, rtol=1e-4)


def test_another_number_of_channels_is_refused():
    layer = ExactConv2d(nn.Conv2d(16, 8, 1))
    with pytest.raises(ValueError, match="takes 16 channels, got 5"):
        layer(torch.rand(1, 5, 9, 14))


def test_other_convolutions_stay():
    others = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, stride=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 2, padding="same"),
        nn.ConvTranspose2d(4, 4, 3),
    )
    assert [type(module) for module in exact(others)] == [type(module) for module in others]
