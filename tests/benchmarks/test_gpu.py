"""The benchmark on a GPU where there is none, and its page from committed results."""

import sys

import pytest

from benchmarks import gpu
from raisr.command import run


def fails(capsys, message):
    with pytest.raises(SystemExit) as ended:
        run(lambda: gpu.main([]))
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_without_torch_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "find_spec", lambda name: None)
    fails(capsys, "needs PyTorch")


def test_without_a_gpu_one_line_says_so(monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    fails(capsys, "on a GPU")


def test_the_page_is_that_of_the_results(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "gpu.json"
    path.write_bytes(gpu._RESULTS.read_bytes())
    gpu.main(["--from-results", "--out", str(path)])
    page = gpu._RESULTS.with_suffix(".md").read_text()
    assert path.with_suffix(".md").read_text() == page
    assert page in capsys.readouterr().out
