"""denoise_stream: tile by tile, the bits of the whole; resumed, refused, bounded."""

import dataclasses
import errno
import subprocess
import sys

import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raisr import denoise, denoise_stream, sampling, streaming
from raisr.denoising import white_level
from raisr.models import MODELS, colour_bank_for
from raisr.noise import add_camera_noise, add_gaussian_noise, add_poisson_gaussian_noise
from raisr.stabilisation import PhotonNoise
from raisr.steps import bank_step
from tests.banks import CSCONV, random_bank
from tests.images import colour_scene, noisy_scene, random_bytes, scene

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(streaming, "_SIDE", 48)


def streamed(image, *arguments, **options):
    out = np.full_like(image, 77)
    told = denoise_stream(image, out, *arguments, **options)
    return out, told.steps


def assert_same(image, *arguments, channel_axis=None, axes=None, **options):
    expected = denoise(image, *arguments, channel_axis=channel_axis, **options)
    found, told = streamed(image, *arguments, axes=axes, **options)
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(found, image)
    return told


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sigma", [0.1, None, 0.003])
def test_gray(model, dtype, sigma):
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = (noisy_scene((150, 131)).clip(0, 255) / 255 * white).astype(dtype)
    assert_same(image, sigma and sigma * white, model=model)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("sigma", [20, None, (10, 20, 30), (2, 2, 60)])
@pytest.mark.parametrize(("axis", "axes"), [(-1, "YXS"), (0, "SYX"), (1, "YSX")])
def test_colour(model, sigma, axis, axes):
    image = np.moveaxis(add_gaussian_noise(colour_scene(), 20, seed=0).clip(0, 255), -1, axis)
    assert_same(image.astype(np.uint8), sigma, model=model, channel_axis=axis, axes=axes)


@pytest.mark.parametrize("kind", ["camera", "mosaic"])
@pytest.mark.parametrize("model", MODELS)
def test_noise_of_a_camera(model, kind):
    image = add_camera_noise(colour_scene((197, 163)), 0.01, seed=0)
    (told,) = assert_same(image, model=model, noise=kind, channel_axis=-1, axes="YXS")
    assert told["step"] == kind


@pytest.mark.parametrize("noise", [None, "photon", PhotonNoise(4.0, 3.0), PhotonNoise(1e-7, 20)])
@pytest.mark.parametrize("model", MODELS)
def test_noise_of_photons(model, noise):
    image = add_poisson_gaussian_noise(scene((260, 270)), 40, seed=0, data_range=255)
    assert_same(image, model=model, noise=noise, data_range=255)


def test_the_level_of_almost_steady_noise_is_that_of_the_brightest_pixel():
    image = add_gaussian_noise(np.full((150, 131), 100.0), 10, seed=0)
    image[-1, -1] = 400
    (told,) = assert_same(image, noise=PhotonNoise(2e-5, 10), data_range=255)
    assert told["level"] == pytest.approx((2e-5 * 400 + 100) ** 0.5, rel=1e-9)


@pytest.mark.parametrize("bank", [random_bank(), random_bank(CSCONV, CSCONV, CSCONV)])
@pytest.mark.parametrize("period", [1, 3, 8])
def test_banks_of_the_caller(bank, period):
    spec = dataclasses.replace(CSCONV, period=period, presmooth=0.2)
    bank = random_bank(*[spec] * len(bank.stages))
    assert_same(random_bytes((150, 131)), model=bank)


def test_colour_banks_of_the_caller():
    bank = colour_bank_for("best", 20.0, 30.0, 30.0)
    image = add_gaussian_noise(colour_scene(), 20, seed=0).astype(np.float32)
    assert_same(image, model=bank, channel_axis=-1, axes="YXS", data_range=255)


@pytest.mark.parametrize("add", [300.0, -5000.0])
def test_what_lies_far_from_white(add):
    image = noisy_scene((150, 131)) + add
    assert_same(image.astype(np.float64), 20, data_range=255)
    assert_same(image.astype(np.float32), data_range=255)
    photons = PhotonNoise(2.0, 3.0, offset=add)
    assert_same(image, noise=photons, data_range=255)


@pytest.mark.parametrize("differs", [None, (140, 120)])
def test_three_equal_channels_are_one_gray_image(differs):
    image = np.stack([noisy_scene((150, 131)).clip(0, 255).astype(np.uint8)] * 3, axis=-1)
    if differs:
        image[(*differs, 1)] ^= 1
    (told,) = assert_same(image, channel_axis=-1, axes="YXS")
    assert (told["step"] == "gray") == (differs is None)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_other_numbers_of_channels(count):
    rng = np.random.default_rng(0)
    image = np.stack(
        [noisy_scene((99, 131), s, s) for s in rng.integers(5, 40, count).tolist()], -1
    )
    assert_same(image, channel_axis=-1, axes="YXS", data_range=255)


