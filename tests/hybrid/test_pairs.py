"""Training on pictures with noise of their own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hybrid.filtered import filtered_as_found
from hybrid.hybrid_denoiser import HybridDenoiser
from hybrid.training.loop import train
from hybrid.training.pairs import PairCrops, load_pairs
from hybrid.weights import load_tensors
from hybrid.zoo import load
from raisr import denoise
from raisr.colour import opponent_planes, rgb_planes
from raisr.io import write_image
from tests.hybrid.tiny_runs import CONFIG
from tests.images import scene

SIGMA = 20.0


@pytest.fixture
def config(tmp_path):
    """Five colour pictures without noise, and the same ones with some, in two folders."""
    for seed in range(5):
        clean = np.dstack([scene((40, 44), seed), scene((40, 44), seed + 5), scene((40, 44), seed)])
        clean = 80 + clean // 3  # nothing is clipped, which integers would show and floats not
        noise = np.random.default_rng(seed).normal(0, SIGMA, clean.shape)
        noisy = (clean + noise).clip(0, 255).round().astype(np.uint8)
        for name, pixels in (("clean", clean.astype(np.uint8)), ("noisy", noisy)):
            (tmp_path / name).mkdir(exist_ok=True)
            write_image(tmp_path / name / f"{seed}.{'png' if name == 'clean' else 'tif'}", pixels)
    return replace(
        CONFIG,
        model="unet",
        options={"features": 4, "channels": 3, "blocks": [1, 1, 1]},
        images=(str(tmp_path / "clean"),),
        noisy=(str(tmp_path / "noisy"),),
    )


def nothing(image):
    return ""


def test_pairs_are_matched_and_filtered(config):
    rest, held_back = load_pairs(config, 3, nothing)
    assert (len(rest), len(held_back)) == (3, 2)
    for pair in (*rest, *held_back):
        noisy, done, clean = np.split(pair.pixels.astype(float), 3, axis=2)
        assert abs((noisy - clean).std() - SIGMA) < 3
        want = denoise(noisy.astype(np.uint8), model="best", channel_axis=-1)
        assert np.abs(done - want).mean() < 1
        assert abs(pair.level - np.std((noisy - done).sum(axis=2) / np.sqrt(3))) < 0.5


def test_a_gray_network_sees_the_luma(config):
    pairs, _ = load_pairs(config, 1, nothing)
    assert {pair.pixels.shape for pair in pairs} == {(40, 44, 3)}


def test_crops_lie_on_each_other_and_repeat(config):
    pairs, _ = load_pairs(config, 3, nothing)
    crops = PairCrops(pairs, config)
    batch, again, other = crops(4), crops(4), crops(5)
    assert batch.noisy.shape == (config.batch, 3, config.crop, config.crop)
    assert torch.equal(batch.noisy, again.noisy)
    assert not torch.equal(batch.noisy, other.noisy)
    for one, two in ((batch.noisy, batch.clean), (batch.filtered, batch.clean)):
        planes = torch.stack([one[:, 0].flatten(), two[:, 0].flatten()])
        assert torch.corrcoef(planes)[0, 1] > 0.8
    assert PairCrops(pairs, config, process=1)(4).noisy.ne(batch.noisy).any()
    assert crops.windows(3)(0).noisy.shape == (3, 3, 32, 32)


def test_a_run_learns_from_pairs_and_is_used_without_a_level(config, tmp_path):
    weights = train(config, tmp_path / "run", device="cpu")
    header = load_tensors(weights)[1]
    assert header["noisy"] == list(config.noisy)
    assert header["training_images"] == 3
    assert 10 < header["scores"]["psnr"] < 50
    denoiser = load(str(weights))
    assert isinstance(denoiser, HybridDenoiser)
    assert denoiser.behaviour.pairs
    image = np.random.default_rng(0).normal(120, 20, (24, 30, 3)).astype(np.float32)
    planes = opponent_planes(np.moveaxis(image, -1, 0))
    done, level = filtered_as_found(planes)
    with torch.inference_mode():
        out = denoiser.network(
            torch.from_numpy(planes / 255)[None],
            torch.full((1, 1, 1, 1), level / 255),
            torch.from_numpy(done / 255)[None],
        )
    want = np.moveaxis(rgb_planes(out[0].numpy() * 255), 0, -1)
    found = denoiser.denoise(image, channel_axis=-1, data_range=255)
    np.testing.assert_allclose(found, want, atol=0.01)
    told = denoiser.denoise(image, 40, channel_axis=-1, data_range=255)
    assert np.abs(told - found).max() > 0.1


@pytest.mark.parametrize("broken", ["refuse", "skip"])
def test_bad_pairs_are_named(config, tmp_path, broken):
    write_image(tmp_path / "noisy" / "2.tif", np.zeros((40, 40, 3), np.uint8))
    message = r"2\.tif: it has shape \(40, 40, 3\), the clean picture \(40, 44, 3\)"
    if broken == "refuse":
        with pytest.raises(ValueError, match=message):
            load_pairs(config, 3, nothing)
    else:
        with pytest.warns(UserWarning, match="1 of 5 images are left out"):
            rest, _ = load_pairs(replace(config, broken="skip", held_back=1), 3, nothing)
        assert len(rest) == 3


def test_gray_pictures_are_refused_by_a_colour_network(config, tmp_path):
    write_image(tmp_path / "noisy" / "2.tif", np.zeros((40, 44), np.uint8))
    with pytest.raises(ValueError, match=r"2\.tif: it is gray, and the network is for colours"):
        load_pairs(config, 3, nothing)


def test_a_picture_without_its_partner_is_refused(config, tmp_path):
    (tmp_path / "noisy" / "2.tif").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 5 clean images have no noisy image"):
        load_pairs(config, 3, nothing)


def test_classes_are_refused(config):
    options = {**config.options, "num_classes": 72}
    with pytest.raises(ValueError, match="noisy must be left out for a network with classes"):
        replace(config, options=options, classes="denoised")
