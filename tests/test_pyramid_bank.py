"""PyramidBank: what its filters reach into, files, bad banks, and learning one."""

import numpy as np
import pytest
from skimage import data

from raisr.colour import to_opponent
from raisr.filtering import Stage
from raisr.hashing import HashSpec
from raisr.metrics import psnr
from raisr.noise import add_camera_noise
from raisr.pyramid_bank import PyramidBank, Scale
from raisr.pyramid_learning import learn_pyramid
from raisr.validate import as_channels
from tests.images import random_bytes

SPEC = HashSpec.preset("csconv")


def stage(planes, weights=None):
    """A stage whose filters pass so much of each plane: all of the last by default."""
    filters = np.zeros((SPEC.num_classes, planes, 3, 3), np.float32)
    for plane, weight in enumerate(weights or [0] * (planes - 1) + [1]):
        filters[:, plane, 1, 1] = weight
    return Stage(SPEC, filters, np.zeros(SPEC.num_classes))


def scale(first, *weights):
    stages = [stage(first, *weights), stage(2)]
    return Scale(stages, (stages, stages))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (64, 33)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_filters_that_pass_the_image_change_nothing(shape, dtype):
    image = random_bytes((*shape, 3)).astype(dtype)
    bank = PyramidBank([scale(2, [1, 0]), scale(2), scale(1)])
    np.testing.assert_array_equal(bank.apply(image), image)


def test_what_the_coarser_scale_gave_is_the_second_plane():
    image = random_bytes((32, 48, 3)).astype(np.float32)
    bank = PyramidBank([scale(2, [0, 1]), scale(1)])
    means = image.reshape(16, 2, 24, 2, 3).mean((1, 3))
    found = bank.apply(image, data_range=255).reshape(16, 2, 24, 2, 3).mean((1, 3))
    inner = np.s_[1:-1, 1:-1]
    kept = 0.75 * means + 0.125 * (np.roll(means, 1, 0) + np.roll(means, -1, 0))
    kept = 0.75 * kept + 0.125 * (np.roll(kept, 1, 1) + np.roll(kept, -1, 1))
    np.testing.assert_allclose(found[inner], kept[inner], rtol=1e-4)


def test_the_result_does_not_depend_on_threads_layout_or_an_added_constant():
    image = random_bytes((3, 300, 500))
    bank = PyramidBank([scale(2, [0.5, 0.5]), scale(1)])
    one = bank.apply(image, channel_axis=0, num_threads=1)
    np.testing.assert_array_equal(bank.apply(image, channel_axis=0, num_threads=3), one)
    last = bank.apply(np.ascontiguousarray(np.moveaxis(image, 0, -1)))
    np.testing.assert_array_equal(np.moveaxis(last, -1, 0), one)
    far = bank.apply(image.astype(np.float64) + 1e5, channel_axis=0, data_range=255)
    np.testing.assert_allclose(far - 1e5, one, atol=0.6)


def test_a_file_gives_back_the_bank(tmp_path):
    bank = PyramidBank([scale(2), scale(1)], {"kind": "camera"})
    bank.save(tmp_path / "bank.safetensors")
    found = PyramidBank.load(tmp_path / "bank.safetensors")
    image = random_bytes((20, 30, 3))
    np.testing.assert_array_equal(found.apply(image), bank.apply(image))
    assert found.metadata == bank.metadata
    assert repr(found) == "PyramidBank(2 scales, stages 2+2+2, 2+2+2)"


def test_foreign_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "bank.safetensors"
    with pytest.raises(FileNotFoundError, match="no pyramid bank at"):
        PyramidBank.load(path)
    PyramidBank([scale(1)]).save(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="is not a readable pyramid bank"):
        PyramidBank.load(path)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PyramidBank([]), "at least one scale"),
        (lambda: PyramidBank([scale(1), scale(1)]), r"scale 0 must reach into 2 plane\(s\)"),
        (lambda: PyramidBank([scale(2)]), r"scale 0 must reach into 1 plane\(s\)"),
        (lambda: Scale([stage(1)], ([stage(1)], [])), "two cascades of as many stages"),
        (lambda: Scale([], ([stage(1)], [stage(1)])), "at least one stage"),
    ],
)
def test_bad_banks_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_learning_removes_camera_noise_and_keeps_flat_colours():
    spec = HashSpec(orientations=4, strength_edges=(0.03,), coherence_edges=(0.3,))
    images = [data.astronaut()[y : y + 160, 60:300] for y in (0, 150)]
    shots = [(add_camera_noise(clean, 0.01, seed), clean) for seed, clean in enumerate(images)]
    pairs = [tuple(to_opponent(as_channels(i, -1, 255), 1) for i in shot) for shot in shots]
    bank = learn_pyramid(pairs, [[spec] * 2, [spec]], [[spec] * 2, [spec]], 5)
    assert bank.metadata == {"edges": "quantile"}
    clean = data.astronaut()[300:460, 60:300]
    noisy = add_camera_noise(clean, 0.01, 9)
    assert psnr(bank.apply(noisy), clean) > psnr(noisy, clean) + 1.2
    flat = np.broadcast_to(np.uint8([200, 90, 30]), (40, 40, 3))
    np.testing.assert_array_equal(bank.apply(flat), flat)
