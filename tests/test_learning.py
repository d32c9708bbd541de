"""learn_filters against least squares by the book, its rules, and what it refuses."""

import itertools
import threading

import numpy as np
import pytest

from raisr import FilterBank, HashSpec, Stage, hash_image, learn_filters
from raisr.holdout import Holdout
from raisr.normal_equations import NormalEquations
from tests.images import noisy_scene, random_bytes, scene
from tests.reference import least_squares
from tests.reference.classes import split

FEW = HashSpec(orientations=4, strength_edges=(0.1,), coherence_edges=(0.2,), window=5)


def noise_pairs(count=3, shape=(48, 60)):
    """Inputs without correlation, so that filters are well determined, and blurred targets."""
    pairs = []
    for seed in range(count):
        image = random_bytes(shape, seed=seed)
        target = (image // 2 + np.roll(image, 1, axis=0) // 3 + 20 * (image > 128)).astype(np.uint8)
        pairs.append((image, target))
    return pairs


def scene_pairs(count=3, shape=(64, 80)):
    return [(noisy_scene(shape, seed=s), scene(shape, s).astype(np.float32)) for s in range(count)]


def samples_of(pairs, spec):
    return [
        ([pair[0]], pair[1], hash_image(pair[2 if len(pair) == 3 else 0], spec)) for pair in pairs
    ]


def well_filled(samples, least):
    """Classes with at least so many samples."""
    counts = np.bincount(np.concatenate([np.ravel(classes) for _, _, classes in samples]))
    return np.flatnonzero(counts >= least)


def mean_square_error(bank, pairs):
    return np.mean([(bank.apply(i, data_range=255) - t) ** 2 for i, t in pairs])


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


def blurred_pairs(count=3, shape=(96, 120)):
    """Inputs that moved 9 pixels along the rows while they were seen, and sharp targets."""
    pairs = []
    for seed in range(count):
        wide = scene((shape[0], shape[1] + 8), seed).astype(np.float32)
        blurred = np.mean([wide[:, i : i + shape[1]] for i in range(9)], axis=0)
        pairs.append((blurred, wide[:, 4:-4]))
    return pairs


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


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (13, 15)])
@pytest.mark.parametrize("options", [{}, {"stages": 2}, {"symmetric": False, "edges": "fixed"}])
@pytest.mark.filterwarnings("ignore:edges stay as the spec has them")
def test_too_few_pixels_are_refused(shape, options):
    image = random_bytes(shape)
    with pytest.raises(ValueError, match=f"{image.size} pixels are too few.*7 x 7.*least 196"):
        learn_filters([(image, image)], **options)


@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize("options", [{}, {"stages": 2}, {"symmetric": False, "edges": "fixed"}])
@pytest.mark.filterwarnings("ignore:edges stay as the spec has them")
def test_constant_images_are_refused(value, options):
    flat, varied = np.full((30, 40), value, np.uint8), random_bytes((30, 40))
    with pytest.raises(ValueError, match="each input is constant.*nothing to learn"):
        learn_filters([(flat, varied)], size=3, **options)
    with pytest.raises(ValueError, match="each target is constant.*nothing to learn"):
        learn_filters([(varied, flat)], size=3, **options)


