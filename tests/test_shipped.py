"""list_models: every file that is shipped, by what its header tells."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import raisr
from raisr import shipped
from raisr.camera_models import GAINS
from raisr.cli import main
from raisr.deblocking import QUALITIES
from raisr.models import COLOUR_LADDER, LADDER, MODELS

BANKS = Path(raisr.__file__).parent / "banks"


def test_every_file_is_listed_once_with_its_size_and_licence():
    models = {model.name: model for model in raisr.list_models() if model.size is not None}
    files = {path.stem: path.stat().st_size for path in BANKS.glob("*.safetensors")}
    assert {name: model.size for name, model in models.items()} == files
    for model in models.values():
        assert model.training_set == "bsd400"
        assert 50 <= model.training_images <= 399
        assert "non-commercial" in model.licence


def test_tasks_levels_and_factors_are_those_of_the_models():
    models = {model.name: model for model in raisr.list_models()}
    wanted = {f"deblock_{q}": ("deblock", ("quality", q), None) for q in QUALITIES}
    wanted["sharpen"] = ("sharpen", None, None)
    for model in MODELS:
        wanted |= {f"upscale_{model}_{n}": ("upscale", None, n) for n in (2, 3, 4)}
    for kind, gains in GAINS.items():
        wanted |= {f"{kind}_{gain:g}": ("denoise", ("gain", gain), None) for gain in gains}
    for model in MODELS:
        for infix, ladder in (("", LADDER), ("_colour", COLOUR_LADDER)):
            name = f"{model}{infix}"
            wanted |= {f"{name}_{s:g}": ("denoise", ("sigma", s), None) for s in ladder}
    found = {name: (models[name].task, models[name].level, models[name].factor) for name in wanted}
    assert found == wanted


def test_they_are_in_order():
    names = [model.name for model in raisr.list_models()]
    rungs = [name for name in names if name.startswith("fast_") and "colour" not in name]
    assert rungs == [f"fast_{sigma:g}" for sigma in LADDER]


def test_networks_are_named(monkeypatch):
    class Names:
        names = ("two", "one")

    monkeypatch.setattr(shipped, "entry_points", lambda group: Names())
    last = raisr.list_models()[-2:]
    assert last == [raisr.ShippedModel(name, "network", "denoise") for name in ("one", "two")]


def test_a_model_is_one_line_and_frozen():
    (model,) = (model for model in raisr.list_models() if model.name == "best_25")
    told = "denoise, filter bank, sigma 25, 399 images of bsd400"
    assert repr(model) == f"ShippedModel('best_25': {told}, {model.size / 1e6:.2f} MB)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.name = "other"


def test_the_command_lists_them(capsys):
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    models = raisr.list_models()
    assert lines[0].split() == ["name", "task", "kind", "for", "learned", "from", "size"]
    assert [line.split()[0] for line in lines[1 : len(models) + 1]] == [m.name for m in models]
    assert lines[-1].startswith("licence: learned from BSDS500")
    assert main(["info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(json.dumps([dataclasses.asdict(model) for model in models]))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"format": "raisr filter bank 1", "metadata": "{"}, "damaged, or no file"),
        ({"format": "raisr filter bank 1", "metadata": "[]"}, "no file of this package"),
        ({"format": "other bank 1", "metadata": "{}"}, "its format is 'other bank 1'"),
        ({"metadata": "{}"}, "damaged, or no file"),
    ],
)
def test_foreign_files_are_refused(tmp_path, header, message):
    path = tmp_path / "file.safetensors"
    save_file({"x": np.zeros(1)}, path, header)
    with pytest.raises(ValueError, match=message):
        shipped.read_facts(path)


def test_damaged_and_missing_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no bank at"):
        shipped.read_facts(tmp_path / "none")
    path = tmp_path / "cut.safetensors"
    path.write_bytes((BANKS / "fast_5.safetensors").read_bytes()[:300])
    with pytest.raises(ValueError, match="damaged, or no file"):
        shipped.read_facts(path)
