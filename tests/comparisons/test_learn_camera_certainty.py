"""The weights that tell noise of a camera, and the measurement of their recipe."""

import json

import numpy as np
import pytest
from skimage import data

from comparisons import learn_camera_certainty
from comparisons.learn_camera_certainty import Sky, images, main
from tests.comparisons.tiny_sets import learn_from


@pytest.fixture
def results(monkeypatch, tmp_path):
    """Folder of what is written; two photographs in colour."""
    pictures = {"a": data.astronaut()[:160, 100:280], "b": data.coffee()[:160, :180]}
    further = {"WEIGHTS": tmp_path / "weights.json", "_SKIES": 1}
    return learn_from(monkeypatch, learn_camera_certainty, tmp_path, pictures, **further)


def test_images_are_of_cameras_or_without_noise(results):
    found = list(images(results))
    kinds = [image.kind.split(",")[0] for image in found]
    assert kinds == ["half", "own", "camera", "camera", "mosaic"] * 2
    assert [image.is_camera for image in found] == [False, False, True, True, True] * 2
    for one, other in zip(found, images(results), strict=True):
        np.testing.assert_array_equal(one.seen[0].levels, other.seen[0].levels)


def test_writes_by_what_noise_is_told(results, tmp_path):
    main([])
    facts = json.loads((tmp_path / "weights.json").read_text())
    assert np.shape(facts["weights"]) == (65,)
    assert np.any(facts["weights"])
    assert (facts["training_images"], facts["skies"]) == (2, 1)


def test_skies_are_dark_and_have_stars():
    one, other = (Sky(f"sky 0, {number}").read() for number in range(2))
    assert (one.shape, one.dtype) == ((320, 480, 3), np.uint8)
    assert np.median(one) < 40
    assert one.max() > 100
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, Sky("sky 0, 0").read())


def test_hold_back_counts_what_seems_a_camera(results, tmp_path):
    main(["--hold-back"])
    assert not (tmp_path / "weights.json").exists()
    found = json.loads((tmp_path / "hold_back.json").read_text())["found"]
    assert found["half"]["images"] == found["own"]["images"] == 2  # a photograph, and a sky
    assert sum(row["images"] for row in found.values()) == 10
    for row in found.values():
        assert row["white"] + row["surely"] + row["perhaps"] <= row["images"]
