"""Folders of filters of Intel's library: written and read, and applied as there."""

import math

import numpy as np
import pytest

import raisr
from raisr import IntelFilters, Stage
from raisr.intel_filters import _SPEC
from raisr.learning_upscaling import reduce_image
from raisr.metrics import psnr
from tests.images import scene

FILES = ("filterbin_2_8", "Qfactor_strbin_2_8", "Qfactor_cohbin_2_8")


def random_filters(passes=1):
    """Filters that are as much unlike each other as they can be."""
    stages = []
    for seed in range(passes):
        rng = np.random.default_rng(seed)
        weights = rng.normal(0, 0.01, (_SPEC.num_classes, 1, 11, 11))
        weights[:, 0, 5, 5] += 1 - weights.sum(axis=(1, 2, 3))
        stages.append(Stage(_SPEC, weights, np.zeros(_SPEC.num_classes)))
    return IntelFilters(stages)


def bilinear(image):
    """Enlarge pixel by pixel."""
    height, width = image.shape
    out = np.empty((2 * height, 2 * width))
    for y, x in np.ndindex(*out.shape):
        rows, columns = ((y - 1) // 2, (y + 1) // 2), ((x - 1) // 2, (x + 1) // 2)
        down, right = ((0.25, 0.75) if place % 2 == 0 else (0.75, 0.25) for place in (y, x))
        out[y, x] = sum(
            a * b * image[np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)]
            for a, r in zip(down, rows, strict=True)
            for b, c in zip(right, columns, strict=True)
        )
    return out


def filtered_at(plane, y, x, folder):
    """One pixel of a pass as the library computes it, from the bytes of its files."""
    data = (folder / FILES[0]).read_bytes()
    weights = np.frombuffer(data[16:], "<f4").reshape(np.frombuffer(data[4:16], "<u4"))
    strengths, coherences = (np.loadtxt(folder / name) for name in FILES[1:])
    around = np.arange(-5, 6)
    gauss = np.exp(-(around**2) / 8)
    gauss = np.outer(gauss, gauss) / gauss.sum() ** 2
    part = plane[y - 6 : y + 7, x - 6 : x + 7] / 255
    down = (part[2:, 1:-1] - part[:-2, 1:-1]) / 2
    right = (part[1:-1, 2:] - part[1:-1, :-2]) / 2
    a, b, d = ((gauss * u * v).sum() for u, v in ((down, down), (down, right), (right, right)))
    root = math.sqrt((a + d) ** 2 / 4 - (a * d - b * b))
    large, small = (a + d) / 2 + root, max((a + d) / 2 - root, 0)
    angle = math.atan2(b, large - d) % math.pi
    coherence = (math.sqrt(large) - math.sqrt(small)) / (math.sqrt(large) + math.sqrt(small))
    bins = int(angle / math.pi * 24), np.searchsorted(strengths, large)
    index = (bins[0] * 3 + bins[1]) * 3 + np.searchsorted(coherences, coherence)
    kind = (y - 5) % 2 * 2 + (x - 5) % 2
    value = (weights[index, kind].reshape(11, 11) * plane[y - 5 : y + 6, x - 5 : x + 6]).sum()
    return value if 0 < value < 255 else plane[y, x]


def test_pixels_are_those_of_the_library(tmp_path):
    random_filters().save(tmp_path)
    image = scene((24, 28)).astype(np.float64) + np.random.default_rng(1).uniform(0, 1, (24, 28))
    plane = bilinear(image)
    out = raisr.upscale(image, 2, model=tmp_path, data_range=255)
    rng = np.random.default_rng(2)
    places = list(zip(rng.integers(8, 40, 60), rng.integers(8, 48, 60), strict=True))
    for y, x in places:
        near = np.array(
            [[filtered_at(plane, y + i, x + j, tmp_path) for j in (-1, 0, 1)] for i in (-1, 0, 1)]
        )
        before, after = plane[y - 1 : y + 2, x - 1 : x + 2] < plane[y, x], near < near[1, 1]
        share = (before != after).sum() / 8
        wanted = share * plane[y, x] + (1 - share) * near[1, 1]
        assert out[y, x] == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("bits", [8, 10])
