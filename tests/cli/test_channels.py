"""`raisr denoise`: alpha, bands, values without a white, a level for each channel."""

import numpy as np
import pytest
import tifffile
from PIL import Image

import raisr
from raisr.cli import main
from raisr.io import read_image, write_image
from tests.cli.commands import fails
from tests.images import noisy_scene, scene

RNG = np.random.default_rng(0)


def noisy_bytes(shape=(64, 80), sigma=20, seed=0):
    return noisy_scene(shape, sigma, seed).round().clip(0, 255).astype(np.uint8)


def denoise(*arguments):
    assert main(["denoise", *map(str, arguments)]) == 0


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_bands_are_denoised_one_by_one(tmp_path, planar):
    """The last of four bands used to stay noisy and to become alpha."""
    bands = np.stack([noisy_bytes(seed=seed) for seed in range(4)], axis=-1)
    stored = bands if planar == "contig" else np.moveaxis(bands, -1, 0)
    options = {"photometric": "rgb", "planarconfig": planar, "extrasamples": ["unspecified"]}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)
    denoise("--sigma", "20", tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        page = file.pages.first
        assert [code.name for code in page.extrasamples] == ["UNSPECIFIED"]
        found = page.asarray()
    found = found if planar == "contig" else np.moveaxis(found, 0, -1)
    np.testing.assert_array_equal(found[..., 3], raisr.denoise(bands[..., 3], 20))
    colours = raisr.denoise(bands[..., :3], 20, channel_axis=-1)
    np.testing.assert_array_equal(found[..., :3], colours)


@pytest.mark.parametrize("count", [2, 5, 12])
def test_gray_bands_have_levels_of_their_own(tmp_path, count, capsys):
    bands = np.stack([noisy_bytes(sigma=5 + 3 * k, seed=k) for k in range(count)], axis=-1)
    extra = ["unspecified"] * (count - 1)
    options = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": extra}
    tifffile.imwrite(tmp_path / "a.tif", bands, **options)
    denoise(tmp_path / "a.tif", tmp_path / "b.tif")
    assert "removed noise of sigma " in capsys.readouterr().out
    found = tifffile.imread(tmp_path / "b.tif")
    for k in range(count):
        np.testing.assert_array_equal(found[..., k], raisr.denoise(bands[..., k]))
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert [code.name for code in file.pages.first.extrasamples] == ["UNSPECIFIED"] * (
            count - 1
        )


def disc(shape=(64, 80), radius=24):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - shape[0] // 2) ** 2 + (columns - shape[1] // 2) ** 2 < radius**2


@pytest.mark.parametrize("options", [[], ["--sigma", "20"], ["--model", "best"]])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_hidden_colours_change_nothing_that_is_visible(tmp_path, options, dtype):
    scale = np.iinfo(dtype).max // 255
    options = [o if o != "20" else str(20 * scale) for o in options]
    visible = disc()
    colours = np.stack([noisy_bytes(seed=seed) for seed in range(3)], axis=-1)
    alpha = np.where(visible, 255, 0).astype(np.uint8)
    results = []
    for hidden in (0, 255, 77):
        pixels = np.dstack([np.where(visible[..., None], colours, hidden), alpha]).astype(dtype)
        write_image(tmp_path / "a.png", pixels * np.dtype(dtype).type(scale))
        denoise(*options, "--overwrite", tmp_path / "a.png", tmp_path / "b.png")
        result, _ = read_image(tmp_path / "b.png")
        np.testing.assert_array_equal(result[..., 3], alpha.astype(dtype) * scale)
        np.testing.assert_array_equal(result[~visible][..., :3], hidden * scale)
        results.append(result[visible])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_the_edge_of_what_is_visible_stays_clean(tmp_path):
    visible = disc()
    clean = np.full((64, 80), 200, np.uint8)
    noisy = raisr.noise.add_gaussian_noise(clean, 20, 1).round().clip(0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([np.where(visible, noisy, 0), visible * np.uint8(255)])).save(
        tmp_path / "a.png"
    )
    denoise(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        found = np.asarray(image)[..., 0].astype(float)
    edge = visible & ~disc(radius=22)
    assert np.abs(found[edge].mean() - 200) < 3
    assert found[visible].std() < 9


def test_noise_is_estimated_where_something_is_visible(tmp_path, capsys):
    """Two thirds of the picture are hidden; only the rest counts."""
    visible = np.zeros((96, 96), bool)
    visible[10:60, 20:70] = True
    visible[40:50, 40:50] = False
    noisy = raisr.noise.add_gaussian_noise(np.full((96, 96), 128), 20, 0).round().astype(np.uint8)
    write_image(tmp_path / "a.png", np.dstack([noisy, visible * np.uint8(255)]))
    denoise(tmp_path / "a.png", tmp_path / "b.png")
    told = float(capsys.readouterr().out.split("sigma ")[1].split()[0])
    assert told == pytest.approx(20, rel=0.15)


def test_a_picture_of_which_nothing_is_visible(tmp_path, capsys):
    pixels = np.dstack([noisy_bytes(), np.zeros((64, 80), np.uint8)])
    write_image(tmp_path / "a.png", pixels)
    denoise(tmp_path / "a.png", tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(tmp_path / "b.png")[0], pixels)
    assert "changed nothing" in capsys.readouterr().out


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_associated_alpha_stays_associated(tmp_path, dtype):
    """Colours times alpha: what is denoised are the colours, and they never exceed alpha."""
    full = 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)
    straight = np.stack([noisy_bytes(seed=seed) for seed in range(3)], axis=-1) / 255
    alpha = np.linspace(0, 1, 80)[None, :] * np.ones((64, 1))
    alpha = alpha.astype(dtype) if dtype == "float32" else np.rint(alpha * full).astype(dtype)
    share = alpha[..., None] / full
    stored = straight * share * full
    stored = (np.rint(stored) if dtype != "float32" else stored).astype(dtype)
    pixels = np.dstack([stored, alpha])
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"]}
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    denoise("--sigma", "8%", tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert [code.name for code in file.pages.first.extrasamples] == ["ASSOCALPHA"]
        found = file.asarray()
    np.testing.assert_array_equal(found[..., 3], alpha)
    if dtype != "float32":
        assert (found[..., :3] <= alpha[..., None]).all()
    expected = raisr.denoise(straight.astype(np.float32), 0.08, channel_axis=-1)
    solid = slice(50, None)
    seen = found[:, solid, :3] / full / share[:, solid]
    assert np.abs(seen - expected[:, solid]).mean() < 0.006
    message = "associated alpha" if dtype != "float32" else "float32 pixels"
    with pytest.raises(ValueError, match=f"b.png: a .png file cannot hold {message}"):
        write_image(tmp_path / "b.png", *read_image(tmp_path / "b.tif"))


def test_one_level_for_each_channel(tmp_path, capsys):
    clean = scene(seed=5).astype(np.float32)
    noisy = [raisr.noise.add_gaussian_noise(clean, s, seed=s) for s in (5, 6, 25)]
    pixels = np.stack(noisy, axis=-1).round().clip(0, 255).astype(np.uint8)
    write_image(tmp_path / "a.png", np.dstack([pixels, np.full((64, 80), 255, np.uint8)]))
    denoise("--sigma", "5,6,25", tmp_path / "a.png", tmp_path / "b.png")
    told = "removed noise of sigma 5, 6, 25 (1.96%, 2.35%, 9.8% of white)"
    assert capsys.readouterr().out == f"{tmp_path / 'b.png'}: {told}\n"
    found, _ = read_image(tmp_path / "b.png")
    errors = [np.std(found[..., k] - clean) for k in (0, 2)]
    assert errors[0] < 5.5
    assert errors[1] < 13
    for name, sigma in (("same.png", "10,10,10"), ("one.png", "10")):
        denoise("--sigma", sigma, tmp_path / "a.png", tmp_path / name)
    same, one = (read_image(tmp_path / name)[0] for name in ("same.png", "one.png"))
    np.testing.assert_array_equal(same, one)
    capsys.readouterr()
    message = "a.png: --sigma names 2 levels for an image of 3 channel(s)"
    for options in (["--sigma", "5,5"], ["--verbose", "--sigma", "5,5"]):
        fails(capsys, message, "denoise", *options, tmp_path / "a.png", tmp_path / "c.png")


@pytest.mark.parametrize(
    ("sigma", "told"),
    [
        ("10,20,30", "10, 20, 30 (0.0153%, 0.0305%, 0.0458% of white)"),
        ("12345", "12345 (18.8% of white)"),
    ],
)
def test_levels_of_sixteen_bits_can_be_read(sigma, told, tmp_path, capsys):
    deep = np.stack([noisy_bytes(seed=seed) for seed in range(3)], axis=-1).astype(np.uint16) * 257
    write_image(tmp_path / "a.png", deep)
    denoise("--sigma", sigma, tmp_path / "a.png", tmp_path / "b.png")
    assert f"noise of sigma {told}" in capsys.readouterr().out


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32"])
def test_measured_values_keep_their_level(tmp_path, dtype, capsys):
    """A white is theirs only by their span; what they are counted from does not matter."""
    clean = scene().astype(np.int64) // 2
    noisy = clean + np.rint(RNG.normal(0, 8, clean.shape)).astype(np.int64)
    limits = np.iinfo(dtype)
    offset = {"int8": -64, "int16": -1024, "int32": 2**30 + 1, "uint32": 2**31 + 1}[dtype]
    stored = np.clip(noisy + offset, limits.min, limits.max).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored)
    denoise(tmp_path / "a.tif", tmp_path / "b.tif")
    assert float(capsys.readouterr().out.split("sigma ")[1].split()[0]) == pytest.approx(8, rel=0.3)
    found = tifffile.imread(tmp_path / "b.tif")
    assert found.dtype == dtype
    before, after = (np.std(x.astype(np.int64) - offset - clean) for x in (stored, found))
    assert after < 0.75 * before
    denoise("--sigma", "0", tmp_path / "a.tif", tmp_path / "same.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "same.tif"), stored)


def test_extreme_values_are_clipped_to_the_type(tmp_path):
    pixels = np.where(disc(), np.iinfo(np.int32).max, np.iinfo(np.int32).min).astype(np.int32)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    denoise("--sigma", "5%", tmp_path / "a.tif", tmp_path / "b.tif")
    found = tifffile.imread(tmp_path / "b.tif")
    assert (np.sign(found[disc(radius=18)]) == 1).all()
    assert (np.sign(found[:5]) == -1).all()


def test_little_noise_is_not_called_removed(tmp_path, capsys):
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    write_image(tmp_path / "clean.png", ramp)
    write_image(tmp_path / "flat.png", np.full((64, 64), 7, np.uint8))
    write_image(tmp_path / "noisy.png", noisy_bytes())
    denoise(tmp_path / "flat.png", tmp_path / "a.png")
    assert capsys.readouterr().out.endswith("changed nothing: found no noise, or could not tell\n")
    denoise("--sigma", "0", tmp_path / "noisy.png", tmp_path / "b.png")
    assert capsys.readouterr().out.endswith("changed nothing: sigma is 0\n")
    denoise("--sigma", "10", tmp_path / "flat.png", tmp_path / "c.png")
    out = capsys.readouterr().out
    assert "changed little, by 0 (rms), for noise of sigma 10 (3.92% of white), as given" in out
    denoise("--sigma", "20", tmp_path / "noisy.png", tmp_path / "d.png")
    assert "removed noise of sigma 20" in capsys.readouterr().out
