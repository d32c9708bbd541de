"""The page of tasks learned from pairs: its pairs, its numbers, its pictures."""

import numpy as np
import pytest
from skimage import data

import raisr
from comparisons import gallery
from comparisons.measure.pairs import TASKS, grain_pair, mosaic_pair, whole
from comparisons.measure.store import COMMITTED
from raisr.io import read_image
from raisr.jpeg import estimate_jpeg_quality
from raisr.provenance import read_json

PHOTO = data.astronaut()[:120, 100:240]
BY_NAME = {task.name: task for task in TASKS}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("case", ["make", "change"])
def test_a_pair_is_of_8_bits_and_of_one_shape(task, case):
    pair = getattr(task, case)(PHOTO, (1, 2))
    assert {image.dtype for image in pair} == {np.dtype("u1")}
    assert task.plain(pair).shape == pair[1].shape
    assert not np.array_equal(task.plain(pair), pair[1])
    np.testing.assert_array_equal(pair[0], getattr(task, case)(PHOTO, (1, 2))[0])


def test_motion_smears_along_rows():
    step = np.zeros((5, 40), np.uint8)
    step[:, 20:] = 70
    blurred, target = BY_NAME["motion"].make(step, (0,))
    assert blurred[2, 15:25].tolist() == [0, 0, 10, 20, 30, 40, 50, 60, 70, 70]
    np.testing.assert_array_equal(target, step)


def test_blocks_are_of_the_quality():
    assert estimate_jpeg_quality(BY_NAME["jpeg"].make(PHOTO, (0,))[0]) == 20
    shape = BY_NAME["jpeg"].change(PHOTO, (0,))[0].shape
    assert shape == (117, 137)


def test_a_mosaic_has_one_colour_a_pixel():
    colours = np.zeros((6, 6, 3), np.uint8) + np.uint8([10, 20, 30])
    mosaic, green, guess = mosaic_pair(colours, (0,))
    assert mosaic[:2, :2].tolist() == [[10, 20], [20, 30]]
    assert (green == 20).all()
    assert (guess == 20).all()


def test_grain_is_that_of_mid_tones():
    ends = [np.std(grain_pair(np.full((60, 60), v, "u1"), (0,))[0]) for v in (0, 60, 128)]
    assert ends[0] == 0
    assert 12 < ends[1] < ends[2] == pytest.approx(20, abs=0.5)


def test_numbers_are_rounded_and_clipped():
    assert whole(np.array([-3, 0.6, 300])).tolist() == [0, 1, 255]


def test_it_writes_numbers_pictures_and_the_page(monkeypatch, tmp_path, tiny_dataset, capsys):
    def learn_narrow(pairs, size, learn=raisr.learn_filters):
        assert size == 13  # whose equations take ten seconds to solve, however small the images
        return learn(pairs, size=9)

    monkeypatch.setattr(raisr, "learn_filters", learn_narrow)
    monkeypatch.setattr(gallery, "load_dataset", lambda *_, **__: tiny_dataset)
    monkeypatch.setattr(gallery, "TASKS", [BY_NAME["motion"]])
    folders = ["--results", str(tmp_path), "--docs", str(tmp_path)]
    gallery.main([*folders, "--task", "motion", "--every", "1"])
    found = read_json(tmp_path / gallery.FILE)
    scores = found["tasks"]["motion"]["as learned"]
    assert scores["after"] > scores["before"]
    page = (tmp_path / gallery.PAGE).read_text()
    assert f"{scores['after']:.2f}" in page
    assert "def blur_pair" in page
    assert "gallery/motion.png" in page
    pixels, _ = read_image(tmp_path / "gallery" / "motion.png")
    assert pixels.shape == (240, 968)
    assert "Motion blur" in capsys.readouterr().out


def test_the_page_is_that_of_the_committed_numbers():
    results = read_json(COMMITTED / gallery.FILE)
    assert (gallery.DOCS / gallery.PAGE).read_text() == gallery.page(results)
    for found in results["tasks"].values():
        assert found["seconds"] < 60
        assert found["as learned"]["after"] > found["as learned"]["before"] + 0.8
    pictures = list((gallery.DOCS / "gallery").glob("*.png"))
    assert {path.stem for path in pictures} == set(BY_NAME)
    assert sum(path.stat().st_size for path in pictures) < 300_000
