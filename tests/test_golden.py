"""End to end, every shipped model gives the quality that it was shipped with."""

import json

import numpy as np
import pytest

from tests import golden_outputs
from tests.golden_outputs import PATH, outputs

GOLDEN = json.loads(PATH.read_text(encoding="utf-8"))
OUTPUTS = outputs()


def test_every_shipped_model_has_a_golden_output():
    assert list(GOLDEN) == list(OUTPUTS)


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_quality_of(name):
    found, wanted = OUTPUTS[name](), GOLDEN[name]
    assert found["psnr"] == pytest.approx(wanted["psnr"], abs=0.01)
    assert np.abs(np.subtract(found["pixels"], wanted["pixels"])).mean() < 0.05


def test_help_measures_nothing(monkeypatch, capsys):
    monkeypatch.setattr(golden_outputs, "outputs", lambda: pytest.fail("it was measured"))
    for arguments in (["--help"], ["all"]):
        with pytest.raises(SystemExit):
            golden_outputs.main(arguments)
    assert "usage: python -m tests.golden_outputs" in capsys.readouterr().out
