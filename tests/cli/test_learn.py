"""`raisr learn`: banks from folders of images."""

import numpy as np
import pytest

import raisr
from raisr import ColourBank, FilterBank
from raisr.cli import main
from raisr.io import list_images, read_image, write_image
from tests.cli.commands import COLOUR, GRAY, RNG, fails
from tests.images import scene


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


def test_learn_colour_tells_the_errors_of_all_planes(tmp_path, capsys):
    clean, path = tmp_path / "clean", tmp_path / "new.safetensors"
    clean.mkdir()
    for seed in range(2):
        picture = np.dstack([scene((60, 72), seed=3 * seed + channel) for channel in range(3)])
        write_image(clean / f"{seed}.png", picture)
    command = ["learn", "--colour", "--clean", clean, "--sigma", "25", "--size", "3", "-o", path]
    assert main([str(part) for part in command]) == 0
    facts = ColourBank.load(path).metadata
    assert facts["psnr_before"] < facts["luma"]["psnr_before"] - 2
    before, after = facts["psnr_before"], facts["psnr_after"]
    assert f", PSNR {before:.2f} dB before, {after:.2f} dB after;" in capsys.readouterr().out


def test_tasks_with_a_direction_are_told_and_may_be_overruled(tmp_path, capsys):
    clean, blurred, path = tmp_path / "clean", tmp_path / "blurred", tmp_path / "new.safetensors"
    for folder in (clean, blurred):
        folder.mkdir()
    for seed in range(3):
        wide = scene((60, 88), seed).astype(float)
        write_image(clean / f"{seed}.png", wide[:, 4:-4].astype(np.uint8))
        moved = np.mean([wide[:, i : i + 80] for i in range(9)], axis=0)
        write_image(blurred / f"{seed}.png", np.rint(moved).astype(np.uint8))
    command = ["learn", "--clean", clean, "--noisy", blurred, "--spec", "csconv", "-o", path]
    command = [str(part) for part in command]
    scores = []
    for options, symmetric in (([], False), (["--symmetric"], True), (["--no-symmetric"], False)):
        assert main([*command, "--overwrite", *options]) == 0
        facts = FilterBank.load(path).metadata
        assert facts["symmetric"] is symmetric
        scores.append(facts["psnr_after"])
        assert ("the task has a direction" in capsys.readouterr().out) == (not options)
    assert scores[0] == scores[2]
    assert scores[0] > scores[1] + 0.1


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
    fails(capsys, "one of the arguments --sigma --noisy is required", *start, "-o", path)
    fails(capsys, "--factor has no effect with --task denoise", *start, *noise, "--factor", "2")

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


def test_pairs_match_by_their_stem(tmp_path, capsys):
    clean, noisy = tmp_path / "clean", tmp_path / "noisy"
    for folder, suffix in ((clean, "png"), (noisy, "bmp")):
        (folder / "sub").mkdir(parents=True)
        for name in ("a", "sub/a", "b.1"):
            write_image(folder / f"{name}.{suffix}", RNG.integers(0, 256, (40, 48), np.uint8))
    write_image(noisy / "alone.png", GRAY)
    path = tmp_path / "new.safetensors"
    command = ["learn", "--clean", clean, "--noisy", noisy, "--size", "3", "-o", path]
    assert main([str(part) for part in command]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{path}: learned from 3 images")
    assert "; noisy images without a clean one: 1; " in out

    command[-1] = tmp_path / "other.safetensors"
    write_image(noisy / "a.tif", GRAY)
    message = "clean/a.png: its noisy image may be"
    fails(capsys, message, *command)
    (noisy / "a.tif").unlink()
    write_image(clean / "a.tif", GRAY)
    fails(capsys, "noisy/a.bmp: its clean image may be", *command)
    assert not command[-1].exists()


def test_learn_tells_the_error_before_and_after(tmp_path, capsys, monkeypatch):
    clean, path = write_set(tmp_path / "clean"), tmp_path / "new.safetensors"
    learn_filters = raisr.learn_filters
    for after, told in [(31.5, "31.50 dB after;"), (19, "19.00 dB after: the filters do not help")]:

        def learn(*arguments, after=after, **options):
            bank = learn_filters(*arguments, **options)
            bank.metadata.update({"psnr_before": 20.25, "psnr_after": after})
            return bank

        monkeypatch.setattr(raisr, "learn_filters", learn)
        command = ["learn", "--clean", clean, "--sigma", "25", "--size", "3", "-o", path]
        assert main([*map(str, command), "--overwrite"]) == 0
        assert f", PSNR 20.25 dB before, {told}" in capsys.readouterr().out


def test_learn_names_the_file_of_bad_values(tmp_path, capsys):
    clean, path = tmp_path / "clean", tmp_path / "new.safetensors"
    clean.mkdir()
    pixels = np.zeros((9, 9), np.float32)
    pixels[2, 3] = np.nan
    write_image(clean / "a.tif", pixels)
    command = ["learn", "--clean", clean, "--sigma", "25", "-o", path]
    fails(capsys, "a.tif: not finite at (2, 3)", *command)
    write_image(clean / "a.tif", np.zeros((9, 9), np.int16))
    fails(capsys, "a.tif: int16 has no white of its own: pass --white", *command)
    write_image(clean / "a.tif", np.zeros((9, 9, 5), np.uint8))
    fails(capsys, "a.tif: it has 5 bands; expected gray or RGB", *command)


def test_hidden_colours_teach_nothing(tmp_path):
    clean = tmp_path / "clean"
    clean.mkdir()
    alpha = np.full((40, 48, 1), 255, np.uint8)
    alpha[:, 20:] = 0
    banks = []
    for hidden in (0, 255):
        pixels = np.tile(np.uint8(range(48)) * 5, (40, 1))[..., None].repeat(3, axis=2)
        pixels[:, 20:] = hidden
        write_image(clean / "a.png", np.dstack([pixels, alpha]))
        path = tmp_path / f"{hidden}.safetensors"
        command = ["learn", "--clean", clean, "--sigma", "25", "--size", "3", "-o", path]
        assert main([str(part) for part in command]) == 0
        banks.append(FilterBank.load(path))
    np.testing.assert_array_equal(banks[0].stages[0].filters, banks[1].stages[0].filters)
