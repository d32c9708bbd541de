"""`raisr hash`: a picture of the classes."""

import numpy as np

import raisr
from raisr.cli import main
from raisr.io import read_image, write_image
from tests.cli.commands import COLOUR, fails


def test_hash_draws_the_classes(tmp_path, capsys):
    write_image(tmp_path / "in.png", COLOUR)
    target = tmp_path / "classes.png"
    assert main(["hash", str(tmp_path / "in.png"), str(target)]) == 0
    picture, _ = read_image(target)
    assert picture.shape == COLOUR.shape
    luma = COLOUR.astype(np.float32) @ np.array([0.29894, 0.58704, 0.11402], np.float32)
    classes = raisr.hash_image(luma, data_range=255)
    for index in np.unique(classes):
        assert len(np.unique(picture[classes == index], axis=0)) == 1
    fails(capsys, "no preset 'x'", "hash", "--spec", "x", tmp_path / "in.png", tmp_path / "o.png")
    fails(capsys, "already there", "hash", tmp_path / "in.png", target)
