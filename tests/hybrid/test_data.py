import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from hybrid.training.config import TrainingConfig
from hybrid.training.data import Crops, ahead, class_map, redraw, true_statistics
from hybrid.training.tasks import task_of
from raisr import denoise, hash_image
from raisr.hashing import PRESETS
from raisr.noise import NOISE_MODELS, noise_seed
from tests.images import random_bytes, scene

# With noise in them, so that no two places look the same.
GRAY = scene((40, 44)) // 2 + random_bytes((40, 44), levels=40)
COLOUR = np.stack([GRAY, scene((40, 44), 1), GRAY[::-1]], axis=-1)
DIHEDRAL = [(turns, mirror) for turns in range(4) for mirror in (False, True)]


def loaded(config):
    """The images that a run is trained on, and the samples of those held back."""
    crops, samples, count = task_of(config, torch.device("cpu")).load(0)
    assert count == len(crops.images)
    return crops.images, samples


def crops_of(*images, noise="gaussian", **changes):
    defaults = {
        "sigmas": (25.0, 25.0),
        "size": 16,
        "batch": 2,
        "seed": 0,
        "process": 0,
        "spec": PRESETS["csconv"],
    }
    return Crops(images, NOISE_MODELS[noise], **{**defaults, **changes})


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True) if a is not None)


def turned(image, turns, mirror):
    return np.rot90(image[:, ::-1] if mirror else image, turns)


def places_of(crop, plane):
    """Rows and columns where a crop lies in a plane."""
    windows = np.lib.stride_tricks.sliding_window_view(plane, crop.shape)
    return np.argwhere((windows == crop).all(axis=(2, 3)))


def test_a_batch_depends_on_seed_step_and_process_alone():
    crops = crops_of(GRAY, COLOUR)
    assert equal(crops(3), crops(3))
    assert not equal(crops(3), crops(4))
    assert not equal(crops(3), replace(crops, seed=1)(3))
    assert not equal(crops(3), replace(crops, process=1)(3))


def test_a_batch_holds_what_was_asked_for():
    batch = crops_of(GRAY)(0)
    assert batch.noisy.shape == batch.clean.shape == (2, 1, 16, 16)
    assert batch.noisy.dtype == batch.clean.dtype == torch.float32
    assert 0 <= batch.clean.min() < batch.clean.max() <= 1
    assert batch.statistics is None
    assert batch.classes is None
    full = crops_of(GRAY, statistics=True, guide="clean")(0)
    assert full.statistics.shape == (2, 3, 16, 16)
    assert full.statistics.dtype == torch.float32
    assert full.classes.shape == (2, 16, 16)
    assert full.classes.dtype == torch.uint8
    assert equal(full[:2], batch[:2])
    assert equal(full.to(torch.device("cpu")), full)


@pytest.mark.parametrize("spec", ["csconv", "raisr", "blade"])
@pytest.mark.parametrize(("noise", "image"), [("gaussian", GRAY), ("video_range", COLOUR)])
def test_statistics_and_classes_are_those_of_the_whole_image(noise, image, spec):
    spec = PRESETS[spec]
    crops = crops_of(
        image, noise=noise, spec=spec, batch=1, size=12, statistics=True, guide="clean"
    )
    wholes = {}
    for case in DIHEDRAL:
        sample = NOISE_MODELS[noise].prepare(turned(image, *case), 25, 0)
        wholes[case] = (
            sample.clean / np.float32(255),
            true_statistics(sample, spec),
            class_map(sample, spec, "clean", 25),
        )
    seen = set()
    for step in range(40):
        batch = crops(step)
        found = [
            (case, *place)
            for case, (clean, *_) in wholes.items()
            for place in places_of(batch.clean[0, 0].numpy(), clean)
        ]
        assert len(found) == 1
        case, y, x = found[0]
        _, statistics, classes = wholes[case]
        there = np.s_[y : y + 12, x : x + 12]
        np.testing.assert_allclose(batch.statistics[0], statistics[:, *there], atol=1e-5)
        np.testing.assert_array_equal(batch.classes[0], classes[there])
        seen.add(case)
    assert seen == set(DIHEDRAL)