def test_folders_come_back_as_they_were(tmp_path, passes, bits):
    filters = random_filters(passes)
    filters.save(tmp_path, bits=bits)
    again = IntelFilters.load(tmp_path, passes=passes, bits=bits)
    for one, other in zip(filters.stages, again.stages, strict=True):
        assert one.spec == other.spec
        np.testing.assert_array_equal(one.filters, other.filters)
    image = scene((20, 24))
    results = [raisr.upscale(image, 2, model=each) for each in (filters, again)]
    np.testing.assert_array_equal(*results)


def test_files_have_the_form_of_the_library(tmp_path):
    random_filters().save(tmp_path)
    assert (tmp_path / "config").read_text() == "24 3 3 11"
    data = (tmp_path / FILES[0]).read_bytes()
    assert data[:4] == b"fp32"
    assert np.frombuffer(data[4:16], "<u4").tolist() == [216, 4, 121]
    assert len(data) == 16 + 4 * 216 * 4 * 121
    assert (tmp_path / FILES[1]).read_text() == "0.000100000\n0.001000000\n"


def test_half_precision_is_read(tmp_path):
    filters = random_filters()
    filters.save(tmp_path)
    path = tmp_path / FILES[0]
    data = path.read_bytes()
    path.write_bytes(b"fp16" + data[4:16] + np.frombuffer(data[16:], "<f4").astype("<f2").tobytes())
    read = IntelFilters.load(tmp_path).stages[0].filters
    np.testing.assert_allclose(read, filters.stages[0].filters, atol=1e-3)


def test_filters_that_are_learned_enlarge_better_than_interpolation():
    bank = IntelFilters.learn([scene((160, 160), seed) for seed in range(6)], num_threads=1)
    clean = scene((120, 120), 9)
    small = reduce_image(clean, 2)
    out = raisr.upscale(small, 2, model=bank, data_range=255)
    assert psnr(out, clean) > psnr(bilinear(small), clean) + 1


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("config", lambda data: b"24 3 11", "do not fit"),
        ("config", lambda data: b"24 3 3 x", "invalid literal"),
        (FILES[0], lambda data: data[:-4], "cannot reshape"),
        (FILES[0], lambda data: data[:8], "does not hold"),
        (FILES[0], lambda data: b"fp64" + data[4:], "does not hold"),
        (FILES[0], lambda data: data[:8] + b"\1\0\0\0" + data[12:], "does not hold"),
        (FILES[1], lambda data: b"0.1\n", "do not fit"),
        (FILES[2], lambda data: b"0.5\n0.2\n", "ascending"),
    ],
)
def test_damaged_folders(tmp_path, name, change, message):
    random_filters().save(tmp_path)
    path = tmp_path / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=f"no filters that enlarge by 2: .*{message}"):
        IntelFilters.load(tmp_path)


def test_bad_arguments(tmp_path):
    random_filters().save(tmp_path)
    with pytest.raises(FileNotFoundError, match="filterbin_2_8_2"):
        IntelFilters.load(tmp_path, passes=2)
    with pytest.raises(ValueError, match="passes must be 1 or 2"):
        IntelFilters.load(tmp_path, passes=3)
    with pytest.raises(ValueError, match="bits must be 8, 10 or 16"):
        IntelFilters.load(tmp_path, bits=12)
    with pytest.raises(ValueError, match="one of 3 is needed"):
        raisr.upscale(scene((8, 8)), 3, model=tmp_path)
    with pytest.raises(ValueError, match="one pass or two"):
        IntelFilters([])
    stage = random_filters().stages[0]
    for other in (
        Stage(stage.spec, stage.filters, np.ones(len(stage.bias))),
        Stage(stage.spec, stage.filters[..., 1:-1, 1:-1], stage.bias),
    ):
        with pytest.raises(ValueError, match="without bias"):
            IntelFilters([other])
