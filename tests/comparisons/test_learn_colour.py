"""What the shipped models need for colour: learned by the command, shipped by the recipes."""

import json

import pytest

from comparisons import learn_colour
from comparisons.learn_colour import COLOURED_PAGES, PAGES, RECIPES, STRONG, Recipe, main
from raisr import HashSpec
from raisr.colour_files import read_parts
from raisr.models import COLOUR_LADDER, MODELS, colour_bank_for, colour_bank_path

SPEC = HashSpec.preset("csconv")


@pytest.fixture
def banks(monkeypatch, tmp_path, tiny_dataset):
    """Folder of the banks; small recipes, learned from two small images."""
    folder = tmp_path / "banks"
    recipe = Recipe([(SPEC, 3)], [("luma", SPEC), ("own", SPEC)])
    monkeypatch.setattr(learn_colour, "RECIPES", dict.fromkeys(MODELS, recipe))
    monkeypatch.setattr(learn_colour, "HELD_BACK", tmp_path / "hold_back.json")
    monkeypatch.setattr(learn_colour, "HELD_BACK_IMAGES", slice(1, 2))
    monkeypatch.setattr(learn_colour, "load_dataset", lambda *_, **__: tiny_dataset)
    monkeypatch.setattr(
        learn_colour,
        "colour_bank_path",
        lambda model, sigma: folder / f"{model}_{sigma:g}.safetensors",
    )
    folder.mkdir()
    return folder


def test_writes_what_was_asked_for(banks):
    main(["--model", "fast", "--sigma", "15,25"])
    assert sorted(path.name for path in banks.iterdir()) == [
        "fast_15.safetensors",
        "fast_25.safetensors",
    ]
    parts, guides, facts = read_parts(banks / "fast_15.safetensors")
    assert [len(parts[name]) for name in ("luma", "wide", "narrow")] == [1, 2, 2]
    assert guides == ("luma", "own")
    assert (facts["model"], facts["sigma"], facts["training_images"]) == ("fast", 15, 2)
    assert facts["fixed_edges"] == []


def test_every_nth_image(banks):
    main(["--model", "fast", "--sigma", "15", "--every", "2"])
    assert read_parts(banks / "fast_15.safetensors")[2]["training_images"] == 1


def test_hold_back_only_measures(banks, capsys):
    main(["--model", "fast", "--sigma", "25", "--hold-back"])
    assert "fast sigma 25" in capsys.readouterr().out
    found = json.loads((banks.parent / "hold_back.json").read_text())["found"]
    assert 15 < found[0]["psnr"] < 45
    assert not list(banks.iterdir())


@pytest.mark.parametrize("sigma", COLOUR_LADDER)
@pytest.mark.parametrize("model", MODELS)
def test_shipped_banks_follow_the_recipes(model, sigma):
    recipe = RECIPES[model]
    parts, guides, facts = read_parts(colour_bank_path(model, sigma))
    luma = [(stage.spec.shape, stage.size) for stage in parts["luma"]]
    assert luma == [(spec.shape, size) for spec, size in recipe.luma]
    assert guides == tuple(guide for guide, _ in recipe.chroma)
    for name in ("wide", "narrow"):
        for stage, (guide, spec) in zip(parts[name], recipe.chroma, strict=True):
            orientations, strengths, coherences = spec.shape
            strengths += STRONG["bins"] if guide == "own" else 0
            assert stage.spec.shape == (orientations, strengths, coherences)
            assert stage.spec.window == spec.window
            assert not stage.bias.any()
    assert facts["documents"]["pages"] == len(PAGES) + len(COLOURED_PAGES)
    assert (facts["model"], facts["sigma"], facts["training_set"]) == (model, sigma, "bsd400")
    assert "non-commercial" in facts["terms"]


@pytest.mark.parametrize("model", MODELS)
def test_any_levels_make_a_bank(model):
    for levels in ((0.01, 0.02, 3), (3, 40, 7), (200, 500, 500)):
        bank = colour_bank_for(model, *levels)
        assert bank.guides[0] == "luma"
        assert bank.chroma[0].stages[0].spec == bank.chroma[1].stages[0].spec
