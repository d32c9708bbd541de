"""Class-specific convolution against its slow reference, on every path."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import example as explicit
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid import CSConv2d, cs_conv2d
from hybrid.csconv import cpu, gemm
from hybrid.csconv.kernels import sort_tiles
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
    check(*example((2, 16, 8, 20, 30, 3, 5), dtype), by_module(gemm))


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
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    seed=st.integers(0, 99),
)
@explicit((1, 16, 8, 1, 1, 3, 2), torch.bfloat16, 0)
@settings(max_examples=12)
def test_every_size(shape, dtype, seed):
    check(*example(shape, dtype, seed=seed))


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
            cpu._plans.clear()
            tensors = [t.clone().requires_grad_() for t in (x, weight, bias)]
            found = cs_conv2d(*tensors, classes)
            found.backward(gradient)
            results.append([found, *(t.grad for t in tensors)])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_maps_of_several_scales_are_sorted_once(monkeypatch):
    sorted_maps = []
    monkeypatch.setattr(
        cpu, "sort_tiles", lambda *a: sorted_maps.append((a[0].shape, a[5])) or sort_tiles(*a)
    )
    cpu._plans.clear()
    cases = [example((1, 8, 8, side, side, 3, 5))[0] for side in (8, 16, 32)]
    for _ in range(3):
        for case in cases:
            cs_conv2d(*case)
    assert len(set(sorted_maps)) == len(sorted_maps)  # no band twice
    assert {shape for shape, _ in sorted_maps} == {(1, 8, 8), (1, 16, 16), (1, 32, 32)}


def test_memory_kept_for_gradients_is_bounded():
    """Many classes and many groups of rows: sums of all groups would take 64 times the weights."""
    (x, weight, bias, classes), gradient = example((2, 32, 32, 256, 256, 3, 400))
    cs_conv2d(x, weight.requires_grad_(), bias, classes).backward(gradient)
    kept = [array.nbytes for (_, name), array in cpu._memory.items() if name == "sums"]
    assert max(kept) <= max(32 << 20, 2 * weight.numel() * 4)


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
    conv = torch.nn.Conv2d(channels, 16, 3, padding=1)
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


def test_plain_numba_gives_the_same():
    """In a process of its own: which micro-kernels run is settled at import."""
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from tests.hybrid.test_csconv import check, example\n"
        "from raisr.kernels.micro import VECTOR\n"
        "assert not VECTOR\n"
        "for dtype in (torch.float32, torch.bfloat16):\n"
        "    check(*example((1, 16, 16, 20, 30, 3, 4), dtype))\n"
    )
    environment = {**os.environ, "RAISR_VECTOR": "0"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


def test_code_for_another_processor_asks_nothing_of_this_one(tmp_path):
    """Numba may be told to write code for an older processor, as for a cache that is shared."""
    script = (
        "import torch; torch.set_num_threads(1)\n"
        "from hybrid import cs_conv2d\n"
        "from tests.hybrid.test_csconv import check, close, example, reference\n"
        "check(*example((1, 16, 16, 20, 30, 3, 4), torch.bfloat16))\n"
        "given, _ = example((1, 16, 16, 20, 30, 3, 4))\n"
        "wanted = reference.cs_conv2d(*(t.double() for t in given[:3]), given[3])\n"
        "close(cs_conv2d(*given), wanted, torch.float32)\n"
    )
    name = "haswell" if platform.machine() == "x86_64" else "generic"
    environment = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
