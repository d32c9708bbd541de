"""learn_filters against least squares by the book, and its rules."""

import itertools

import numpy as np
import pytest

from raisr import FilterBank, HashSpec, hash_image, learn_filters
from tests.images import noisy_scene, random_bytes, scene
from tests.pairs import FEW, blurred_pairs, mean_square_error, noise_pairs, scene_pairs
from tests.reference import least_squares
from tests.reference.classes import split


def samples_of(pairs, spec):
    return [
        ([pair[0]], pair[1], hash_image(pair[2 if len(pair) == 3 else 0], spec)) for pair in pairs
    ]


def well_filled(samples, least):
    """Classes with at least so many samples."""
    counts = np.bincount(np.concatenate([np.ravel(classes) for _, _, classes in samples]))
    return np.flatnonzero(counts >= least)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_filters_are_the_least_squares_solution(size):
    pairs = noise_pairs()
    found = learn_filters(pairs, FEW, size=size, edges="fixed", symmetric=False, ridge=0).stages[0]
    samples = samples_of(pairs, FEW)
    filters, bias = least_squares.solve(samples, FEW.num_classes, size)
    enough = well_filled(samples, 4 * size**2)
    assert len(enough) > 4
    np.testing.assert_allclose(found.filters[enough], filters[enough], atol=1e-5)
    np.testing.assert_allclose(found.bias[enough], bias[enough], atol=1e-3)


def test_no_other_filter_has_a_smaller_error():
    pairs = scene_pairs()
    bank = learn_filters(pairs, FEW, size=3, data_range=255, symmetric=False, ridge=0)
    stage, best = bank.stages[0], mean_square_error(bank, pairs)
    rng = np.random.default_rng(0)
    for c, scale in itertools.product(range(FEW.num_classes), (1e-3, 1e-2)):
        filters, bias = stage.filters.copy(), stage.bias.copy()
        filters[c] += rng.normal(0, scale, filters[c].shape)
        bias[c] += rng.normal(0, scale)
        other = FilterBank([type(stage)(stage.spec, filters, bias)])
        assert mean_square_error(other, pairs) >= best


def test_a_task_with_a_direction_is_learned_without_symmetry():
    pairs, others = blurred_pairs(4), blurred_pairs(6)[4:]
    options = {"size": 9, "data_range": 255}
    found = learn_filters(pairs, FEW, **options)
    views, one = (learn_filters(pairs, FEW, symmetric=s, **options) for s in (True, False))
    assert found.metadata["symmetric"] is False
    np.testing.assert_array_equal(found.stages[0].filters, one.stages[0].filters)
    ratio = mean_square_error(views, others) / mean_square_error(found, others)
    assert 10 * np.log10(ratio) > 1  # dB


def test_a_task_without_a_direction_is_learned_from_eight_views():
    bank = learn_filters(scene_pairs(), FEW, size=5, stages=2, data_range=255)
    assert bank.metadata["symmetric"] is True
    same = learn_filters(scene_pairs(), FEW, size=5, stages=2, data_range=255, symmetric=True)
    for a, b in zip(bank.stages, same.stages, strict=True):
        np.testing.assert_array_equal(a.filters, b.filters)
    tiny = [(image[:8, :8], target[:8, :8]) for image, target in blurred_pairs(1)]
    assert learn_filters(tiny, FEW, size=3, data_range=255).metadata["symmetric"] is True


def test_all_planes_of_colour_have_one_symmetry():
    pairs = [
        tuple(np.stack([image, image * 0.8 + 9, 255 - image], -1) for image in pair)
        for pair in blurred_pairs()
    ]
    facts = learn_filters(pairs, FEW, size=5, channel_axis=-1, data_range=255).metadata
    assert facts["symmetric"] is False
    assert not any(facts[plane]["symmetric"] for plane in ("luma", "chroma0", "chroma1"))


