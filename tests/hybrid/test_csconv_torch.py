"""Class-specific convolution as an operator of PyTorch: autograd, tracing, compiling, autocast."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from hybrid import CSConv2d, cs_conv2d
from tests.hybrid.test_csconv import check, example

CHANNELS = pytest.mark.parametrize("channels", [8, 3])


@CHANNELS
@pytest.mark.parametrize("bias", [True, False])
def test_gradcheck(channels, bias):
    (x, weight, offsets, classes), _ = example((2, channels, 2, 5, 4, 3, 3), torch.float64, bias)
    tensors = [t if t is None else t.requires_grad_() for t in (x, weight, offsets)]
    assert torch.autograd.gradcheck(lambda *t: cs_conv2d(*t, classes), tensors)


def test_gradcheck_of_the_kernels():
    # float32: differences are exact enough because the operator is linear in each argument.
    (x, weight, bias, classes), _ = example((1, 8, 8, 5, 4, 3, 2))
    tensors = [t.requires_grad_() for t in (x, weight, bias)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*double precision.*")
        assert torch.autograd.gradcheck(
            lambda *t: cs_conv2d(*t, classes),
            tensors,
            eps=0.5,
            atol=1e-3,
            rtol=1e-3,
            fast_mode=True,
        )


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((2, 16, 8, 12, 13, 3, 5), torch.float32),
        ((2, 16, 8, 12, 13, 3, 5), torch.bfloat16),
        ((1, 3, 2, 6, 7, 3, 4), torch.float64),
    ],
    ids=str,
)
def test_opcheck(shape, dtype):
    (x, weight, bias, classes), gradient = example(shape, dtype)
    operators = torch.ops.hybrid
    for offsets in (bias, None):
        tensors = [t if t is None else t.clone().requires_grad_() for t in (x, weight, offsets)]
        torch.library.opcheck(operators.cs_conv2d, (*tensors, classes))
    for wants in ((True, True), (True, False), (False, True)):
        arguments = gradient, x, weight, classes, *wants
        torch.library.opcheck(operators.cs_conv2d_backward, arguments)


def test_second_derivatives_are_refused():
    (x, weight, bias, classes), _ = example((1, 8, 8, 5, 4, 3, 2))
    x.requires_grad_()
    (first,) = torch.autograd.grad(
        cs_conv2d(x, weight, bias, classes).square().sum(), x, create_graph=True
    )
    with pytest.raises(RuntimeError, match="autograd"):
        first.sum().backward()


@CHANNELS
def test_compiles_to_one_graph(channels):
    layer = CSConv2d(channels, 16, 3, 5)
    (x, *_, classes), _ = example((1, channels, 16, 12, 13, 3, 5))
    torch.compiler.reset()

    def twice(x):
        return torch.relu(layer(x, classes)) * 2

    compiled = torch.compile(twice, fullgraph=True, backend="aot_eager")
    mine, eager = x.clone().requires_grad_(), x.clone().requires_grad_()
    found, wanted = compiled(mine), twice(eager)
    torch.testing.assert_close(found, wanted)
    found.sum().backward()
    found_weight, layer.weight.grad = layer.weight.grad, None
    wanted.sum().backward()
    torch.testing.assert_close(mine.grad, eager.grad)
    torch.testing.assert_close(found_weight, layer.weight.grad)


def test_exports():
    layer = CSConv2d(16, 8, 3, 5)
    (x, *_, classes), _ = example((1, 16, 8, 12, 13, 3, 5))
    program = torch.export.export(layer, (x, classes))
    assert torch.equal(program.module()(x, classes), layer(x, classes))


@pytest.mark.parametrize("channels", [16, 3])
def test_autocast(channels):
    layer = CSConv2d(channels, 16, 3, 5)
    (x, *_, classes), gradient = example((1, channels, 16, 12, 13, 3, 5))
    x.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x, classes)
        assert cs_conv2d(x.double(), layer.weight.double(), None, classes).dtype == torch.float64
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, cs_conv2d(x.bfloat16(), layer.weight, layer.bias, classes))
    found.backward(gradient.bfloat16())
    # Gradients of parameters are sums in float32 and stay so.
    assert [t.grad.dtype for t in (x, layer.weight, layer.bias)] == [torch.float32] * 3
    assert not torch.equal(layer.weight.grad, layer.weight.grad.bfloat16().float())


def test_float16():
    (x, weight, bias, classes), gradient = example((1, 16, 16, 12, 13, 3, 5))
    exact = x.half().float(), weight.half().float(), bias.half().float()
    halves = [t.half().requires_grad_() for t in (x, weight, bias)]
    found = cs_conv2d(*halves, classes)
    torch.testing.assert_close(found, cs_conv2d(*exact, classes).half())
    found.backward(gradient.half())
    assert all(t.grad.dtype == torch.float16 for t in halves)


def test_bfloat16_with_weights_in_float32():
    (x, weight, bias, classes), gradient = example((1, 16, 16, 30, 40, 3, 5))
    narrow = x.bfloat16(), weight.bfloat16().float(), bias
    tensors = [t.clone().requires_grad_() for t in narrow]
    found = cs_conv2d(*tensors, classes)
    found.backward(gradient.bfloat16())
    exact = [t.float().clone().requires_grad_() for t in narrow]
    cs_conv2d(*exact, classes).backward(gradient.bfloat16().float())
    torch.testing.assert_close(tensors[1].grad, exact[1].grad, rtol=0, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_under_inference_mode(dtype):
    (x, weight, bias, classes), _ = example((1, 16, 16, 12, 13, 3, 5), dtype)
    wanted = cs_conv2d(x, weight, bias, classes)
    with torch.inference_mode():
        assert torch.equal(cs_conv2d(x, weight, bias, classes.clone()), wanted)


def test_from_several_threads():
    cases = [example((1, 16, 16, 40, 50 + i, 3, 5 + i), seed=i) for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        for _ in pool.map(lambda case: check(*case), cases):
            pass
