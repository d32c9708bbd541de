"""Class-specific convolution against its slow reference, on every path."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import hybrid
from hybrid import CSConv2d, _csconv_cpu, _csconv_gemm, cs_conv2d
from tests.reference import csconv as reference

TOLERANCE = {
    torch.float64: 1e-13,
    torch.float32: 3e-6,
    torch.float16: 2e-3,
    torch.bfloat16: 8e-3,
}
SHAPES = [  # images, C_in, C_out, height, width, k, classes
    (1, 16, 16, 7, 9, 3, 5),
    (2, 16, 16, 70, 60, 3, 72),
    (1, 8, 16, 60, 201, 3, 9),
    (1, 16, 8, 33, 50, 5, 7),
    (1, 32, 16, 20, 30, 3, 4),
    (1, 16, 48, 12, 13, 1, 3),
    (1, 8, 8, 110, 100, 7, 3),
    (2, 3, 5, 11, 8, 3, 4),
    (1, 1, 16, 9, 30, 3, 6),
]


def example(shape, dtype=torch.float32, bias=True, seed=0):
    """Random arguments of cs_conv2d, and a gradient of its result."""
    images, channels, filters, height, width, k, num_classes = shape
    g = torch.Generator().manual_seed(seed)

    def normal(*size):
        return torch.randn(size, generator=g, dtype=torch.float64).to(dtype)

    x, gradient = normal(images, channels, height, width), normal(images, filters, height, width)
    weight = normal(num_classes, filters, channels, k, k) / (k * channels**0.5)
    offsets = normal(num_classes, filters) if bias else None
    # The last class has no pixel.
    classes = torch.randint(max(1, num_classes - 1), (images, height, width), generator=g)
    return (x, weight, offsets, classes), gradient


def close(found, wanted, dtype):
    """Compare with the largest value as the scale."""
    scale = wanted.abs().max().clamp_min(1e-30)
    error = ((found.double() - wanted).abs().max() / scale).item()
    assert error <= TOLERANCE[dtype], f"relative error {error:.1e}"


def check(arguments, gradient, function=cs_conv2d):
    """Compare a result and all its gradients with the reference in float64."""
    *tensors, classes = arguments
    dtype = tensors[0].dtype
    mine = [t if t is None else t.clone().requires_grad_() for t in tensors]
    exact = [t if t is None else t.double().requires_grad_() for t in tensors]
    found, wanted = function(*mine, classes), reference.cs_conv2d(*exact, classes)
    assert found.dtype == dtype
    close(found, wanted, dtype)
    found.backward(gradient)
    wanted.backward(gradient.double())
    for tensor, slow in zip(mine, exact, strict=True):
        if tensor is not None:
            assert tensor.grad.dtype == dtype
            close(tensor.grad, slow.grad, dtype)


def by_module(module):
    """cs_conv2d with the kernels of one module, whatever the device."""

    class Convolution(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight, bias, classes):
            ctx.save_for_backward(x, weight, classes)
            return module.convolve(x, weight, bias, classes)

        @staticmethod
        def backward(ctx, gradient):
            return *module.backward(gradient, *ctx.saved_tensors, True, True), None

    return Convolution.apply


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_result_and_gradients(shape, dtype):
    check(*example(shape, dtype))


def test_without_bias():
    check(*example((1, 16, 16, 20, 30, 3, 5), bias=False))
    check(*example((1, 3, 4, 20, 30, 3, 5), bias=False))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_products_of_matrices_do_the_same(dtype):
    check(*example((2, 16, 8, 20, 30, 3, 5), dtype), by_module(_csconv_gemm))


@given(
    shape=st.tuples(
        st.integers(1, 2),
        st.sampled_from([8, 16]),
        st.sampled_from([8, 16]),
        st.integers(1, 120),
        st.integers(1, 220),
        st.sampled_from([1, 3]),
        st.integers(1, 9),
    ),
    seed=st.integers(0, 99),
)
@settings(max_examples=12)
def test_every_size(shape, seed):
    check(*example(shape, seed=seed))


def test_one_class_everywhere_and_a_class_of_one_pixel():
    (x, weight, bias, classes), gradient = example((1, 16, 16, 50, 60, 3, 3))
    check((x, weight, bias, torch.zeros_like(classes)), gradient)
    lonely = torch.zeros_like(classes)
    lonely[0, -1, -1] = 2
    check((x, weight, bias, lonely), gradient)


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64], ids=str
)
def test_every_integer_type_of_classes(dtype):
    (x, weight, bias, classes), _ = example((1, 16, 16, 12, 13, 3, 5))
    found = cs_conv2d(x, weight, bias, classes.to(dtype))
    assert torch.equal(found, cs_conv2d(x, weight, bias, classes))


def test_any_memory_layout():
    (x, weight, bias, classes), gradient = example((2, 16, 16, 20, 30, 3, 5))
    strided = torch.empty(2, 16, 40, 31)[:, :, ::2, 1:].copy_(x)
    last = x.contiguous(memory_format=torch.channels_last)
    swapped = classes.transpose(1, 2).contiguous().transpose(1, 2)
    wanted = cs_conv2d(x, weight, bias, classes)
    assert wanted.is_contiguous(memory_format=torch.channels_last)
    for images in (strided, last):
        assert torch.equal(cs_conv2d(images, weight, bias, swapped), wanted)
    weight = weight.transpose(3, 4).contiguous().transpose(3, 4)
    check((last, weight, bias, classes), gradient.contiguous(memory_format=torch.channels_last))
    check((x, weight, bias, classes), torch.ones(()).expand_as(gradient))


def test_bfloat16_at_an_odd_place():
    (x, weight, bias, classes), _ = example((1, 16, 16, 6, 5, 3, 4), torch.bfloat16)
    memory = torch.empty(x.numel() + 1, dtype=x.dtype)[1:]
    odd = memory.view(1, 6, 5, 16).copy_(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    assert torch.equal(cs_conv2d(odd, weight, bias, classes), cs_conv2d(x, weight, bias, classes))


def test_gradients_only_where_wanted():
    (x, weight, bias, classes), gradient = example((1, 16, 16, 20, 30, 3, 5))
    tensors = x, weight, bias
    full = [t.clone().requires_grad_() for t in tensors]
    cs_conv2d(*full, classes).backward(gradient)
    for wanted in range(3):
        part = [t.clone().requires_grad_(i == wanted) for i, t in enumerate(tensors)]
        cs_conv2d(*part, classes).backward(gradient)
        for i, (tensor, every) in enumerate(zip(part, full, strict=True)):
            assert (tensor.grad is not None) == (i == wanted)
            if i == wanted:
                assert torch.equal(tensor.grad, every.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_same_bits_for_any_number_of_threads(dtype):
    (x, weight, bias, classes), gradient = example((3, 16, 16, 130, 250, 3, 20), dtype)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            _csconv_cpu._last_plan = None
            tensors = [t.clone().requires_grad_() for t in (x, weight, bias)]
            found = cs_conv2d(*tensors, classes)
            found.backward(gradient)
            results.append([found, *(t.grad for t in tensors)])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_pixel_does_not_depend_on_its_tile():
    (x, weight, bias, classes), _ = example((1, 16, 16, 130, 250, 3, 20))
    whole = cs_conv2d(x, weight, bias, classes)
    part = cs_conv2d(x[:, :, 9:60, 100:225], weight, bias, classes[:, 9:60, 100:225])
    assert torch.equal(part[:, :, 1:-1, 1:-1], whole[:, :, 10:59, 101:224])


def test_classes_changed_in_place_are_seen():
    (x, weight, bias, _), _ = example((1, 16, 16, 20, 30, 3, 5))
    array = np.zeros((1, 20, 30), np.uint8)
    classes = torch.from_numpy(array)
    zeros = cs_conv2d(x, weight, bias, classes)
    array[:] = 3
    threes = cs_conv2d(x, weight, bias, classes)
    assert not torch.equal(zeros, threes)
    assert torch.equal(threes, cs_conv2d(x, weight, bias, classes.clone()))


@pytest.mark.parametrize("channels", [16, 3])
def test_equal_filters_are_a_convolution(channels):
    conv = nn.Conv2d(channels, 16, 3, padding=1)
    x = torch.randn(2, channels, 30, 40)
    classes = torch.randint(7, (2, 30, 40))
    found = CSConv2d.from_conv(conv, 7)(x, classes)
    torch.testing.assert_close(found, conv(x), rtol=0, atol=3e-6)
    exact = CSConv2d.from_conv(conv.double(), 7)(x.double(), classes)
    torch.testing.assert_close(exact, conv(x.double()), rtol=0, atol=1e-14)


def test_images_in_a_batch_are_apart():
    (x, weight, bias, classes), _ = example((3, 16, 16, 20, 30, 3, 5))
    batch = cs_conv2d(x, weight, bias, classes)
    for i in range(3):
        one = cs_conv2d(x[i : i + 1], weight, bias, classes[i : i + 1])
        assert torch.equal(batch[i : i + 1], one)


def test_empty_batch():
    (x, weight, bias, classes), _ = example((1, 16, 16, 4, 5, 3, 2))
    x = x[:0].requires_grad_()
    weight.requires_grad_()
    out = cs_conv2d(x, weight, bias, classes[:0])
    assert out.shape == (0, 16, 4, 5)
    out.sum().backward()
    assert not weight.grad.any()


def test_not_finite_stays_with_its_neighbours():
    (x, weight, bias, classes), _ = example((1, 16, 16, 20, 30, 3, 5))
    for dtype in (torch.float32, torch.bfloat16):
        broken = x.to(dtype)
        broken[0, 3, 10, 10] = float("nan")
        bad = ~cs_conv2d(broken, weight, bias, classes).isfinite().all(dim=1)[0]
        assert bad[9:12, 9:12].all()
        assert bad.sum() == 9


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_not_finite_stays_with_its_class(dtype):
    """Five pixels of class 0, of which bfloat16 makes pairs; the sixth is of class 1."""
    (x, weight, bias, classes), gradient = example((1, 16, 16, 5, 8, 3, 2), dtype)
    classes[:, :, 0], classes[:, :, 1:] = 0, 1
    x[0, :, 0, 2] = float("inf")
    weight.requires_grad_()
    cs_conv2d(x, weight, bias, classes).backward(gradient)
    assert weight.grad[0].isfinite().all()
    assert not weight.grad[1].isfinite().all()


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

    def test_sizes_are_checked(self):
        with pytest.raises(ValueError, match="kernel_size must be odd, got 4"):
            CSConv2d(4, 4, 4, 3)
        with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
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
        for kind in (torch.float32, torch.bool, torch.uint16):
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


def test_plain_numba_gives_the_same():
    """In a process of its own: which micro-kernels run is settled at import."""
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from tests.hybrid.test_csconv import check, example\n"
        "from raisr._kernels.micro import VECTOR\n"
        "assert not VECTOR\n"
        "for dtype in (torch.float32, torch.bfloat16):\n"
        "    check(*example((1, 16, 16, 20, 30, 3, 4), dtype))\n"
    )
    environment = {**os.environ, "RAISR_VECTOR": "0"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
