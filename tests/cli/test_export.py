"""`raisr export`: filters for C, networks as ONNX."""

import numpy as np
import pytest

import hybrid
import raisr
from hybrid import exporting
from raisr.cli import export, main
from raisr.models import bank_for, colour_bank_for
from tests.cli.commands import fails


def test_a_bank_becomes_a_header(tmp_path, bank, capsys):
    target = tmp_path / "mine.h"
    assert main(["export", str(bank), str(target)]) == 0
    assert capsys.readouterr().out == f"{target}: written\n"
    (tmp_path / "wanted").mkdir()
    raisr.export_c(raisr.FilterBank.load(bank), tmp_path / "wanted" / "mine.h")
    assert target.read_text() == (tmp_path / "wanted" / "mine.h").read_text()
    fails(capsys, "already there; pass --overwrite", "export", bank, target)
    assert main(["export", "--overwrite", "fast_25", str(target)]) == 0
    raisr.export_c(bank_for("fast", 25), tmp_path / "wanted" / "mine.h")
    assert target.read_text() == (tmp_path / "wanted" / "mine.h").read_text()


def test_a_network_becomes_an_onnx_file(tmp_path):
    pytest.importorskip("onnxscript", reason="needs the extra `export`")
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs ONNX files")
    assert main(["export", "edsr16_standard_25", str(tmp_path / "network.onnx")]) == 0
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    (out,) = session.run(None, {"noisy": np.full((1, 1, 20, 30), 0.5, np.float32)})
    assert out.shape == (1, 1, 20, 30)


@pytest.mark.parametrize(("model", "name"), [("small", "unet_small"), ("base", "unet_base")])
def test_the_name_of_a_model_is_that_of_its_weights(tmp_path, monkeypatch, model, name):
    """What is exported; how: `tests/hybrid/test_exporting.py`, for the same weights."""
    given = []
    monkeypatch.setattr(exporting, "export", lambda *arguments: given.append(arguments))
    assert main(["export", model, str(tmp_path / "network.onnx")]) == 0
    ((denoiser, path),) = given
    assert str(path) == str(tmp_path / "network.onnx")
    wanted = hybrid.load(name)
    assert isinstance(denoiser, type(wanted))
    assert denoiser.provenance == wanted.provenance
    for found, weights in zip(
        denoiser.network.parameters(), wanted.network.parameters(), strict=True
    ):
        assert found.equal(weights)


def test_bad_input(tmp_path, bank, capsys):
    fails(capsys, "no filter bank at missing", "export", "missing", tmp_path / "a.h")
    fails(capsys, "must be one of C's and end in .h", "export", bank, tmp_path / "2.h")
    colour_bank_for("fast", 20, 30, 30).save(tmp_path / "colour.safetensors")
    colour = tmp_path / "colour.safetensors"
    fails(capsys, "must be a FilterBank, got ColourBank", "export", colour, tmp_path / "a.h")
    fails(capsys, "not a readable filter bank", "export", "fast_colour_25", tmp_path / "a.h")
    fails(capsys, "a.txt: the name must end in .h or .onnx", "export", bank, tmp_path / "a.txt")
    fails(capsys, "the name must end in .h or .onnx", "export", bank, tmp_path / "a")
    fails(capsys, "no such folder", "export", bank, tmp_path / "no" / "a.h")
    assert list(tmp_path.glob("a*")) == []


def test_bad_networks(tmp_path, bank, capsys):
    pytest.importorskip("torch", reason="needs the extra `export`")
    fails(capsys, "no weights 'missing'", "export", "missing", tmp_path / "a.onnx")
    fails(capsys, "is not a readable file of weights", "export", bank, tmp_path / "a.onnx")
    assert list(tmp_path.glob("a*")) == []


@pytest.mark.parametrize("missing", ["torch", "onnx"])
def test_without_its_packages_it_is_told(tmp_path, monkeypatch, missing):
    class Entry:
        def load(self):
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(export, "entry_points", lambda **_: [Entry()])
    with pytest.raises(ValueError, match=f"{missing}': install the extra `export`"):
        export._export_network("base", tmp_path / "a.onnx")


def test_a_mean_of_results_is_not_exported(tmp_path, capsys):
    path = tmp_path / "network.onnx"
    fails(
        capsys,
        "finest is the mean of 8 results of unet_base: export that",
        "export",
        "finest",
        path,
    )
    assert not path.exists()
