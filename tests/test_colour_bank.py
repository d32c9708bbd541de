"""ColourBank: what it computes, what it refuses, what its files hold."""

import numpy as np
import pytest

from raisr import FilterBank, HashSpec, Stage
from raisr.colour import to_opponent
from raisr.colour_bank import ColourBank
from raisr.hashing import hash_image
from raisr.validate import as_channels
from tests.banks import CSCONV, delta_bank, random_bank
from tests.images import noisy_scene, random_bytes
from tests.reference.filters import filter_image

SPEC = HashSpec(window=5)


def colour_bank(guides=("luma", "own"), seed=0):
    """Random filters near the identity that keep flat areas."""
    rng = np.random.default_rng(seed)

    def near(stage):
        filters = stage.filters + rng.normal(0, 0.05, stage.filters.shape)
        filters -= filters.mean(axis=(1, 2, 3), keepdims=True) - 1 / filters[0].size
        return Stage(stage.spec, filters, stage.bias)

    def bank(count):
        return FilterBank([near(stage) for stage in delta_bank(*[SPEC] * count, size=3).stages])

    return ColourBank(bank(1), (bank(len(guides)), bank(len(guides))), guides, {"seed": seed})


def test_deltas_leave_the_image():
    bank = ColourBank(delta_bank(), (delta_bank(), delta_bank()), ("luma",))
    image = random_bytes((30, 40, 3))
    np.testing.assert_array_equal(bank.apply(image), image)


@pytest.mark.parametrize("guides", [("luma",), ("own",), ("luma", "own"), ("own", "luma", "luma")])
def test_each_plane_runs_through_its_cascade(guides):
    image = random_bytes((40, 50, 3)).astype(np.float32)
    bank = colour_bank(guides)
    planes = to_opponent(as_channels(image, -1, 255), 1)

    def run(stages, plane, guides, luma):
        before = plane
        for index, (stage, guide) in enumerate(zip(stages, guides, strict=True)):
            classes = hash_image(luma if guide == "luma" else before, stage.spec, data_range=255)
            taps = [plane] if index == 0 else [plane, before]
            before = filter_image(taps, classes, stage.filters, stage.bias).astype(np.float32)
        return before

    luma = run(bank.luma.stages, planes[0], ["own"], None)
    chroma = [
        run(cascade.stages, plane, guides, luma)
        for cascade, plane in zip(bank.chroma, planes[1:], strict=True)
    ]
    found = to_opponent(as_channels(bank.apply(image, data_range=255), -1, 255), 1)
    for a, b in zip(found, (luma, *chroma), strict=True):
        assert np.isclose(a, b, atol=1e-2).mean() > 0.98  # ties


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_type_axis_and_input_stay(dtype, axis):
    white = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = np.moveaxis((random_bytes((9, 11, 3)) / 255 * white).astype(dtype), -1, axis)
    before = image.copy()
    out = colour_bank().apply(image, channel_axis=axis)
    assert (out.shape, out.dtype) == (image.shape, dtype)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (50, 1, 3), (2, 2, 3)])
def test_any_size(shape):
    assert colour_bank().apply(random_bytes(shape)).shape == shape


def test_a_pedestal_is_put_back():
    image = np.stack([noisy_scene(seed=s) for s in range(3)], axis=-1).astype(np.float64)
    expected = colour_bank().apply(image, data_range=255) + 1e6
    found = colour_bank().apply(image + 1e6, data_range=255)
    assert np.isclose(found, expected, rtol=0, atol=0.01).mean() > 0.98  # ties


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_files_hold_all(tmp_path, dtype):
    bank, path = colour_bank(), tmp_path / "bank.safetensors"
    bank.save(path, dtype=dtype)
    found = ColourBank.load(path)
    assert (found.guides, found.metadata) == (bank.guides, bank.metadata)
    for a, b in zip((bank.luma, *bank.chroma), (found.luma, *found.chroma), strict=True):
        for x, y in zip(a.stages, b.stages, strict=True):
            assert x.spec == y.spec
            np.testing.assert_allclose(x.filters, y.filters, atol=0 if dtype == "float32" else 1e-3)


@pytest.mark.parametrize("part", ["filters", "bias"])
def test_weights_too_large_for_float16_are_refused(tmp_path, part):
    plain = delta_bank()
    values = {name: getattr(plain.stages[0], name).copy() for name in ("filters", "bias")}
    values[part][:] = 7e4
    large = FilterBank([Stage(plain.stages[0].spec, **values)])
    with pytest.raises(ValueError, match=f"float16 cannot hold the {part}, up to 7e\\+04"):
        ColourBank(plain, (plain, large), ("luma",)).save(tmp_path / "bank", dtype="float16")
    assert not list(tmp_path.iterdir())


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "bank.safetensors"
    with pytest.raises(FileNotFoundError, match="no colour bank at"):
        ColourBank.load(path)
    random_bank().save(path)
    with pytest.raises(ValueError, match="not a readable colour bank: its format is 'raisr filter"):
        ColourBank.load(path)
    colour_bank().save(path)
    with pytest.raises(ValueError, match="not a readable filter bank"):
        FilterBank.load(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a readable colour bank"):
        ColourBank.load(path)
    with pytest.raises(ValueError, match='dtype must be "float32" or "float16", got \'int8\''):
        colour_bank().save(path, dtype="int8")


def test_what_does_not_fit_is_refused():
    one, two = delta_bank(), delta_bank(CSCONV, CSCONV)
    with pytest.raises(ValueError, match="chroma must be two banks, got 1"):
        ColourBank(one, (one,), ("own",))
    for chroma, guides in (((one, two), ("own",)), ((one, one), ("red",)), ((one, one), ())):
        with pytest.raises(ValueError, match="guides must name one of"):
            ColourBank(one, chroma, guides)
    with pytest.raises(ValueError, match="one spec in both planes"):
        ColourBank(one, (one, delta_bank(SPEC)), ("luma",))
    with pytest.raises(ValueError, match="for three channels, got 4"):
        colour_bank().apply(random_bytes((8, 8, 4)))


def test_it_says_what_it_holds():
    info = colour_bank().info()
    assert list(info["planes"]) == ["luma", "wide", "narrow"]
    assert info["guides"] == ["luma", "own"]
    assert "guides=('luma', 'own')" in repr(colour_bank())
