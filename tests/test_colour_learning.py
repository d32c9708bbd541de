"""Learning from colour: chroma gets cleaner, flat areas stay, users' pairs become colour banks."""

import warnings

import numpy as np
import pytest

from raisr import ColourBank, HashSpec, denoise, learn_filters
from raisr.colour import to_opponent
from raisr.colour_learning import add_stage, learn_chroma
from raisr.noise import add_gaussian_noise
from raisr.validate import as_channels
from tests.banks import delta_bank
from tests.images import random_bytes, scene

SPEC = HashSpec(window=5, orientations=4, strength_edges=(0.01, 0.02), coherence_edges=(0.3,))


def colour_scene(seed):
    return np.dstack([scene((96, 100), 3 * seed + channel) for channel in range(3)])


def noisy_pairs(count, sigma=25):
    clean = [colour_scene(seed) for seed in range(count)]
    return [(add_gaussian_noise(c, sigma, k), c.astype(np.float32)) for k, c in enumerate(clean)]


def planes_of(image):
    return to_opponent(as_channels(image, -1, 255), 1)


def error(image, clean):
    return np.mean((image.astype(np.float64) - clean) ** 2)


@pytest.mark.parametrize("guides", [("luma",), ("own",), ("luma", "own")])
def test_chroma_gets_cleaner_and_flat_areas_stay(guides):
    pairs = [(planes_of(noisy), planes_of(clean)) for noisy, clean in noisy_pairs(4)]
    samples = [(noisy[1:], clean[1:], clean[0]) for noisy, clean in pairs]
    chroma = learn_chroma(samples[:3], [SPEC] * len(guides), guides, 5)
    bank = ColourBank(delta_bank(), chroma, guides)
    for stage in (stage for plane in chroma for stage in plane.stages):
        np.testing.assert_allclose(stage.filters.sum(axis=(1, 2, 3)), 1, atol=1e-4)
        assert not stage.bias.any()
    noisy, clean = noisy_pairs(4)[3]
    out = planes_of(bank.apply(noisy, data_range=255))
    for plane in (1, 2):
        assert error(out[plane], planes_of(clean)[plane]) < 0.5 * 25**2


def test_chroma_does_not_depend_on_threads():
    pairs = [(planes_of(noisy), planes_of(clean)) for noisy, clean in noisy_pairs(2)]
    samples = [(noisy[1:], clean[1:], clean[0]) for noisy, clean in pairs]
    found = [learn_chroma(samples, [SPEC], ["luma"], 3, num_threads=threads) for threads in (1, 3)]
    for one, three in zip(*found, strict=True):
        np.testing.assert_array_equal(one.stages[0].filters, three.stages[0].filters)


def test_a_further_stage_helps():
    bank = learn_filters(
        [(n[..., 0], c[..., 0]) for n, c in noisy_pairs(3)], SPEC, size=3, data_range=255
    )
    samples = [
        (noisy[..., 0], bank.apply(noisy[..., 0], data_range=255), clean[..., 0])
        for noisy, clean in noisy_pairs(3)
    ]
    more = add_stage(bank, samples, SPEC, 5)
    assert len(more.stages) == 2
    noisy, clean = (image[..., 0] for image in noisy_pairs(4)[3])
    before, after = (b.apply(noisy, data_range=255) for b in (bank, more))
    assert error(after, clean) < error(before, clean)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("stages", [1, 2])
def test_colour_pairs_give_a_colour_bank(axis, stages):
    pairs = [tuple(np.moveaxis(image, -1, axis) for image in pair) for pair in noisy_pairs(4)]
    options = {"size": 5, "stages": stages, "data_range": 255, "channel_axis": axis}
    bank = learn_filters(pairs[:3], SPEC, **options)
    assert isinstance(bank, ColourBank)
    assert bank.guides == ("luma", "own")[:stages]
    noisy, clean = pairs[3]
    out = bank.apply(noisy, channel_axis=axis, data_range=255)
    assert error(out, clean) < 0.4 * error(noisy, clean)
    np.testing.assert_array_equal(
        denoise(noisy, model=bank, channel_axis=axis, data_range=255), out
    )


def test_a_tint_is_learned():
    clean = colour_scene(0).astype(np.float32)
    tinted = 0.8 * clean + np.float32([20, 0, 10])
    bank = learn_filters([(clean, tinted)], SPEC, size=3, channel_axis=-1, data_range=255)
    np.testing.assert_allclose(bank.apply(clean, data_range=255), tinted, atol=0.5)


def test_pairs_that_do_not_fit_are_refused():
    image = colour_scene(0)
    with pytest.raises(ValueError, match="for three channels, got 2"):
        learn_filters([(image[..., :2], image[..., :2])], channel_axis=-1)
    with pytest.raises(ValueError, match=r"is \(input, target\), got 3"):
        learn_filters([(image, image, image)], channel_axis=-1)
    with pytest.raises(TypeError, match="target has white 1 where its input has 255"):
        learn_filters([(image, image / 255)], channel_axis=-1)


