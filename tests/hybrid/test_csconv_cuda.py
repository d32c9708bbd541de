"""The Triton kernels: in Triton's interpreter everywhere, and on a GPU where there is one."""

import os
import subprocess
import sys

import pytest
import torch

from hybrid import _csconv_gemm, cs_conv2d, csconv
from tests.hybrid.test_csconv import check, example

SCRIPT = """
import torch
from hybrid import _csconv_cuda
from tests.hybrid.test_csconv import by_module, check, example

torch.set_num_threads(1)
cs_conv2d = by_module(_csconv_cuda)
check(*example((2, 3, 5, 7, 6, 3, 3)), cs_conv2d)
check(*example((1, 16, 16, 9, 12, 3, 4), torch.float16), cs_conv2d)
check(*example((1, 8, 80, 5, 6, 1, 2)), cs_conv2d)
_csconv_cuda._PART = 8  # several parts a class
check(*example((1, 4, 5, 7, 6, 3, 2)), cs_conv2d)
"""


def test_interpreted():
    """In a process of its own: Triton settles at import whether it interprets."""
    pytest.importorskip("triton", reason="Triton is not installed")
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, env=environment)


def test_without_triton(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "hybrid._csconv_cuda", raising=False)
    monkeypatch.delattr("hybrid._csconv_cuda", raising=False)
    csconv._triton_kernels.cache_clear()
    try:
        assert csconv._triton_kernels() is _csconv_gemm
    finally:
        csconv._triton_kernels.cache_clear()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_on_a_gpu(dtype):
    arguments, gradient = example((2, 16, 16, 70, 60, 3, 72), dtype)
    check([t.cuda() for t in arguments], gradient.cuda())
    with pytest.raises(ValueError, match="x is on cuda:0, but classes on cpu"):
        cs_conv2d(*(t.cuda() for t in arguments[:3]), arguments[3])
