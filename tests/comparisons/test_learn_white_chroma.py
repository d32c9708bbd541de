"""The weights that tell white noise in chroma, and the measurement of their recipe."""

import json

import numpy as np
import pytest
from skimage import data

from comparisons import learn_white_chroma
from comparisons.learn_white_chroma import images, main
from tests.comparisons.tiny_sets import learn_from


@pytest.fixture
def results(monkeypatch, tmp_path):
    """Folder of what is written; two photographs in colour, and a gray one."""
    pictures = {
        "a": data.astronaut()[:160, 100:280],
        "b": data.coffee()[100:260, 100:280],
        "c": data.camera()[:160, :180],
    }
    weights = {"chroma": tmp_path / "weights.json"}
    return learn_from(monkeypatch, learn_white_chroma, tmp_path, pictures, WEIGHTS=weights)


def test_images_have_white_noise_or_none_or_are_photographs(results):
    found = list(images(results))
    assert [image.kind for image in found[:9]] == [
        *["white", "none"] * 3,
        *["camera", "camera", "mosaic"],
    ]
    assert len(found) == 18  # gray images have no chroma
    assert [image.is_white for image in found] == [image.kind == "white" for image in found]
    for one, other in zip(found, images(results), strict=True):
        np.testing.assert_array_equal(one.chroma[0][0], other.chroma[0][0])


def test_writes_by_what_noise_is_told(results, tmp_path):
    main([])
    facts = json.loads((tmp_path / "weights.json").read_text())
    assert np.shape(facts["weights"]) == (16,)
    assert np.any(facts["weights"])
    assert facts["training_images"] == 3


def test_hold_back_counts_what_is_taken_for_white(results, tmp_path):
    main(["--hold-back"])
    assert not (tmp_path / "weights.json").exists()
    found = json.loads((tmp_path / "hold_back.json").read_text())["found"]
    assert found["white"]["images"] == found["none"]["images"] == 3
    assert found["none"]["white"] == found["camera"]["white"] == 0
    assert 0 < found["white"]["white"] <= found["white"]["strong"] <= 3