def messages_of(pairs, **options):
    """What is warned of, and the bank."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bank = learn_filters(pairs, channel_axis=-1, **options)
    return [str(warning.message) for warning in caught], bank


@pytest.mark.parametrize("offset", [1e6, [0, 1e6, -3e5]])
def test_an_added_constant_changes_nothing(offset):
    pairs = [tuple(image / np.float64(255) for image in pair) for pair in noisy_pairs(2)]
    moved = [tuple(image + np.asarray(offset) for image in pair) for pair in pairs]
    options = {"size": 3, "channel_axis": -1, "data_range": 1}
    plain, bank = (learn_filters(p, SPEC, **options) for p in (pairs, moved))
    for key in ("psnr_before", "psnr_after"):
        for name in ("luma", "chroma0", "chroma1"):
            assert bank.metadata[name][key] == pytest.approx(plain.metadata[name][key], abs=0.05)


def test_the_facts_are_those_of_all_planes():
    pairs = noisy_pairs(4)
    bank = learn_filters(pairs, SPEC, size=5, stages=2, channel_axis=-1, data_range=255)
    facts, held, before = bank.metadata, 0, 0.0
    for index, (noisy, clean) in enumerate(pairs):
        y, x = np.indices(clean.shape[:2]) // 8
        mask = (3 * y + x + index) % 8 == 1
        held += np.count_nonzero(mask)
        before += np.sum((noisy - clean)[mask].astype(np.float64) ** 2)
    assert facts["held_back_pixels"] == held
    assert facts["psnr_before"] == pytest.approx(
        10 * np.log10(255**2 * 3 * held / before), abs=2e-3
    )
    others = noisy_pairs(6)[4:]
    after = np.mean([error(bank.apply(noisy, data_range=255), clean) for noisy, clean in others])
    assert facts["psnr_after"] == pytest.approx(10 * np.log10(255**2 / after), abs=1.5)
    assert facts["edges"] == "quantile"
    assert {"luma", "chroma0", "chroma1"} < facts.keys()
    fixed = learn_filters(pairs, SPEC, size=3, channel_axis=-1, data_range=255, edges="fixed")
    assert fixed.metadata["edges"] == "fixed"


def test_edges_that_stay_are_said_once():
    image = np.full((60, 60, 3), 90, np.uint8)
    image[:20, :20] = random_bytes((20, 20, 3))
    said, bank = messages_of([(image, image)], spec=SPEC, size=3, data_range=255)
    told = [message for message in said if "edges stay" in message]
    assert len(told) == 1
    for name in ("luma", "chroma0", "chroma1"):
        assert f"strength_edges of stage 0 of {name}" in told[0]
    assert bank.metadata["edges"] == "fixed"
    assert len(bank.metadata["fixed_edges"]) == 6


def test_warnings_come_once_in_the_unit_of_the_caller():
    (noisy, clean), *_ = noisy_pairs(1)
    said, _ = messages_of([(noisy, clean)], spec=SPEC, size=3)
    assert sorted(message.split()[0] for message in said) == ["input", "target"]
    assert all("white, which is 1 for float32: pass data_range" in message for message in said)
    shifted = np.roll(noisy, (1, 0), (0, 1))
    said, _ = messages_of([(shifted, clean)], spec=SPEC, size=3, data_range=255)
    assert [message for message in said if "do not lie" in message] == said[:1]


def test_pairs_that_are_equal_are_said():
    image = colour_scene(0)
    with pytest.warns(UserWarning, match="each target is its input"):
        learn_filters([(image, image)], size=3, channel_axis=-1)


def test_pairs_without_colour_are_refused_by_name():
    gray = np.dstack([scene((60, 70))] * 3)
    with pytest.raises(ValueError, match="the chroma of each input is constant.*one of them"):
        learn_filters([(gray, gray)], SPEC, size=3, channel_axis=-1)


def test_a_bank_for_the_models_says_which_edges_stay():
    flat = np.zeros((60, 60), np.float32)
    flat[:20, :20] = random_bytes((20, 20))
    with pytest.warns(UserWarning, match="edges stay.*strength_edges of stage 0 of chroma0"):
        chroma = learn_chroma([((flat, flat), (flat, flat), flat)], [SPEC], ["luma"], 3)
    assert [bank.metadata["edges"] for bank in chroma] == ["fixed", "fixed"]
    with pytest.warns(UserWarning, match="edges stay.*strength_edges of stage 1"):
        more = add_stage(delta_bank(), [(flat, flat, flat)], SPEC, 3)
    assert more.metadata["fixed_edges"] == [
        "strength_edges of stage 1",
        "coherence_edges of stage 1",
    ]