def test_symmetric_learning_equals_learning_from_the_eight_views():
    # Without orientations, because a flip may move the pixels on the border of an orientation.
    spec = HashSpec(orientations=1)
    pairs = noise_pairs(2)
    views = [
        pair
        for image, target in pairs
        for pair in zip(*(map(least_squares.eight_views, (image, target))), strict=True)
    ]
    symmetric = learn_filters(pairs, spec, size=5, edges="fixed", symmetric=True)
    augmented = learn_filters(views, spec, size=5, edges="fixed", symmetric=False)
    np.testing.assert_allclose(symmetric.stages[0].filters, augmented.stages[0].filters, atol=1e-6)
    np.testing.assert_allclose(symmetric.stages[0].bias, augmented.stages[0].bias, atol=1e-4)


def test_quantile_edges_fill_the_bins_equally():
    pairs = scene_pairs()
    spec = learn_filters(pairs, "blade", size=3, data_range=255).stages[0].spec
    assert spec.shape == (16, 5, 3)
    bins = [split(hash_image(image, spec, data_range=255), spec) for image, _ in pairs]
    for axis, count in ((1, 5), (2, 3)):
        shares = np.bincount(np.concatenate([b[axis].ravel() for b in bins]), minlength=count)
        np.testing.assert_allclose(shares / shares.sum(), 1 / count, atol=0.03)


def test_pairs_that_edges_are_not_fitted_to_are_read_once():
    class Lazy:
        read = 0

        def __len__(self):
            return 120

        def __getitem__(self, place):
            self.read += 1
            return [random_bytes((9, 9), seed=place + k).astype(np.float32) for k in range(2)]

        def __iter__(self):
            return (self[place] for place in range(120))

    pairs = Lazy()
    found = learn_filters(pairs, size=3, data_range=255, progress=False)
    assert pairs.read == 60 + 120
    expected = learn_filters(list(pairs), size=3, data_range=255, progress=False)
    np.testing.assert_array_equal(found.stages[0].filters, expected.stages[0].filters)


def test_fixed_edges_stay():
    bank = learn_filters(scene_pairs(1), "csconv", size=3, edges="fixed", data_range=255)
    assert bank.stages[0].spec == HashSpec.preset("csconv")


def test_the_guide_is_hashed_and_not_filtered():
    inputs, guides = noise_pairs(2), noise_pairs(4)[2:]
    triples = [(i, t, g) for (i, t), (g, _) in zip(inputs, guides, strict=True)]
    bank = learn_filters(triples, FEW, size=3, edges="fixed", symmetric=False, ridge=0)
    samples = samples_of(triples, FEW)
    filters, _ = least_squares.solve(samples, FEW.num_classes, 3)
    enough = well_filled(samples, 4 * 3**2)
    assert len(enough) > 4
    np.testing.assert_allclose(bank.stages[0].filters[enough], filters[enough], atol=1e-5)


def test_an_oracle_guide_helps():
    pairs = scene_pairs()
    alone = learn_filters(pairs, "csconv", size=5, data_range=255)
    guided = learn_filters([(i, t, t) for i, t in pairs], "csconv", size=5, data_range=255)
    error = np.mean([(guided.apply(i, t, data_range=255) - t) ** 2 for i, t in pairs])
    assert error < mean_square_error(alone, pairs)


def test_each_stage_lowers_the_training_error():
    pairs = scene_pairs()
    bank = learn_filters(pairs, FEW, size=5, stages=3, data_range=255)
    errors = [
        mean_square_error(FilterBank(bank.stages[:n]), pairs)
        for n in range(1, len(bank.stages) + 1)
    ]
    noise = np.mean([(i - t) ** 2 for i, t in pairs])
    assert noise > errors[0] > errors[1] > errors[2]
    assert [stage.planes for stage in bank.stages] == [1, 2, 2]


