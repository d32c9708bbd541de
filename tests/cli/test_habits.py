"""What commands that clean pictures have in common: depth, alpha, hidden colours, EXIF, profile."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from raisr.cli import main
from raisr.io import read_image, write_image
from raisr.jpeg import compress

PHOTO = data.astronaut()[20:120, 100:220]
COMMANDS = {
    "deblock": (("deblock", "--quality", "20"), compress(PHOTO, 20)),
    "sharpen": (("sharpen",), PHOTO),
}


@pytest.fixture(params=COMMANDS)
def command(request):
    """Return a command with its options, and a picture that it changes."""
    return COMMANDS[request.param]


def run(command, source, target):
    assert main([*command, str(source), str(target)]) == 0
    return read_image(target)[0]


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", "u2"), (".tif", "i2"), (".tif", "f4")])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_depth_and_alpha_stay(command, tmp_path, suffix, dtype, channels):
    command, image = command
    image = image[..., 0] if channels < 3 else image
    if channels in (2, 4):
        image = np.dstack([image, np.tile(np.arange(120, dtype=np.uint8) * 2, (100, 1))])
    scale = {"u2": 257, "i2": 100, "f4": 1 / 255}[dtype]
    pixels = (image.astype(float) * scale).astype(dtype)
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_image(source, pixels)
    out = run(command, source, target)
    assert (out.dtype, out.shape) == (pixels.dtype, pixels.shape)
    assert not np.array_equal(out, pixels)
    if channels in (2, 4):
        np.testing.assert_array_equal(out[..., -1], pixels[..., -1])
        np.testing.assert_array_equal(out[:, 0], pixels[:, 0])  # hidden


def test_hidden_colours_change_nothing_that_is_visible(command, tmp_path):
    command, image = command
    pixels = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    pixels[50:, :, 3] = 0
    results = []
    for value in (0, 255):
        pixels[50:, :, :3] = value
        write_image(tmp_path / "in.png", pixels)
        results.append(run(command, tmp_path / "in.png", tmp_path / f"{value}.png")[:50])
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures_are_turned_upright_and_keep_their_profile(command, tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PHOTO).save(tmp_path / "in.jpg", exif=exif, icc_profile=b"profile")
    run(command[0], tmp_path / "in.jpg", tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as written:
        assert written.size == (100, 120)
        assert written.getexif().get(0x0112, 1) == 1
        assert written.info["icc_profile"] == b"profile"
