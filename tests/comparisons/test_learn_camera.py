"""What the shipped filters for camera noise are learned from, and the command that learns them."""

import json

import numpy as np
import pytest

from comparisons import learn_camera
from comparisons.learn_camera import CHROMA, LUMA, RUNGS, SIZE, main, photograph
from raisr import HashSpec
from raisr.camera_models import camera_bank_path
from raisr.pyramid_bank import PyramidBank

SPEC = HashSpec.preset("csconv")


@pytest.fixture
def banks(monkeypatch, tmp_path, tiny_dataset):
    """Folder of the banks; a small recipe, learned from two small images."""
    folder = tmp_path / "banks"
    folder.mkdir()
    for name, value in {
        "LUMA": [[SPEC], [SPEC]],
        "CHROMA": [[SPEC], [SPEC]],
        "SIZE": 3,
        "HELD_BACK": tmp_path / "hold_back.json",
        "HELD_BACK_IMAGES": slice(1, 2),
        "load_dataset": lambda *_, **__: tiny_dataset,
        "camera_bank_path": lambda kind, gain: folder / f"{kind}_{gain:g}.safetensors",
        "LEVEL_WEIGHTS": folder / "levels.json",
    }.items():
        monkeypatch.setattr(learn_camera, name, value)
    return folder


def test_writes_what_was_asked_for(banks):
    main(["--bank", "camera_0.002,mosaic_0.012"])
    found = {path.stem: PyramidBank.load(path).metadata for path in banks.iterdir()}
    assert set(found) == {"camera_0.002", "mosaic_0.012"}
    facts = found["camera_0.002"]
    assert (facts["kind"], facts["gain"], facts["training_images"]) == ("camera", 0.002, 2)
    assert len(facts["levels"]) == 2


def test_writes_by_what_levels_are_told(banks):
    main(["--bank", "levels"])
    facts = json.loads((banks / "levels.json").read_text())
    assert facts["training_images"] == 2
    for kind in ("camera", "mosaic"):
        assert np.shape(facts[kind]) == (2, 17)


def test_hold_back_measures_all_banks_and_no_levels(banks):
    main(["--hold-back"])
    found = json.loads((banks.parent / "hold_back.json").read_text())["found"]
    assert [one["name"] for one in found] == list(RUNGS)


def test_hold_back_only_measures(banks):
    main(["--bank", "camera_0.008", "--hold-back"])
    found = json.loads((banks.parent / "hold_back.json").read_text())["found"]
    assert found[0]["name"] == "camera_0.008"
    assert 10 < found[0]["noisy"] < found[0]["psnr"] + 5
    assert not list(banks.iterdir())


def test_photographs_are_drawn_by_name_and_run(tiny_dataset):
    image = tiny_dataset.images[1]
    for kind in ("camera", "mosaic"):
        noisy, target = photograph(image, kind, 0.01)
        assert noisy.shape == target.shape == image.read().shape
        again, _ = photograph(image, kind, 0.01)
        other, _ = photograph(image, kind, 0.01, run=1)
        np.testing.assert_array_equal(again, noisy)
        assert (other != noisy).any()
    np.testing.assert_array_equal(photograph(image, "mosaic", 0.01)[1], image.read())


def test_a_processed_photograph_has_less_noise_of_its_own(tiny_dataset):
    image = tiny_dataset.images[1]
    pairs = [photograph(image, "camera", 0.02, processed=processed) for processed in (False, True)]
    plain, processed = (noisy - target.astype(float) for noisy, target in pairs)
    assert np.diff(processed, axis=1).std() < 0.9 * np.diff(plain, axis=1).std()
    assert abs(processed.mean()) < 2


@pytest.mark.parametrize("name", RUNGS)
def test_shipped_banks_follow_the_recipe(name):
    bank = PyramidBank.load(camera_bank_path(*RUNGS[name]))
    for scale, luma, chroma in zip(bank.scales, LUMA, CHROMA, strict=True):
        for stages, specs in zip(scale.planes, (luma, chroma, chroma), strict=True):
            for stage, spec in zip(stages, specs, strict=True):
                assert (stage.spec.shape, stage.spec.window) == (spec.shape, spec.window)
                assert stage.size == SIZE
