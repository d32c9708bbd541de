import json

import pytest

from comparisons import learn_models
from comparisons.learn_models import RECIPES, STRONG, main
from raisr import FilterBank, HashSpec
from raisr.denoising import LADDER, MODELS, bank_path


@pytest.fixture
def banks(monkeypatch, tmp_path, tiny_dataset):
    """Folder of the banks; small recipes, learned from two small images."""
    folder = tmp_path / "banks"
    recipe = {"spec": [HashSpec.preset("csconv")], "size": 3}
    monkeypatch.setattr(learn_models, "CANDIDATES", dict.fromkeys(learn_models.CANDIDATES, recipe))
    monkeypatch.setattr(learn_models, "HELD_BACK", tmp_path / "hold_back.json")
    monkeypatch.setattr(learn_models, "HELD_BACK_IMAGES", slice(1, 2))
    monkeypatch.setattr(learn_models, "load_dataset", lambda *_, **__: tiny_dataset)
    monkeypatch.setattr(
        learn_models, "bank_path", lambda model, sigma: folder / f"{model}_{sigma:g}.safetensors"
    )
    return folder


def test_writes_the_banks_asked_for(banks):
    main(["--model", "fast", "--sigma", "15,25"])
    assert sorted(path.name for path in banks.iterdir()) == [
        "fast_15.safetensors",
        "fast_25.safetensors",
    ]
    facts = FilterBank.load(banks / "fast_15.safetensors").metadata
    assert (facts["model"], facts["sigma"], facts["protocol"]) == ("fast", 15, "standard")


def test_hold_back_only_measures(banks, capsys):
    main(["--model", "best,blade", "--sigma", "25", "--hold-back"])
    assert "best sigma 25" in capsys.readouterr().out
    found = json.loads((banks.parent / "hold_back.json").read_text())["found"]
    assert [entry["model"] for entry in found] == ["best", "blade"]
    assert all(15 < entry["psnr"] < 40 for entry in found)
    assert not banks.exists()


@pytest.mark.parametrize("sigma", LADDER)
@pytest.mark.parametrize("model", MODELS)
def test_shipped_banks_follow_the_recipes(model, sigma):
    bank = FilterBank.load(bank_path(model, sigma))
    for stage, spec in zip(bank.stages, RECIPES[model]["spec"], strict=True):
        orientations, strengths, coherences = spec.shape
        assert stage.spec.shape == (orientations, strengths + STRONG["bins"], coherences)
        assert stage.size == RECIPES[model]["size"]
        assert (stage.spec.window, stage.spec.presmooth) == (spec.window, spec.presmooth)
    facts = bank.metadata
    assert (facts["model"], facts["sigma"]) == (model, sigma)
    assert (facts["training_set"], facts["training_images"]) == ("bsd400", 399)
    assert "non-commercial" in facts["terms"]


def test_banks_of_presets_are_not_shipped(banks, capsys):
    with pytest.raises(SystemExit):
        main(["--model", "blade", "--sigma", "25"])
    assert "blade: only --hold-back measures presets" in capsys.readouterr().err
    assert not banks.exists()
