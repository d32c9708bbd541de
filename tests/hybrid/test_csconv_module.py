"""The module of class-specific convolution, its cost, and bad input."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import hybrid
from hybrid import CSConv2d, cs_conv2d
from tests.hybrid.test_csconv import example


class TestModule:
    def test_is_the_function(self):
        layer = CSConv2d(16, 8, 3, 5)
        (x, *_, classes), _ = example((1, 16, 8, 12, 13, 3, 5))
        assert torch.equal(layer(x, classes), cs_conv2d(x, layer.weight, layer.bias, classes))

    def test_parameters(self):
        torch.manual_seed(0)
        layer = CSConv2d(16, 8, 3, 72)
        assert layer.weight.shape == (72, 8, 16, 3, 3)
        assert layer.bias.shape == (72, 8)
        bound = (16 * 9) ** -0.5
        for parameter in layer.parameters():
            assert 0.9 * bound < parameter.abs().max() <= bound
        assert CSConv2d(16, 8, 3, 72, bias=False).bias is None

    def test_from_conv_copies(self):
        conv = nn.Conv2d(4, 6, 5, padding=2, bias=False).to(torch.bfloat16)
        layer = CSConv2d.from_conv(conv, 3)
        assert layer.bias is None
        assert layer.weight.dtype == torch.bfloat16
        assert all(torch.equal(filters, conv.weight) for filters in layer.weight)
        layer.weight.data[0] += 1
        assert not torch.equal(layer.weight[0], conv.weight)

    @pytest.mark.parametrize(
        "conv",
        [
            nn.Conv2d(4, 4, 3, padding=0),
            nn.Conv2d(4, 4, 3, padding=1, stride=2),
            nn.Conv2d(4, 4, 3, padding=1, groups=2),
            nn.Conv2d(4, 4, 3, padding=2, dilation=2),
            nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
            nn.Conv2d(4, 4, (1, 3), padding=(0, 1)),
        ],
    )
    def test_from_conv_refuses_what_has_no_twin(self, conv):
        with pytest.raises(ValueError, match="no class-specific twin"):
            CSConv2d.from_conv(conv, 3)

    @pytest.mark.parametrize("padding", [1, (1, 1), "same"])
    def test_from_conv_takes_every_padding_that_keeps_the_size(self, padding):
        conv = nn.Conv2d(2, 4, 3, padding=padding)
        layer = CSConv2d.from_conv(conv, 3)
        x, classes = torch.rand(1, 2, 6, 5), torch.randint(3, (1, 6, 5))
        torch.testing.assert_close(layer(x, classes), conv(x))

    def test_takes_the_class_map_of_hash_image(self):
        layer = CSConv2d(2, 4, 3, 300)
        x, classes = torch.rand(1, 2, 6, 5), torch.randint(300, (1, 6, 5))
        hashed = torch.from_numpy(classes.numpy().astype(np.uint16))
        assert torch.equal(layer(x, hashed), layer(x, classes))

    def test_a_square_kernel_size_may_be_a_pair(self):
        assert CSConv2d(2, 4, (3, 3), 5).weight.shape == (5, 4, 2, 3, 3)
        for size in ((3, 5), (3,), "3", 3.0, True):
            with pytest.raises(ValueError, match="kernel_size must be one whole number, got"):
                CSConv2d(2, 4, size, 5)

    def test_numbers_are_checked(self):
        with pytest.raises(ValueError, match="in_channels must be a whole number from 1, got 0"):
            CSConv2d(0, 4, 3, 5)
        with pytest.raises(ValueError, match="out_channels must be a whole number from 1, got 4.0"):
            CSConv2d(2, 4.0, 3, 5)
        assert CSConv2d(np.int64(2), 4, np.int64(3), np.int64(5)).weight.shape == (5, 4, 2, 3, 3)

    def test_sizes_are_checked(self):
        with pytest.raises(ValueError, match="kernel_size must be odd, got 4"):
            CSConv2d(4, 4, 4, 3)
        with pytest.raises(ValueError, match="num_classes must be a whole number from 1, got 0"):
            CSConv2d(4, 4, 3, 0)

    def test_repr(self):
        assert repr(CSConv2d(16, 8, 3, 72)) == (
            "CSConv2d(16, 8, kernel_size=3, num_classes=72, bias=True)"
        )

    def test_memory_format_of_a_network(self):
        network = nn.Sequential(nn.Conv2d(3, 16, 3), CSConv2d(16, 16, 3, 5))
        network.to(memory_format=torch.channels_last)
        assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
        assert network[1].weight.shape == (5, 16, 16, 3, 3)
        network.to(torch.float64)
        assert network[1].weight.dtype == torch.float64

    def test_lists_public_names(self):
        assert {"CSConv2d", "cs_conv2d"} <= set(dir(hybrid))


def flops(function):
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def test_flops_are_those_of_a_convolution():
    (x, weight, bias, classes), _ = example((2, 16, 8, 20, 30, 3, 5))
    x.requires_grad_()
    weight.requires_grad_()
    mine = flops(lambda: cs_conv2d(x, weight, bias, classes).sum().backward())
    one = weight[0].detach().requires_grad_()
    dense = flops(lambda: functional.conv2d(x, one, bias[0], padding=1).sum().backward())
    assert mine == dense == 3 * 2 * 2 * 20 * 30 * 16 * 8 * 9


@pytest.mark.parametrize("channels", [16, 2])
class TestBadInput:
    def arguments(self, channels):
        return example((1, channels, channels, 6, 7, 3, 4))[0]

    @pytest.mark.parametrize("bad", [4, -1, 1000])
    def test_class_out_of_range(self, channels, bad):
        x, weight, bias, classes = self.arguments(channels)
        classes[0, 3, 4] = bad
        message = rf"classes must be at least 0 and below num_classes = 4, got {bad}"
        with pytest.raises(ValueError, match=message):
            cs_conv2d(x, weight, bias, classes)
        with pytest.raises(ValueError, match=message):
            cs_conv2d(x.requires_grad_(), weight, bias, classes)

    def test_types(self, channels):
        x, weight, bias, classes = self.arguments(channels)
        for kind in (torch.float32, torch.bool):
            with pytest.raises(TypeError, match=f"classes must be integers.*got {kind}"):
                cs_conv2d(x, weight, bias, classes.to(kind))
        with pytest.raises(TypeError, match="x must be floating point, got torch.int32"):
            cs_conv2d(x.int(), weight, bias, classes)
        with pytest.raises(TypeError, match="weight must be floating point, got torch.int32"):
            cs_conv2d(x, weight.int(), bias, classes)
        with pytest.raises(TypeError, match="bias must be floating point, got torch.int32"):
            cs_conv2d(x, weight, bias.int(), classes)

    def test_sizes(self, channels):
        x, weight, bias, classes = self.arguments(channels)
        with pytest.raises(ValueError, match="x must be \\(B, C, H, W\\), got shape"):
            cs_conv2d(x[0], weight, bias, classes)
        with pytest.raises(ValueError, match="weight must be .* with k odd, got shape"):
            cs_conv2d(x, weight[0], bias, classes)
        with pytest.raises(ValueError, match="weight must be .* with k odd, got shape"):
            cs_conv2d(x, weight[..., :2, :2], bias, classes)
        with pytest.raises(ValueError, match="weight must be .* with k odd, got shape"):
            cs_conv2d(x, weight[..., :1], bias, classes)
        with pytest.raises(ValueError, match=f"weight is for {channels - 1} channels, but x has"):
            cs_conv2d(x, weight[:, :, 1:], bias, classes)
        with pytest.raises(ValueError, match="bias must have shape \\(4, .*got"):
            cs_conv2d(x, weight, bias[1:], classes)
        with pytest.raises(
            ValueError, match="classes must have shape \\(1, 6, 7\\), got \\(6, 7\\)"
        ):
            cs_conv2d(x, weight, bias, classes[0])
        with pytest.raises(ValueError, match="classes must have shape \\(1, 6, 7\\), got"):
            cs_conv2d(x, weight, bias, classes[:, :5])

    def test_devices(self, channels):
        x, weight, bias, classes = self.arguments(channels)
        with pytest.raises(ValueError, match="x is on cpu, but classes on meta"):
            cs_conv2d(x, weight, bias, classes.to("meta"))
        with pytest.raises(ValueError, match="x is on cpu, but weight on meta"):
            cs_conv2d(x, weight.to("meta"), bias, classes)
