"""`raisr denoise --model small|base|finest`."""

import numpy as np
import pytest
from skimage import data

import raisr
from raisr.cli import main, networks
from raisr.io import read_image, write_image
from raisr.noise import add_camera_noise
from tests.cli.commands import COLOUR, GRAY, fails

hybrid = pytest.importorskip("hybrid.default", reason="PyTorch is not installed")


@pytest.mark.parametrize("model", ["small", "base", "finest"])
@pytest.mark.parametrize("image", [GRAY, COLOUR], ids=["gray", "colour"])
def test_a_network_denoises_a_file(tmp_path, capsys, model, image):
    write_image(tmp_path / "in.png", image)
    arguments = ["--model", model, "--sigma", "20", tmp_path / "in.png", tmp_path / "out.png"]
    assert main(["denoise", *map(str, arguments)]) == 0
    assert "removed noise of sigma 20" in capsys.readouterr().out
    axis = -1 if image.ndim == 3 else None
    wanted = hybrid.denoise(image, 20, model=model, channel_axis=axis)
    np.testing.assert_array_equal(read_image(tmp_path / "out.png")[0], wanted)


def test_noise_of_a_camera_is_for_its_network_too(tmp_path, capsys):
    photo = add_camera_noise(data.astronaut()[:160, 100:260], 0.01, 0, demosaic="edge")
    write_image(tmp_path / "in.png", np.rint(photo).clip(0, 255).astype(np.uint8))
    stored, _ = read_image(tmp_path / "in.png")
    start = ["denoise", "--verbose", "--model", "small", str(tmp_path / "in.png")]
    assert main([*start, str(tmp_path / "out.png")]) == 0
    assert "coarse to fine, and a network for it" in capsys.readouterr().err
    wanted = hybrid.denoise(stored, channel_axis=-1, model="small")
    np.testing.assert_array_equal(read_image(tmp_path / "out.png")[0], wanted)
    assert main([*start, str(tmp_path / "told.png"), "--noise", "camera"]) == 0
    assert "coarse to fine\n" in capsys.readouterr().err
    filtered = raisr.denoise(stored, channel_axis=-1, model="best", noise="camera")
    np.testing.assert_array_equal(read_image(tmp_path / "told.png")[0], filtered)


def test_a_network_takes_a_folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        write_image(tmp_path / "in" / name, GRAY)
    assert main(["denoise", "--model", "small", str(tmp_path / "in"), str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]


def test_threads_are_not_for_networks(tmp_path, capsys):
    write_image(tmp_path / "in.png", GRAY)
    arguments = ["--threads", "1", "--model", "small", str(tmp_path / "in.png"), "out.png"]
    fails(capsys, "OMP_NUM_THREADS", "denoise", *arguments)


def test_another_name_lists_them(tmp_path, capsys):
    write_image(tmp_path / "in.png", GRAY)
    message = "huge: not one of fast, best, base, finest, small, nor the file of a bank"
    fails(capsys, message, "denoise", "--model", "huge", tmp_path / "in.png", "out.png")


def test_without_torch_it_is_told(monkeypatch):
    class Entry:
        def load(self):
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(networks, "entry_points", lambda **_: [Entry()])
    with pytest.raises(ValueError, match="--model base needs PyTorch"):
        networks.find_network("base")
