"""raisr sharpen: amounts, folders, and bad input."""

import numpy as np
import pytest
from skimage import data

import raisr
from raisr.cli import main
from raisr.io import read_image, write_image
from tests.cli.commands import fails
from tests.images import scene

PHOTO = data.astronaut()[20:120, 100:220]


@pytest.mark.parametrize("amount", [None, "0.5", "2"])
def test_files_are_sharpened(tmp_path, capsys, amount):
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    write_image(source, PHOTO)
    options = [] if amount is None else ["--amount", amount]
    assert main(["sharpen", *options, str(source), str(target)]) == 0
    assert f"sharpened by {amount or 1}" in capsys.readouterr().out
    wanted = raisr.sharpen(PHOTO, float(amount or 1), channel_axis=-1)
    np.testing.assert_array_equal(read_image(target)[0], wanted)


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", "u1"), (".tif", "i4"), (".tif", "f4")])
def test_amount_0_changes_nothing(tmp_path, capsys, suffix, dtype):
    pixels = PHOTO.astype(dtype)
    if dtype == "i4":
        pixels += 123_456_789  # more digits than float32 has
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_image(source, pixels)
    assert main(["sharpen", "--amount", "0", str(source), str(target)]) == 0
    assert "changed nothing: the amount is 0" in capsys.readouterr().out
    np.testing.assert_array_equal(read_image(target)[0], pixels)


def test_folders_are_resumed(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "a.png", PHOTO)
    write_image(tmp_path / "in" / "b.tif", scene())
    command = ["sharpen", str(tmp_path / "in"), str(tmp_path / "out")]
    assert main(command) == 0
    assert "2 sharpened, 0 kept, 0 failed" in capsys.readouterr().out
    assert main(command) == 0
    assert "0 sharpened, 2 kept, 0 failed" in capsys.readouterr().out


@pytest.mark.parametrize("amount", ["-1", "2.1", "nan", "inf", "much"])
def test_bad_amounts(tmp_path, amount, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["sharpen", f"--amount={amount}", str(tmp_path / "in.png"), str(tmp_path / "o.png")])
    assert stop.value.code == 2
    assert "expected a number from 0 to 2" in capsys.readouterr().err


def test_bad_files(tmp_path, capsys):
    fails(capsys, "no such file", "sharpen", tmp_path / "none.png", tmp_path / "out.png")
    write_image(tmp_path / "in.tif", np.full((9, 9), np.nan, np.float32))
    fails(capsys, "not finite", "sharpen", tmp_path / "in.tif", tmp_path / "out.tif")
    fails(capsys, "IN and OUT must differ", "sharpen", tmp_path / "in.tif", tmp_path / "in.tif")
    assert not (tmp_path / "out.tif").exists()