@given(
    height=st.integers(1, 130),
    width=st.integers(1, 130),
    side=st.integers(1, 60),
    model=st.sampled_from(MODELS),
)
@settings(max_examples=25)
def test_any_size_in_tiles_of_any_size(height, width, side, model):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "_SIDE", max(side, height // 3, width // 3))
        image = random_bytes((height, width))
        for noise in (None, "white"):
            found, _ = streamed(image, noise=noise, model=model)
            np.testing.assert_array_equal(found, denoise(image, noise=noise, model=model))


def test_large_images_have_one_level_in_parts_and_whole(monkeypatch):
    monkeypatch.setattr(sampling, "WHOLE", 1000)
    monkeypatch.setattr(sampling, "_SIDE", 16)
    image = noisy_scene((150, 131)).clip(0, 255).astype(np.uint8)
    (told,) = assert_same(image)
    assert told["level"] == white_level(image)
    image = add_gaussian_noise(colour_scene(), 20, seed=0).clip(0, 255).astype(np.uint8)
    assert_same(image, channel_axis=-1, axes="YXS")


def stack(shape=(2, 3, 70, 61)):
    """Two channels of unlike noise, three planes each; a new scene each."""
    planes = [noisy_scene(shape[2:], 5 + 20 * (k // 3), k) for k in range(6)]
    return np.reshape(planes, shape).clip(0, 255).astype(np.uint8)


def test_planes_share_a_level_and_channels_do_not():
    found, told = streamed(stack(), axes="CZYX")
    levels = [step["level"] for step in told]
    assert levels[1] > 2 * levels[0]
    for channel, level, out in zip(stack(), levels, found, strict=True):
        assert level == white_level(np.concatenate(channel))
        for plane, result in zip(channel, out, strict=True):
            np.testing.assert_array_equal(result, denoise(plane, level))
    turned, _ = streamed(np.ascontiguousarray(stack().transpose(3, 0, 2, 1)), axes="XCYZ")
    np.testing.assert_array_equal(turned.transpose(1, 3, 2, 0), found)
    _, (together,) = streamed(stack(), axes="TZYX")
    assert levels[0] < together["level"] < levels[1]


class Slices:
    """What has a shape, a dtype and slices, and no more; counts what is read at most."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, index):
        self.most = max(self.most, self.array[index].size)
        return self.array[index]

    def __setitem__(self, index, values):
        self.array[index] = values


def test_whatever_has_slices_is_read_and_written_in_parts(monkeypatch):
    monkeypatch.setattr(sampling, "WHOLE", 1000)
    image = random_bytes((300, 310))
    source, target = Slices(image), Slices(np.zeros_like(image))
    denoise_stream(source, target, 20)
    np.testing.assert_array_equal(target.array, denoise(image, 20))
    assert source.most <= 256 * 256  # a tile of the sample


def test_dask_arrays_are_computed_part_by_part():
    image = random_bytes((150, 131))
    doubled = dask.array.from_array(image // 2, chunks=(40, 50)) * np.uint8(2)
    out = np.zeros_like(image)
    denoise_stream(doubled, out, 20)
    np.testing.assert_array_equal(out, denoise(image // 2 * 2, 20))


def test_other_byte_orders_and_plain_lists():
    image = random_bytes((60, 70)).astype(np.uint16) * 200
    image.flags.writeable = False
    swapped, _ = streamed(image.astype(">u2"), 4000)
    np.testing.assert_array_equal(swapped, denoise(image, 4000))
    out = np.zeros((2, 3))
    denoise_stream([[1.0, 2, 3], [4, 5, 6]], out, 0)
    assert out.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_mapped_files(tmp_path, mode):
    image = random_bytes((200, 210))
    image.tofile(tmp_path / "a.raw")
    source = np.memmap(tmp_path / "a.raw", np.uint8, mode, shape=image.shape)
    if mode == "c":  # what only the process knows is not forgotten
        source[:100] //= 2
        image[:100] //= 2
    target = np.memmap(tmp_path / "b.raw", np.uint8, "w+", shape=image.shape)
    denoise_stream(source, target, 20)
    np.testing.assert_array_equal(target, denoise(image, 20))
    np.testing.assert_array_equal(source, image)
    del target
    np.testing.assert_array_equal(
        np.fromfile(tmp_path / "b.raw", np.uint8).reshape(image.shape), denoise(image, 20)
    )


class Failing(Slices):
    """Fails after some writes."""

    def __init__(self, array, left, error):
        super().__init__(array)
        self.left, self.error = left, error

    def __setitem__(self, index, values):
        if self.left == 0:
            raise self.error
        self.left -= 1
        super().__setitem__(index, values)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "no space left")])
def test_the_same_call_goes_on(tmp_path, error):
    image, journal = random_bytes((150, 131)), tmp_path / "journal"
    target = Failing(np.zeros_like(image), 5, error)
    with pytest.raises(type(error), match="5 of 12 tiles|no space"):
        denoise_stream(image, target, 20, journal=journal)
    partial = target.array.copy()
    with journal.open("a") as file:
        file.write("0: 48,")  # a line that was cut
    rest = Failing(target.array, 7, AssertionError("finished tiles are not done again"))
    denoise_stream(image, rest, 20, journal=journal)
    np.testing.assert_array_equal(rest.array, denoise(image, 20))
    assert (partial[partial > 0] == rest.array[partial > 0]).all()
    denoise_stream(
        image, Failing(rest.array, 0, AssertionError("all is done")), 20, journal=journal
    )


def test_a_journal_of_another_run_is_refused(tmp_path):
    image, journal = random_bytes((60, 70)), tmp_path / "journal"
    denoise_stream(image, np.zeros_like(image), 20, journal=journal)
    with pytest.raises(ValueError, match="another run, which differs in arrays"):
        denoise_stream(image, np.zeros_like(image), 21, journal=journal)
    journal.write_text("something else\n")
    with pytest.raises(ValueError, match="not the journal of a run"):
        denoise_stream(image, np.zeros_like(image), 20, journal=journal)


@pytest.mark.parametrize("mine", [b"a line of mine", b"\x89PNG\r\n\x1a\n", b"{}\n", b"7\n"])
def test_a_file_that_is_no_journal_stays(tmp_path, mine):
    image, path = random_bytes((60, 70)), tmp_path / "mine"
    path.write_bytes(mine)
    with pytest.raises(ValueError, match=r"mine: (not the journal|the journal of another)"):
        denoise_stream(image, np.zeros_like(image), 20, journal=path)
    assert path.read_bytes() == mine


@pytest.mark.parametrize(
    ("shape", "axes", "message"),
    [
        ((4, 5, 6), None, r"source has shape \(4, 5, 6\) and nothing names its axes"),
        ((4, 5, 6), "YX", "has 3 axes, of shape .4, 5, 6., but 'YX' names them"),
        ((4, 5), "ZX", "axes must be Y, X and others, each once"),
        ((4, 5, 6), "YXX", "axes must be Y, X and others, each once"),
        ((4, 5), ("y", "width"), "one letter, such as Y, X, Z, T, C or S, got 'width'"),
        ((4, 0), None, "source is empty"),
    ],
)
def test_axes_that_nothing_names(shape, axes, message):
    image = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match=message):
        denoise_stream(image, image.copy(), 20, axes=axes)


def test_bad_input():
    image = noisy_scene((150, 131)).astype(np.float32) / 255
    with pytest.raises(ValueError, match=r"target must be float32 of shape \(150, 131\), .* got"):
        denoise_stream(image, np.zeros((150, 130), np.float32))
    with pytest.raises(ValueError, match="got float64"):
        denoise_stream(image, np.zeros((150, 131)))
    with pytest.raises(ValueError, match="got None of None"):
        denoise_stream(image, [])
    with pytest.raises(ValueError, match="source and target must differ"):
        denoise_stream(image, image[:])
    with pytest.raises(TypeError, match="source must be uint8, .* got int16"):
        denoise_stream(image.astype(np.int16), image.astype(np.int16))
    with pytest.raises(ValueError, match="sigma must be one number or 1, got 2"):
        denoise_stream(image, np.zeros_like(image), (1, 2))
    image[140, 99] = np.nan
    planes = np.stack([np.zeros_like(image), image])
    with pytest.raises(ValueError, match=r"source is not finite at \(1, 140, 99\): nan"):
        denoise_stream(planes, np.zeros_like(planes), 0.1, axes="ZYX")
    with pytest.warns(UserWarning, match="values far above white"):
        denoise_stream(np.full((9, 9), 4000.0) * np.eye(9), np.zeros((9, 9)), 1)


def test_what_cannot_be_read_is_named_and_what_is_done_stays():
    class Broken(Slices):
        def __getitem__(self, index):
            if index[0].stop > 100 and index[0].stop - index[0].start > 1:
                raise RuntimeError("bad block")
            return super().__getitem__(index)

    image, out = random_bytes((150, 131)), np.zeros((150, 131), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "steps_of", lambda *_: [bank_step(random_bank(), [None])])
        with pytest.raises(ValueError, match="rows .* to 1.., .* cannot be read: bad block"):
            denoise_stream(Broken(image), out)
    np.testing.assert_array_equal(out[:48], random_bank().apply(image)[:48])


MEASURED = """
import sys
import numpy as np, raisr
from benchmarks.peak import peak_memory
shape = 10_000, 10_000
source = np.memmap(sys.argv[1], np.uint8, "w+", shape=shape)
for row in range(0, shape[0], 1000):
    source[row : row + 500] = np.random.default_rng(0).integers(0, 256, (500, shape[1]), np.uint8)
    source._mmap.madvise(4)
target = np.memmap(sys.argv[2], np.uint8, "w+", shape=shape)
raisr.denoise_stream(source, target, num_threads=1)
print(peak_memory())
"""


def test_memory_of_an_image_of_100_megapixels(tmp_path):
    pytest.importorskip("benchmarks", reason="the wheel has none")
    names = [str(tmp_path / name) for name in "ab"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *names], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) < 500e6  # of all that is resident, libraries included
