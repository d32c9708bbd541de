"""What learn_filters tells: of held back pixels, of pairs that do not fit, and while it works."""

import itertools
import threading

import numpy as np
import pytest

from raisr import FilterBank, HashSpec, Stage, hash_image, learn_filters
from raisr.holdout import Holdout
from tests.images import noisy_scene, random_bytes, scene
from tests.pairs import FEW, mean_square_error, noise_pairs, scene_pairs


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
    learn_filters([(image // 2, image // 2 + 1)], size=3)


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