@pytest.mark.parametrize("edges", ["quantile", "fixed"])
def test_flat_images_keep_edges_and_the_bank_says_so(edges):
    image = np.full((60, 60), 90, np.uint8)
    image[:20, :20] = random_bytes((20, 20))
    pairs = [(image, image // 2)]
    options = {"size": 3, "edges": edges}
    if edges == "fixed":
        assert learn_filters(pairs, **options).metadata["edges"] == "fixed"
        return
    message = "edges stay.*flat: strength_edges of stage 0, coherence_edges of stage 0"
    with pytest.warns(UserWarning, match=message):
        bank = learn_filters(pairs, **options)
    assert bank.metadata["edges"] == "fixed"
    assert bank.stages[0].spec == HashSpec.preset("blade")
    spec = HashSpec(strength_edges=())
    with pytest.warns(UserWarning, match="flat: coherence_edges of stage 0$"):
        mixed = learn_filters(pairs, spec, **options)
    assert mixed.metadata["edges"] == "mixed"
    assert mixed.metadata["fixed_edges"] == ["coherence_edges of stage 0"]


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


def test_held_back_pixels_tell_what_the_bank_gains():
    pairs = scene_pairs(4)
    facts = learn_filters(pairs, "csconv", size=5, stages=2, data_range=255).metadata
    everything = sum(image.size for image, _ in pairs)
    assert facts["pixels"] == everything
    assert facts["held_back_pixels"] == pytest.approx(everything / 8, rel=0.15)
    assert facts["psnr_before"] == pytest.approx(20 * np.log10(255 / 25), abs=0.3)
    # Scenes of the same kind that were not learned from.
    others = [(noisy_scene(seed=s), scene(seed=s).astype(np.float32)) for s in range(10, 14)]
    bank = learn_filters(pairs, "csconv", size=5, stages=2, data_range=255)
    reached = 10 * np.log10(255**2 / mean_square_error(bank, others))
    assert facts["psnr_after"] == pytest.approx(reached, abs=1.5)
    assert facts["psnr_after"] > facts["psnr_before"] + 3


def test_held_back_errors_are_those_of_the_pixels():
    """The sums give what filtering and subtracting would."""
    pairs, spec = noise_pairs(2), FEW
    sums = Holdout(spec, 1, 3)
    for index, (image, target) in enumerate(pairs):
        planes = [image.astype(np.float32)], target.astype(np.float32)
        sums.add(*planes, hash_image(image, spec).astype(np.uint16), index, 2)
    facts = sums.errors(symmetric=False, ridge=1e-6, min_samples=None)
    filters, bias, _ = sums.part(held=False).solve(ridge=1e-6)
    bank = FilterBank([Stage(spec, filters, bias)])
    held, errors_before, errors_after = 0, 0.0, 0.0
    for index, (image, target) in enumerate(pairs):
        y, x = np.indices(image.shape) // 8
        mask = (3 * y + x + index) % 8 == 1
        out = bank.apply(image.astype(np.float32), data_range=255)
        held += mask.sum()
        errors_before += np.sum((image.astype(float) - target)[mask] ** 2)
        errors_after += np.sum((out - target.astype(float))[mask] ** 2)
    assert facts["held_back_pixels"] == held
    decibels = [10 * np.log10(255**2 * held / e) for e in (errors_before, errors_after)]
    assert [facts["psnr_before"], facts["psnr_after"]] == pytest.approx(decibels, abs=2e-3)


def test_a_bank_that_is_worse_than_nothing_is_said():
    rng = np.random.default_rng(0)
    image = random_bytes((24, 24))
    target = (image + rng.normal(0, 1, image.shape)).clip(
        0, 255
    )  # nothing to gain, much to overfit
    with pytest.warns(UserWarning, match="worse than nothing.*dB before and .*dB after"):
        bank = learn_filters(
            [(image.astype(np.float32), target)], size=11, data_range=255, min_samples=1
        )
    assert bank.metadata["psnr_after"] < bank.metadata["psnr_before"]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pairs_that_are_equal_are_said(dtype):
    image = scene((48, 60)).astype(dtype)
    with pytest.warns(UserWarning, match="each target is its input") as caught:
        learn_filters([(image, image)], size=3, data_range=255)
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("error")
def test_pairs_that_differ_by_a_gray_level_are_not_said():
    image = scene((48, 60))
    brighter = image // 2 + 1
    learn_filters([(image // 2, brighter)], size=3)


@pytest.mark.parametrize("shift", [(1, 0), (0, -2), (3, 3), (8, 0)])
def test_shifted_pairs_are_said(shift):
    clean = scene((96, 120))
    noisy = np.roll(noisy_scene((96, 120)), shift, axis=(0, 1))
    pair = noisy, clean.astype(np.float32)
    with pytest.warns(UserWarning, match="do not lie on each other") as caught:
        learn_filters([pair], size=7, data_range=255)
    assert caught[0].filename == __file__
    if max(np.abs(shift)) <= 3:
        assert f"{shift[0]} rows and {shift[1]} columns" in str(caught[0].message)


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


def test_training_facts():
    bank = learn_filters(noise_pairs(2), FEW, size=3, ridge=1e-5, symmetric=False)
    facts = bank.metadata
    assert (facts["ridge"], facts["symmetric"], facts["edges"]) == (1e-5, False, "quantile")
    assert facts["pixels"] == 2 * 48 * 60
    assert len(facts["thin_classes"]) == 1


@pytest.mark.parametrize("stop_at", [0, 1, 5])
def test_an_interrupt_goes_through(stop_at):
    """Ctrl-C arrives while edges are fitted (0, 1) or filters learned (5)."""
    served = itertools.count()

    class Interrupted(list):
        def __iter__(self):
            for pair in super().__iter__():
                if next(served) == stop_at:
                    raise KeyboardInterrupt
                yield pair

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        learn_filters(Interrupted(scene_pairs(3)), FEW, size=3, data_range=255, num_threads=2)
    assert threading.active_count() == threads
    assert next(served) == stop_at + 1


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_progress_bar(capsys, progress, shown):
    learn_filters(noise_pairs(1), FEW, size=3, progress=progress)
    output = capsys.readouterr()
    assert not output.out
    assert ("stage 1 of 1" in output.err) == shown


IMAGE = np.zeros((4, 5))


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        ([], {}, "pairs is empty: there is nothing to learn from"),
        (iter([]), {}, "pairs is empty: there is nothing to learn from"),
        ([(IMAGE,)], {}, r"a pair must be \(input, target\[, guide\]\), got 1 item"),
        ([(IMAGE,) * 4], {}, r"a pair must be \(input, target\[, guide\]\), got 4 items"),
        (
            [(IMAGE, IMAGE.T)],
            {},
            r"images of a pair must have one shape, got \[\(4, 5\), \(5, 4\)\]",
        ),
        ([(IMAGE, IMAGE, IMAGE.T)], {}, "images of a pair must have one shape"),
        ([(IMAGE, IMAGE * np.nan)], {}, r"target is not finite at \(0, 0\): nan"),
        ([(IMAGE, IMAGE, IMAGE * np.nan)], {}, r"guide is not finite at \(0, 0\): nan"),
        ([(IMAGE, IMAGE)], {"size": 4}, "size must be odd, from 1 to 15, got 4"),
        ([(IMAGE, IMAGE)], {"size": 17}, "size must be odd, from 1 to 15, got 17"),
        ([(IMAGE, IMAGE)], {"size": 7.0}, "size must be odd, from 1 to 15, got 7.0"),
        ([(IMAGE, IMAGE)], {"size": True}, "size must be odd, from 1 to 15, got True"),
        ([(IMAGE, IMAGE)], {"stages": 2.0}, "stages must be a positive whole number, got 2.0"),
        ([(IMAGE, IMAGE)], {"stages": True}, "stages must be a positive whole number, got True"),
        ([(IMAGE, IMAGE)], {"min_samples": -1}, "min_samples must be a whole number"),
        ([(IMAGE, IMAGE)], {"min_samples": 1.5}, "min_samples must be a whole number"),
        ([(IMAGE, IMAGE)], {"ridge": np.inf}, "ridge must not be negative"),
        ([(IMAGE, IMAGE)], {"stages": 0}, "stages must be a positive whole number, got 0"),
        ([(IMAGE, IMAGE)], {"stages": 1.5}, "stages must be a positive whole number, got 1.5"),
        ([(IMAGE, IMAGE)], {"spec": []}, "stages must be the number of specs, 0, got None"),
        (
            [(IMAGE, IMAGE)],
            {"spec": ["blade", "raisr"], "stages": 3},
            "stages must be the number of specs, 2, got 3",
        ),
        ([(IMAGE, IMAGE)], {"spec": "nope"}, "no preset 'nope'"),
        ([(IMAGE, IMAGE)], {"edges": "none"}, 'edges must be "quantile" or "fixed", got \'none\''),
    ],
)
def test_learning_refuses(pairs, options, message):
    with pytest.raises(ValueError, match=message):
        learn_filters(pairs, **options)


@pytest.mark.parametrize("options", [{"size": 4}, {"ridge": -1}])
def test_options_are_refused_before_any_image_is_read(options):
    def pairs():
        pytest.fail("reads")
        yield

    with pytest.raises(ValueError, match="must"):
        learn_filters(pairs(), **options)


@pytest.mark.filterwarnings("ignore:(input|target) has values")
def test_values_that_cannot_be_summed_are_refused():
    image = noisy_scene().astype(np.float64)
    for pair in ((1e30 * image, image), (image, 1e30 * image)):
        with pytest.raises(ValueError, match="too large"):
            learn_filters([pair], FEW, size=3, data_range=255, edges="fixed")
    equations = NormalEquations(FEW, 1, 3)
    equations.totals[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="sums are not finite"):
        equations.solve()


def test_whole_numbers_of_any_type_will_do(tmp_path):
    options = {"size": np.int64(3), "stages": np.uint8(1), "num_threads": np.int32(1)}
    bank = learn_filters(noise_pairs(1), FEW, min_samples=np.int64(40), **options)
    bank.save(tmp_path / "bank")
    assert FilterBank.load(tmp_path / "bank").info() == bank.info()