def test_a_list_gives_each_stage_its_spec():
    bank = learn_filters(scene_pairs(1), [FEW, "csconv"], size=3, edges="fixed", data_range=255)
    assert [stage.spec for stage in bank.stages] == [FEW, HashSpec.preset("csconv")]
    again = learn_filters(scene_pairs(1), FEW, stages=1, size=3, edges="fixed", data_range=255)
    np.testing.assert_array_equal(again.stages[0].filters, bank.stages[0].filters)


@pytest.mark.parametrize("stages", [1, 2])
def test_generators_and_lists_give_the_same_bank(stages):
    pairs = scene_pairs(2)
    listed = learn_filters(pairs, FEW, size=3, stages=stages, data_range=255)
    generated = learn_filters((p for p in pairs), FEW, size=3, stages=stages, data_range=255)
    assert generated.info() == listed.info()
    for a, b in zip(listed.stages, generated.stages, strict=True):
        np.testing.assert_array_equal(a.filters, b.filters)


def test_any_data_range_gives_the_same_bank():
    pairs = noise_pairs(1)
    wide = [tuple(a.astype(np.uint16) * 257 for a in pair) for pair in pairs]
    small = [tuple(a / 255 for a in pair) for pair in pairs]
    banks = [learn_filters(p, FEW, size=3, edges="fixed") for p in (pairs, wide, small)]
    for bank in banks[1:]:
        np.testing.assert_array_equal(bank.stages[0].filters, banks[0].stages[0].filters)


@pytest.mark.filterwarnings("ignore:input has values far above white")
def test_pairs_have_one_white():
    noisy, clean = noisy_scene(), scene()
    for pair in ((noisy, clean), (clean, noisy), (clean, clean, noisy)):
        with pytest.raises(TypeError, match="(target|guide) is .* where .* is .*: pass data_range"):
            learn_filters([pair], size=3)
    mixed = learn_filters([(noisy, clean)], size=3, data_range=255)
    alike = learn_filters([(noisy, clean.astype(np.float32))], size=3, data_range=255)
    np.testing.assert_array_equal(mixed.stages[0].filters, alike.stages[0].filters)
    assert mean_square_error(mixed, [(noisy, clean)]) < 200


def test_an_added_constant_changes_no_filter():
    """Temperatures in kelvin: what matters is the contrast."""
    pairs = [(i / 10.0, t / 10.0) for i, t in scene_pairs(2)]
    warm = [(i + 280, t + 280) for i, t in pairs]
    warmer = [(i + 1280, t + 1280) for i, t in pairs]
    first, second = (learn_filters(p, FEW, size=3, data_range=25.5) for p in (warm, warmer))
    np.testing.assert_allclose(first.stages[0].filters, second.stages[0].filters, atol=1e-4)
    usual = learn_filters(pairs, FEW, size=3, data_range=25.5)
    for a, b in zip(first.metadata.values(), usual.metadata.values(), strict=True):
        assert a == pytest.approx(b, abs=0.05) if isinstance(a, float) else a == b


@pytest.mark.parametrize("size", [3, 7, 11])
@pytest.mark.parametrize("contrast", [1 / 90, 1 / 3])
def test_smooth_inputs_without_noise_give_no_garbage(contrast, size):
    """Their taps are nearly dependent, and far from 128: float32 sums know little about them."""
    image = scene((150, 150)).astype(np.float32) * np.float32(contrast)
    bank = learn_filters([(image, image / 2)], "csconv", size=size, stages=2, data_range=255)
    assert max(np.abs(stage.filters).max() for stage in bank.stages) < 3
    assert mean_square_error(bank, [(image, image / 2)]) < 0.5


def test_whole_numbers_of_any_type_will_do(tmp_path):
    options = {"size": np.int64(3), "stages": np.uint8(1), "num_threads": np.int32(1)}
    bank = learn_filters(noise_pairs(1), FEW, min_samples=np.int64(40), **options)
    bank.save(tmp_path / "bank")
    assert FilterBank.load(tmp_path / "bank").info() == bank.info()