@pytest.mark.parametrize("noise", NOISE_MODELS)
def test_the_noisy_guide_is_what_the_network_sees(noise):
    spec, reach = PRESETS["csconv"], 6
    batch = crops_of(COLOUR, noise=noise, size=24, guide="noisy")(0)
    for noisy, classes in zip(batch.noisy[:, 0], batch.classes, strict=True):
        inner = np.s_[reach:-reach, reach:-reach]
        seen = hash_image(noisy.numpy(), spec, data_range=1.0)
        np.testing.assert_array_equal(classes[inner], seen[inner])


def test_the_noise_of_every_crop_is_fresh():
    crops = crops_of(np.full((60, 60), 128, np.uint8), size=32, batch=4)
    noise = torch.cat([(batch.noisy - batch.clean)[:, 0] for batch in map(crops, range(4))])
    assert 255 * noise.std() == pytest.approx(25, rel=0.02)
    correlations = np.corrcoef(noise.flatten(1)) - np.eye(len(noise))
    assert np.abs(correlations).max() < 6 / 32


def test_the_video_range_clips_the_noise():
    dark = np.zeros((40, 44, 3), np.uint8)
    noisy = crops_of(dark, noise="video_range")(0).noisy * 255
    assert noisy.min() == pytest.approx(16, abs=1e-3)
    assert noisy.max() > 40


def test_crops_of_many_noise_levels():
    crops = crops_of(np.full((64, 64), 128, np.uint8), sigmas=(10.0, 50.0), batch=1, size=32)
    noise = [crops(step).noisy - 128 / 255 for step in range(40)]
    found = [255 * float(each.std()) for each in noise]
    assert 9 < min(found) < 15
    assert 45 < max(found) < 52
    assert np.mean(found) == pytest.approx(30, abs=6)


def test_a_share_of_the_crops_has_eight_bits():
    crops = crops_of(np.full((64, 64), 10, np.uint8), batch=1, eight_bit=0.25)
    gray_levels = [255 * crops(step).noisy for step in range(80)]
    whole = [bool((each.round() - each).abs().max() < 1e-4) for each in gray_levels]
    assert 8 <= sum(whole) <= 32
    assert [bool(each.min() >= 0) for each in gray_levels] == whole


@pytest.mark.parametrize("noise", ["gaussian", "video_range"])
def test_crops_are_drawn_again_with_independent_noise(noise):
    image = np.full((128, 128), 128, np.uint8)
    once = crops_of(image, noise=noise, size=64)(0)
    batch = crops_of(image, noise=noise, size=64, class_sigma=10)(0)
    assert once.redrawn is None
    assert torch.equal(once.noisy[0], batch.noisy[0])
    assert torch.equal(once.clean[0], batch.clean[0])
    own, other = (255 * (each - batch.clean) for each in (batch.noisy, batch.redrawn))
    assert other.std() == pytest.approx(10, rel=0.05)
    assert torch.corrcoef(torch.stack([own.flatten(), other.flatten()]))[0, 1].abs() < 0.05


def test_drawing_again_depends_on_the_image_alone_and_keeps_the_noise_model():
    first, second = (NOISE_MODELS["video_range"].prepare(scene(), 50, seed) for seed in (0, 1))
    assert np.array_equal(redraw(first, 50), redraw(second, 50))
    assert not np.array_equal(redraw(first, 50), redraw(first, 50, seed=1))
    assert redraw(first, 50).min() == 16
    assert redraw(first, 50).max() == 235
    standard = NOISE_MODELS["gaussian"].prepare(scene(), 50, 0)
    assert redraw(standard, 50).min() < 0


def test_classes_beyond_a_byte_fit_into_int32():
    spec = replace(PRESETS["csconv"], orientations=128)
    crops = [crops_of(GRAY, spec=spec, guide="clean", batch=1)(step) for step in range(8)]
    assert crops[0].classes.dtype == torch.int32
    assert 256 <= max(int(batch.classes.max()) for batch in crops) < spec.num_classes


