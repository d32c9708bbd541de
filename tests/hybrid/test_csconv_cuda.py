"""The Triton kernels: in Triton's interpreter everywhere, and on a GPU where there is one."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from hybrid import cs_conv2d
from hybrid.csconv import gemm, operator
from tests.hybrid.test_csconv import check, example

RIGHT = """
import torch
from hybrid.csconv import cuda
from tests.hybrid.test_csconv import by_module, check, example

torch.set_num_threads(1)
cs_conv2d = by_module(cuda)
check(*example((2, 3, 5, 7, 6, 3, 3)), cs_conv2d)
check(*example((1, 16, 16, 9, 12, 3, 4), torch.float16), cs_conv2d)
check(*example((1, 8, 80, 5, 6, 1, 2)), cs_conv2d)
cuda._PART = 8  # several parts a class
check(*example((1, 4, 5, 7, 6, 3, 2)), cs_conv2d)
"""

GUARDED = """
from contextlib import contextmanager
from hybrid.csconv import cuda
from tests.hybrid.test_csconv import by_module, check, example

inside, launched = [], set()

@contextmanager
def guard(x):
    inside.append(x.device)
    yield
    inside.pop()

class Launched:
    def __init__(self, name):
        self.name, self.kernel = name, getattr(cuda, name)

    def __getitem__(self, grid):
        assert inside, self.name
        launched.add(self.name)
        return self.kernel[grid]

    def __call__(self, *arguments):
        return self.kernel(*arguments)

kernels = {name for name, value in vars(cuda).items() if type(value) is type(cuda._fold)}
for name in kernels:
    setattr(cuda, name, Launched(name))
cuda._device_of = guard
check(*example((1, 3, 5, 7, 6, 3, 3)), by_module(cuda))
assert launched == kernels - {"_taps", "_weights"}, launched
"""


def test_interpreted():
    """In a process of its own, for Triton settles at import whether it interprets.

    Result and all gradients are right, launch every kernel, and none but on the device of x.
    """
    pytest.importorskip("triton", reason="Triton is not installed")
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-c", RIGHT + GUARDED], check=True, env=environment)


def test_kernels_run_on_the_device_of_their_tensors():
    pytest.importorskip("triton", reason="Triton is not installed")
    from hybrid.csconv import cuda

    x = SimpleNamespace(is_cuda=True, device=torch.device("cuda", 1))
    guard = cuda._device_of(x)
    assert isinstance(guard, torch.cuda.device)
    assert guard.idx == 1


def test_without_triton(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "hybrid.csconv.cuda", raising=False)
    monkeypatch.delattr("hybrid.csconv.cuda", raising=False)
    operator._triton_kernels.cache_clear()
    try:
        assert operator._triton_kernels() is gemm
    finally:
        operator._triton_kernels.cache_clear()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_on_a_gpu(dtype, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    arguments, gradient = example((2, 16, 16, 70, 60, 3, 72), dtype)
    check([t.cuda() for t in arguments], gradient.cuda())
    with pytest.raises(ValueError, match="x is on cuda:0, but classes on cpu"):
        cs_conv2d(*(t.cuda() for t in arguments[:3]), arguments[3])
