"""Further classes above those of a bank: what lies below stays, to the bit."""

import numpy as np
import pytest

from raisr import ColourBank, HashSpec, learn_filters
from raisr.colour_bank import filter_chroma
from raisr.colour_learning import learn_chroma
from raisr.hashing import class_map
from raisr.metrics import psnr
from raisr.normal_equations import NormalEquations
from raisr.strong_classes import with_strong_classes, with_strong_colours
from raisr.validate import GrayImage
from tests.banks import delta_bank

SPEC = HashSpec(window=5, orientations=4, strength_edges=(0.02, 0.05), coherence_edges=(0.5,))


def soft(rng, count=6):
    """Return noisy and clean ramps and waves of little contrast."""
    y, x = np.indices((64, 64))
    for index in range(count):
        clean = 128 + 20 * np.sin(x * rng.uniform(0.02, 0.3) + y * rng.uniform(0.02, 0.3) + index)
        yield noisy(clean, rng)


def lines(rng, count=4):
    for index in range(count):
        clean = np.full((64, 64), 255.0)
        clean[index :: 6 + index] = 0
        yield noisy(clean if index % 2 else clean.T.copy(), rng)


def noisy(clean, rng, sigma=10):
    return (clean + rng.normal(0, sigma, clean.shape)).astype("f4"), clean.astype("f4")


@pytest.fixture(scope="module")
def learned():
    pairs, strong = list(soft(np.random.default_rng(0))), list(lines(np.random.default_rng(1)))
    bank = learn_filters(pairs, SPEC, size=3, stages=2, data_range=255)
    return bank, with_strong_classes(bank, pairs, strong, num_threads=1), pairs, strong


def test_what_lies_below_stays(learned):
    old, new, pairs, _ = learned
    for before, after in zip(old.stages, new.stages, strict=True):
        assert after.spec.strength_edges[:2] == before.spec.strength_edges
        assert after.spec.shape == (4, 5, 2)
        for o in range(4):
            for s in range(3):
                for m in range(2):
                    a = np.dot(before.spec.strides, (o, s, m))
                    b = np.dot(after.spec.strides, (o, s, m))
                    np.testing.assert_array_equal(after.filters[b], before.filters[a])
                    assert after.bias[b] == before.bias[a]
    flat = np.full((40, 40), 90, np.float32) + pairs[0][0][:40, :40] * 0.02
    np.testing.assert_array_equal(new.apply(flat, data_range=255), old.apply(flat, data_range=255))


def test_new_classes_are_the_least_squares_of_both(learned):
    _, new, pairs, strong = learned
    spec = new.stages[0].spec
    sums = NormalEquations(spec, 1, 3)
    for image, target in (*pairs, *strong):
        sums.add([image], target, class_map(GrayImage(image), spec, 1))
    filters, bias, thin = sums.symmetrised().solve(symmetric=True)
    new_bins = np.arange(spec.num_classes) // spec.strides[1] % spec.shape[1] >= 3
    both = new_bins & ~thin
    assert both.sum() >= 8
    np.testing.assert_allclose(new.stages[0].filters[both], filters[both], atol=1e-4)
    np.testing.assert_allclose(new.stages[0].bias[both], bias[both], atol=1e-2)


def test_lines_gain(learned):
    old, new, *_ = learned
    image, clean = next(lines(np.random.default_rng(7)))
    before, after = (psnr(bank.apply(image, data_range=255), clean) for bank in (old, new))
    assert after > before + 1


def test_a_generator_will_do_and_threads_make_no_difference(learned):
    old, new, pairs, strong = learned
    again = with_strong_classes(old, iter(pairs), iter(strong), num_threads=3)
    for a, b in zip(again.stages, new.stages, strict=True):
        assert a.spec == b.spec
        np.testing.assert_array_equal(a.filters, b.filters)


def test_strong_pairs_must_be_stronger(learned):
    old, _, pairs, _ = learned
    flat = [(np.full((64, 64), 9.0, np.float32),) * 2]
    with pytest.raises(ValueError, match="no more contrast"):
        with_strong_classes(old, pairs, flat)


def planes(kind, seed):
    """Return noisy and clean opponent planes, of as much contrast in each."""
    rng = np.random.default_rng(seed)
    three = zip(*(list(kind(rng)) for _ in range(3)), strict=True)
    for each in three:
        found = [list(images) for images in zip(*each, strict=True)]
        for images in found:
            images[1:] = [image - 128 for image in images[1:]]
        yield tuple(found)


@pytest.fixture(scope="module")
def coloured():
    pairs, strong = list(planes(soft, 0)), list(planes(lines, 1))
    samples = [(noisy[1:], clean[1:], noisy[0]) for noisy, clean in pairs]
    guides = ("luma", "own")
    old = ColourBank(delta_bank(), learn_chroma(samples, [SPEC] * 2, guides, 3), guides)
    return old, with_strong_colours(old, pairs, strong, num_threads=1), pairs, strong


def test_colours_have_further_classes_where_chroma_hashes_itself(coloured):
    old, new, *_ = coloured
    assert new.luma is old.luma
    assert new.metadata["strong_bins"] == 2
    for before, after in zip(old.chroma, new.chroma, strict=True):
        assert after.stages[0] is before.stages[0]
        assert after.stages[1].spec.shape == (4, 5, 2)
        edges = before.stages[1].spec.strength_edges
        assert after.stages[1].spec.strength_edges[:2] == edges
        np.testing.assert_allclose(after.stages[1].filters.sum(axis=(1, 2, 3)), 1, atol=1e-4)
        assert not after.stages[1].bias.any()


def test_lines_of_one_brightness_gain(coloured):
    old, new, *_ = coloured
    noisy, clean = next(planes(lines, 7))
    luma = GrayImage(np.full_like(noisy[0], 128))
    found = [
        filter_chroma(
            [part.stages for part in bank.chroma],
            bank.guides,
            list(map(GrayImage, noisy[1:])),
            luma,
            1,
        )
        for bank in (old, new)
    ]
    for plane in (0, 1):
        before, after = (psnr(out[plane], clean[1 + plane]) for out in found)
        assert after > before + 1


def test_colours_do_not_depend_on_threads(coloured):
    old, new, pairs, strong = coloured
    again = with_strong_colours(old, pairs, strong, num_threads=3)
    for a, b in zip(again.chroma, new.chroma, strict=True):
        assert a.stages[1].spec == b.stages[1].spec
        np.testing.assert_array_equal(a.stages[1].filters, b.stages[1].filters)
