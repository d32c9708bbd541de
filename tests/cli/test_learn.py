"""`raisr learn`: banks from folders of images."""

import numpy as np
import pytest

import raisr
from raisr import FilterBank
from raisr.cli import main
from raisr.io import list_images, read_image, write_image
from tests.cli.commands import COLOUR, GRAY, RNG, fails


def write_set(folder, count=3):
    folder.mkdir()
    ramp = np.add.outer(np.arange(40), 3 * np.arange(48))
    for index in range(count):
        pixels = np.rot90(ramp, 2 * index)
        write_image(folder / f"{index}.png", pixels.astype(np.uint8))
    return folder


def test_learn_from_added_noise(tmp_path, capsys):
    clean, path = write_set(tmp_path / "clean"), tmp_path / "new.safetensors"
    command = ["learn", "--clean", clean, "--sigma", "10%", "--size", "3", "-o", path]
    command += ["--spec", "csconv", "--stages", "2", "--seed", "7", "--threads", "1"]
    assert main([str(part) for part in command]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: learned from 3 images")
    bank = FilterBank.load(path)
    assert [stage.size for stage in bank.stages] == [3, 3]
    assert bank.metadata["sigma"] == pytest.approx(25.5)
    assert bank.metadata["seed"] == 7

    pairs = [
        (raisr.noise.add_gaussian_noise(pixels, 25.5, [7, index]), pixels.astype(np.float32))
        for index, pixels in enumerate(read_image(clean / n)[0] for n in list_images(clean))
    ]
    same = raisr.learn_filters(pairs, "csconv", size=3, stages=2, data_range=255)
    np.testing.assert_array_equal(same.stages[1].filters, bank.stages[1].filters)


def test_learn_from_pairs_of_colour_files(tmp_path):
    clean = tmp_path / "clean"
    noisy = tmp_path / "noisy"
    for folder in (clean, noisy):
        folder.mkdir()
    for index in range(2):
        pixels = RNG.integers(20, 200, (40, 48, 3), dtype=np.uint8)
        write_image(noisy / f"{index}.png", pixels)
        write_image(clean / f"{index}.png", pixels + 30)
    path = tmp_path / "offset.safetensors"
    command = ["learn", "--clean", clean, "--noisy", noisy, "--size", "3", "-o", path]
    assert main([str(part) for part in command]) == 0
    image = RNG.integers(20, 200, (30, 30)).astype(np.float32)
    result = FilterBank.load(path).apply(image, data_range=255)
    np.testing.assert_allclose(result, image + 30, atol=0.2)


def test_learn_refuses_bad_input(tmp_path, capsys):
    clean, path = write_set(tmp_path / "clean"), tmp_path / "new.safetensors"
    noise = ["--sigma", "25", "-o", path]
    fails(capsys, "nowhere: not a folder", "learn", "--clean", tmp_path / "nowhere", *noise)
    (tmp_path / "empty").mkdir()
    fails(capsys, "empty: no images", "learn", "--clean", tmp_path / "empty", *noise)
    start = ["learn", "--clean", clean]
    message = "bank: the name of a bank must end in .safetensors"
    fails(capsys, message, *start, "--sigma", "25", "-o", tmp_path / "bank")
    missing = tmp_path / "no" / "new.safetensors"
    fails(capsys, "no: no such folder", *start, "--sigma", "25", "-o", missing)
    fails(capsys, "no preset 'finest'", *start, *noise, "--spec", "finest")
    fails(capsys, "size must be odd", *start, *noise, "--size", "4")

    noisy = write_set(tmp_path / "noisy", count=2)
    pairs = [*start, "--noisy", noisy, "-o", path]
    fails(capsys, "noisy/2.png: 1 of 3 clean images have no noisy image", *pairs)
    write_image(noisy / "2.png", GRAY)
    fails(capsys, "noisy/2.png: it has shape (24, 31), the clean image (40, 48)", *pairs)
    write_image(clean / "1.png", COLOUR.astype(np.uint16))
    fails(capsys, "1.png: it holds uint16 pixels, 0.png uint8", *start, *noise)
    assert not path.exists()
    path.touch()
    fails(capsys, "new.safetensors: already there; pass --overwrite", *start, *noise)
