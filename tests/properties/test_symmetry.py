"""Turned, mirrored, brightened and scaled images have turned, mirrored and equal classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raisr import HashSpec, gradient_statistics, hash_image, learn_filters
from raisr.symmetry import dihedral_views
from tests.images import noisy_scene, scene
from tests.properties.strategies import box_specs, byte_images
from tests.reference.classes import join, split, tensor_sums
from tests.reference.least_squares import eight_views


def angle_signs(image, spec):
    """Cosine and sine of the doubled orientation, times the anisotropy: whole numbers."""
    rows, cross, columns = tensor_sums(image, spec)
    return rows - columns, 2 * cross


@given(byte_images(), box_specs())
def test_a_quarter_turn_moves_the_orientation_by_half_the_bins(image, spec):
    orientation, strength, coherence = split(hash_image(image, spec), spec)
    cosine, sine = angle_signs(image, spec)
    moved = (orientation + spec.orientations // 2) % spec.orientations
    isotropic = (cosine == 0) & (sine == 0)
    expected = join((np.where(isotropic, orientation, moved), strength, coherence), spec)
    np.testing.assert_array_equal(hash_image(np.rot90(image), spec), np.rot90(expected))


@pytest.mark.parametrize("flip", [np.flipud, np.fliplr])
@given(byte_images(), box_specs())
def test_a_flip_mirrors_the_orientation(flip, image, spec):
    orientation, strength, coherence = split(hash_image(image, spec), spec)
    mirrored = join((spec.orientations - 1 - orientation, strength, coherence), spec)
    cosine, sine = angle_signs(image, spec)
    # Only these doubled angles can lie exactly on an edge between orientations.
    tie = (cosine == 0) | (sine == 0) | (np.abs(cosine) == np.abs(sine))
    found = flip(hash_image(flip(image), spec))
    np.testing.assert_array_equal(found[~tie], mirrored[~tie])
    for kept, axis in ((strength, 1), (coherence, 2)):
        np.testing.assert_array_equal(split(found, spec)[axis], kept)


@given(byte_images(max_value=150), st.integers(0, 105), box_specs())
def test_brightness_changes_nothing(image, shift, spec):
    brighter = image + np.uint8(shift)
    np.testing.assert_array_equal(hash_image(brighter, spec), hash_image(image, spec))
    for a, b in zip(
        gradient_statistics(brighter, spec), gradient_statistics(image, spec), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@given(byte_images(max_value=30), st.integers(1, 8), box_specs())
def test_scaling_leaves_orientation_and_coherence(image, factor, spec):
    scaled = image * np.uint8(factor)
    found, kept = split(hash_image(scaled, spec), spec), split(hash_image(image, spec), spec)
    np.testing.assert_array_equal(found[0], kept[0])
    np.testing.assert_array_equal(found[2], kept[2])
    a, b = gradient_statistics(scaled, spec), gradient_statistics(image, spec)
    np.testing.assert_array_equal(a.orientation, b.orientation)
    np.testing.assert_allclose(a.coherence, b.coherence, atol=1e-6)
    power = 1 if spec.strength == "sqrt" else 2
    np.testing.assert_allclose(a.strength, b.strength * float(factor) ** power, rtol=1e-6)


@given(st.sampled_from([1, 2, 4, 6, 8, 24]), box_specs())
def test_views_agree_with_the_hash(orientations, spec):
    spec = HashSpec(orientations=orientations, index_order=spec.index_order)
    image = scene((40, 40), seed=orientations)
    classes = hash_image(image, spec)
    cosine, sine = angle_signs(image, spec)
    certain = (cosine != 0) & (sine != 0) & (np.abs(cosine) != np.abs(sine))
    for transform, destination in dihedral_views(spec):
        found, expected = hash_image(transform(image), spec), transform(destination[classes])
        keep = transform(certain)
        np.testing.assert_array_equal(found[keep], expected[keep])


@pytest.mark.parametrize("spec", ["csconv", HashSpec(orientations=6), HashSpec(orientations=1)])
def test_a_symmetric_bank_turns_with_the_image(spec):
    pairs = [(noisy_scene(seed=seed), scene(seed=seed).astype(np.float32)) for seed in range(2)]
    bank = learn_filters(pairs, spec, size=5, stages=2, data_range=255)
    image = noisy_scene(seed=9)
    outs = [bank.apply(view, data_range=255) for view in eight_views(image)]
    for found, expected in zip(outs, eight_views(outs[0]), strict=True):
        # Mirroring aligns the gradients on the border: ties there.
        assert np.isclose(found, expected, atol=0.01)[12:-12, 12:-12].mean() > 0.98


def test_a_symmetric_bank_of_blocks_turns_with_the_image():
    """Blocks fill the images, so that a turned one begins with a whole block, too."""
    spec = HashSpec(orientations=6, strength_edges=(0.05,), coherence_edges=(), period=4)
    pairs = [(noisy_scene(seed=seed), scene(seed=seed).astype(np.float32)) for seed in range(2)]
    bank = learn_filters(pairs, spec, size=3, data_range=255)
    places = bank.stages[0].filters.reshape(16, -1)
    assert len(np.unique(places, axis=0)) == 16
    image = noisy_scene(seed=9)
    outs = [bank.apply(view, data_range=255) for view in eight_views(image)]
    for found, expected in zip(outs, eight_views(outs[0]), strict=True):
        assert np.isclose(found, expected, atol=0.01)[12:-12, 12:-12].mean() > 0.98
