"""The weights that tell white noise from texture, and the measurement of their recipe."""

import json

import numpy as np
import pytest
from skimage import data

from comparisons import learn_white
from comparisons.learn_white import Image, images, main, share_of
from comparisons.measure.documents import Documents
from raisr.block_details import block_levels
from raisr.validate import as_channels
from tests.comparisons.tiny_sets import learn_from

PHOTOGRAPH = data.camera()[100:260, 150:330]


@pytest.fixture
def results(monkeypatch, tmp_path):
    """Folder of what is written; two photographs, and a page."""
    pictures = {"a": PHOTOGRAPH, "b": np.dstack([PHOTOGRAPH[:, ::-1]] * 3)}
    further = {"WEIGHTS": {"gray": tmp_path / "weights.json"}, "_SCORED": (0, 25)}
    learn_from(monkeypatch, learn_white, tmp_path, pictures, PAGES=Documents(1), **further)
    return tmp_path


def test_images_are_of_three_sizes_with_noise_and_without():
    found = list(images([PHOTOGRAPH], ["a"]))
    repeated = list(images([PHOTOGRAPH], ["a"]))
    assert [image.noisy.shape for image in found] == [
        (80, 90),
        (160, 180),
        (160, 180),
        (80, 90),
        (160, 180),
    ]
    errors = [np.std(image.noisy - image.clean.astype(float)) for image in found]
    assert min(errors[:3]) > 0.6
    assert errors[3:] == [0, 0]
    for one, other in zip(found, repeated, strict=True):
        np.testing.assert_array_equal(one.noisy, other.noisy)


def test_the_best_share_is_none_without_noise_and_all_of_strong_noise():
    (without,) = list(images([PHOTOGRAPH], ["a"]))[3:4]
    share, weight = share_of(without)
    assert share == 0
    assert weight > 0
    noise = np.random.default_rng(0).normal(0, 25, PHOTOGRAPH.shape)
    noisy = (PHOTOGRAPH + noise).astype(np.float32)
    (channel,) = as_channels(noisy, None, 255)
    image = Image(noisy, PHOTOGRAPH, 25.0, block_levels(channel))
    assert share_of(image)[0] >= 0.75
    assert share_of(image)[1] > 1


def test_writes_by_what_noise_is_told(results):
    main([])
    facts = json.loads((results / "weights.json").read_text())
    assert np.shape(facts["weights"]) == (16,)
    assert np.any(facts["weights"])
    assert (facts["training_images"], facts["pages"]) == (2, 1)


def test_hold_back_measures_photographs_not_learned_from(results):
    main(["--hold-back"])
    assert not (results / "weights.json").exists()
    clean, noisy = json.loads((results / "hold_back.json").read_text())["found"]
    assert clean["noisy"] == 70
    assert len(clean["below 45 dB"]) == 2
    assert (noisy["sigma"], noisy["images"]) == (25, 1)
    assert noisy["all"] > noisy["noisy"] + 3