def test_an_image_is_denoised_for_the_level_that_is_told():
    sample = NOISE_MODELS["gaussian"].prepare(GRAY, 40.0, 0)
    spec = PRESETS["csconv"]
    for level in (10.0, 40.0):
        denoised = denoise(sample.noisy, level, model="best", data_range=255)
        found = class_map(sample, spec, "denoised", level)
        np.testing.assert_array_equal(found, hash_image(denoised, spec, data_range=255))


def test_levels_are_known_or_estimated_with_even_odds(monkeypatch):
    seen, told = set(), []
    monkeypatch.setattr(
        "hybrid.training.data.estimate_sigma", lambda plane: seen.add(plane.shape) or 7.0
    )
    monkeypatch.setattr(
        "hybrid.training.data.denoised", lambda plane, level, *_, **__: told.append(level) or plane
    )
    crops = crops_of(scene((150, 150)), sigmas=(20.0, 60.0), batch=40, size=40, guide="denoised")
    batch = crops(0)
    assert (batch.levels.shape, batch.levels.dtype) == ((40, 1, 1, 1), torch.float32)
    levels = 255 * batch.levels.flatten()
    estimated = (levels - 7).abs() < 1e-4
    assert 10 < estimated.sum() < 30
    noise = 255 * (batch.noisy - batch.clean).std((1, 2, 3))
    np.testing.assert_allclose(levels[~estimated], noise[~estimated], rtol=0.1)
    np.testing.assert_allclose(told, levels, rtol=1e-6)
    (shape,) = seen
    assert shape > batch.noisy.shape[2:]  # with the margin
    assert crops_of(GRAY)(0).levels is None


def test_images_smaller_than_a_crop_are_refused():
    with pytest.raises(ValueError, match="crops of 30 .* margin of 6 do not fit .* side of 40"):
        crops_of(GRAY, size=30)
    crops_of(GRAY, size=28)(0)


def test_some_images_are_held_back(tiny_set):
    config = TrainingConfig("name", "edsr", 300, held_back=2, crop=16)
    images, samples = loaded(config)
    assert (len(images), len(samples)) == (3, 2)
    kept = [tiny_set.images[0], tiny_set.images[2]]
    for sample, image in zip(samples, kept, strict=True):
        seed = noise_seed("tiny", image.name, 25)
        wanted = NOISE_MODELS["gaussian"].prepare(image.read(), 25, seed)
        np.testing.assert_array_equal(sample.noisy, wanted.noisy)
    for image, index in zip(images, (1, 3, 4), strict=True):
        np.testing.assert_array_equal(image, tiny_set.images[index].read())


@pytest.mark.usefixtures("tiny_set")
def test_held_back_images_show_every_noise_level():
    config = TrainingConfig("name", "edsr", 300, held_back=2, sigma_min=5, sigma=50, crop=16)
    assert [sample.sigma for sample in loaded(config)[1]] == [5, 50]


def test_of_few_images_a_tenth_is_held_back(tiny_set):
    images, samples = loaded(TrainingConfig("name", "edsr", 300, crop=16))
    assert (len(images), len(samples)) == (4, 1)


def test_one_image_is_too_few(tmp_path):
    iio.imwrite(tmp_path / "one.png", GRAY)
    with pytest.raises(ValueError, match="wanted two images or more, got 1"):
        loaded(TrainingConfig("name", "edsr", 300, crop=16, images=(str(tmp_path),)))


@pytest.fixture
def folder(tmp_path):
    """Pictures as people have them: gray, colour, alpha, 16 bits, below each other."""
    pictures = tmp_path / "pictures"
    (pictures / "below").mkdir(parents=True)
    alpha = np.full((*GRAY.shape, 1), 255, np.uint8)
    iio.imwrite(pictures / "a.png", GRAY)
    iio.imwrite(pictures / "b.jpg", COLOUR)
    iio.imwrite(pictures / "c.png", np.dstack([COLOUR, alpha]))
    iio.imwrite(pictures / "below" / "d.png", GRAY.astype(np.uint16) * 257)
    return pictures


