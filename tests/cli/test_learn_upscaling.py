"""raisr learn --task upscale, and the bank that it makes in raisr upscale."""

import numpy as np
import pytest

import raisr
from raisr.cli import learn_upscaling, main
from raisr.io import read_image, write_image
from raisr.learning_upscaling import RECIPES
from tests.cli.commands import fails
from tests.images import scene


def run(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


def write_set(folder, count=9, deep=False):
    folder.mkdir()
    for seed in range(count):
        image = scene((96, 112), seed)
        write_image(folder / f"{seed}.png", image.astype(np.uint16) * 257 if deep else image)
    return folder


@pytest.fixture
def sharp(tmp_path):
    return write_set(tmp_path / "sharp")


def test_a_bank_of_ones_own_from_folder_to_picture(tmp_path, sharp, capsys):
    bank, out = tmp_path / "own.safetensors", tmp_path / "out.png"
    learn = ["learn", "--task", "upscale", "--factor", "3", "--stages", "2", "--clean", sharp]
    run(*learn, "-o", bank)
    facts = raisr.UpscalingBank.load(bank).metadata
    assert (facts["training_images"], facts["held_back_images"], facts["factor"]) == (8, 1, 3)
    assert facts["psnr_after"] > facts["psnr_before"] + 0.5
    said = capsys.readouterr().out
    assert f"learned from 8 images, PSNR {facts['psnr_before']:.2f} dB before, " in said
    assert "; 1 were held back to measure; " in said

    images = [scene((96, 112), seed).astype(float) for seed in (0, 1, 2, 3, 4, 5, 6, 8)]
    wanted = raisr.learn_upscaling(
        images, 3, RECIPES["best"][:2], held_back=[scene((96, 112), 7) / 1.0], data_range=255
    )
    for stage, same in zip(raisr.UpscalingBank.load(bank).stages, wanted.stages, strict=True):
        np.testing.assert_allclose(stage.filters, same.filters, atol=2e-3)

    picture = scene((40, 50), 99)
    write_image(tmp_path / "in.png", picture)
    run("upscale", "--model", bank, tmp_path / "in.png", out)  # the factor is that of the bank
    np.testing.assert_array_equal(read_image(out)[0], raisr.upscale(picture, 3, model=bank))
    run("upscale", "--overwrite", "--factor", "1.5", "--model", bank, tmp_path / "in.png", out)
    assert read_image(out)[0].shape == (60, 75)
    run("info", bank)
    assert "kind               upscaling bank" in capsys.readouterr().out


@pytest.mark.parametrize("factor", [2, 3])
def test_a_bank_from_pairs_of_two_folders(tmp_path, factor, capsys):
    large, small, path = tmp_path / "large", tmp_path / "small", tmp_path / "own.safetensors"
    pairs = []
    for seed in range(9):
        target = scene((96, 112 + 4 * seed), seed)[:, : 96 + 12 * (seed // 3)]
        blocks = target.reshape(96 // factor, factor, -1, factor)
        pairs.append((np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8), target))
    for folder, place in ((small, 0), (large, 1)):
        folder.mkdir()
        for number, pair in enumerate(pairs):
            write_image(folder / f"{number}.png", pair[place])
    start = ["learn", "--task", "upscale", "--clean", large, "--noisy", small, "-o", path]
    fails(capsys, f"0.png: it has shape {pairs[0][0].shape}", *start, "--factor", "4")
    run(*start, "--factor", str(factor), "--stages", "2")
    assert "learned from 8 images, PSNR " in (said := capsys.readouterr().out)
    assert "; 1 were held back to measure; " in said
    bank = raisr.UpscalingBank.load(path)
    wanted = raisr.learn_filters(pairs, factor=factor, stages=2)
    for stage, same in zip(bank.stages, wanted.stages, strict=True):
        np.testing.assert_allclose(stage.filters, same.filters, atol=2e-3)
    assert (bank.factor, bank.metadata["white"]) == (factor, 255)
    run("upscale", "--model", path, small / "0.png", tmp_path / "out.png")
    found = read_image(tmp_path / "out.png")[0]
    np.testing.assert_array_equal(found, raisr.upscale(pairs[0][0], factor, model=bank))
    write_image(small / "lone.png", pairs[0][0])
    run(*start, "--factor", str(factor), "--stages", "1", "--overwrite")
    assert "; noisy images without a clean one: 1" in capsys.readouterr().out


def test_sixteen_bits_are_learned_from_alike(tmp_path, sharp):
    deep = write_set(tmp_path / "deep", deep=True)
    banks = []
    for folder in (sharp, deep):
        path = folder.with_suffix(".safetensors")
        run("learn", "--task", "upscale", "--stages", "1", "--clean", folder, "-o", path)
        banks.append(raisr.UpscalingBank.load(path))
    np.testing.assert_array_equal(banks[0].stages[0].filters, banks[1].stages[0].filters)


def test_large_images_are_learned_from_in_their_middle(tmp_path, sharp, monkeypatch):
    monkeypatch.setattr(learn_upscaling, "_PIXELS", 9 * 48 * 56)
    path = tmp_path / "own.safetensors"
    run("learn", "--task", "upscale", "--stages", "1", "--clean", sharp, "-o", path)
    middles = [scene((96, 112), seed)[24:72, 28:84] for seed in (0, 1, 2, 3, 4, 5, 6, 8)]
    wanted = raisr.learn_upscaling(middles, 2, RECIPES["best"][:1]).stages[0]
    found = raisr.UpscalingBank.load(path)
    assert found.metadata["pixels"] == 8 * 48 * 56
    np.testing.assert_allclose(found.stages[0].filters, wanted.filters, atol=2e-3)


def test_bad_input(tmp_path, sharp, capsys):
    path = tmp_path / "own.safetensors"
    start = ["learn", "--task", "upscale", "--clean", sharp, "-o", path]
    for option in (["--sigma", "0"], ["--colour"], ["--size", "5"]):
        message = f"{option[0]} has no effect with --task upscale: leave it out"
        fails(capsys, message, *start, *option)
    fails(capsys, "--symmetric has no effect", *start, "--no-symmetric")
    fails(capsys, "learn one of 3, which serves it", *start, "--factor", "1.5")
    for stages in ("0", "4"):
        fails(capsys, "--stages must be from 1 to 3", *start, "--stages", stages)
    (tmp_path / "empty").mkdir()
    fails(capsys, "no images in this folder", *start[:4], tmp_path / "empty", "-o", path)
    write_image(sharp / "0.png", np.full((96, 1), 7, np.uint8))
    fails(capsys, "image 0 is 96 x 1: smaller than a block of 2 x 2", *start)
    assert not path.exists()


def test_banks_that_do_not_fit(tmp_path, capsys):
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    write_image(source, scene((10, 12)))
    model = ["upscale", source, out, "--model"]
    fails(capsys, "none: not one of fast, best, nor the file of a bank", *model, tmp_path / "none")
    fails(capsys, "in.png is not a readable upscaling bank", *model, source)
    bank = raisr.upscaling.bank_path("best", 3)
    fails(capsys, "the bank enlarges by 3; for factor 2,", *model, bank, "--factor", "2")
    fails(capsys, "is not a readable filter bank", "denoise", source, out, "--model", bank)
    assert not out.exists()