def config_of_folder(folder, **changes):
    options = {"held_back": 1, "crop": 16, "images": (str(folder),), **changes}
    return TrainingConfig("name", "edsr", 300, **options)


def test_a_folder_of_pictures_is_a_training_set(folder):
    images, samples = loaded(config_of_folder(folder))
    assert [image.shape[2:] for image in images] == [(3,), (), (3,)]
    assert all(image.dtype == np.uint8 for image in images)
    np.testing.assert_array_equal(images[1], GRAY)
    np.testing.assert_array_equal(images[2], COLOUR)
    np.testing.assert_array_equal(samples[0].clean, GRAY)


def test_a_colour_network_leaves_gray_pictures_out(folder):
    options = {"features": 4, "blocks": [1, 1, 1], "channels": 3, "filtered": False}
    config = config_of_folder(folder, crop=8, sigma_min=0.0)
    config = replace(config, model="unet", options=options)
    with pytest.warns(UserWarning, match="2 of 4 images are left out, the first: .*a.png is gray"):
        images, samples = loaded(config)
    assert (len(images), len(samples)) == (1, 1)


def test_small_pictures_are_left_out(folder):
    iio.imwrite(folder / "small.png", GRAY[:9, :9])
    with pytest.warns(UserWarning, match="1 of 5 .*small.png is smaller than 28 x 28 pixels"):
        assert len(loaded(config_of_folder(folder))[0]) == 3


def test_broken_files_are_refused_or_named(folder):
    (folder / "broken.png").write_bytes((folder / "c.png").read_bytes()[:200])
    with pytest.raises(ValueError, match="broken.png"):
        loaded(config_of_folder(folder))
    with pytest.warns(UserWarning, match="1 of 5 images are left out, .*broken.png"):
        assert len(loaded(config_of_folder(folder, broken="skip"))[0]) == 3


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no pictures in this folder"):
        loaded(config_of_folder(tmp_path))
    with pytest.raises(ValueError, match="no data set '.*missing'"):
        loaded(config_of_folder(tmp_path / "missing"))


def test_nothing_is_trained_on_test_images():
    config = TrainingConfig("name", "edsr", 300, images=("bsd400", "set12", "bsd68"))
    with pytest.raises(ValueError, match="nothing is trained on test sets, got bsd68, set12"):
        loaded(config)


def test_missing_images_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RAISR_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="data set bsd400: 399 of 399 images not found"):
        loaded(TrainingConfig("name", "edsr", 300))
    with pytest.raises(ValueError, match="no data set 'bsd4'; choose from"):
        loaded(TrainingConfig("name", "edsr", 300, images=("bsd4",)))


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_ahead_yields_in_order(count):
    assert list(ahead(lambda step: step * step, range(5, 5 + count))) == [
        step * step for step in range(5, 5 + count)
    ]


def test_ahead_stops_its_thread_when_nobody_wants_more(monkeypatch):
    made, threads = [], set()
    closing = threading.Event()

    class Told(ThreadPoolExecutor):
        def shutdown(self, **options):
            super().shutdown(**{**options, "wait": False})
            closing.set()
            super().shutdown()

    monkeypatch.setattr("hybrid.training.data.ThreadPoolExecutor", Told)

    def make(step):
        threads.add(threading.current_thread())
        if step == 3:
            closing.wait(20)
        made.append(step)
        return step

    items = ahead(make, range(1000))
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()
    assert made == [0, 1, 2, 3]
    (thread,) = threads
    assert not thread.is_alive()
    assert thread is not threading.current_thread()


def test_ahead_makes_only_a_few():
    made, enough = [], threading.Event()

    def make(step):
        made.append(step)
        if step == 4:
            enough.set()

    items = ahead(make, range(1000))
    next(items)
    assert enough.wait(300)
    time.sleep(0.05)  # for what must not come
    assert made == [0, 1, 2, 3, 4]
    items.close()


def test_ahead_passes_on_exceptions():
    def make(step):
        if step == 2:
            raise OSError("the third is broken")
        return step

    items = ahead(make, range(9))
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(OSError, match="the third is broken"):
        next(items)
