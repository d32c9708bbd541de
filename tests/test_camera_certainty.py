"""Whether there is noise of a camera at all, told by weights that are learned."""

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from raisr import denoise, estimate_noise
from raisr.camera_certainty import best_share, certainty, fit_certainty_weights
from raisr.camera_models import GAINS, camera_filters
from raisr.metrics import psnr
from raisr.noise import add_camera_noise
from tests.images import random_bytes

CONSTANT = np.r_[1, np.zeros(19)]


def estimates(count):
    return [
        estimate_noise(
            add_camera_noise(random_bytes((64, 64, 3), seed=seed), 0.01 * (seed + 1), seed),
            channel_axis=-1,
        )
        for seed in range(count)
    ]


def test_the_best_share_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    noisy, clean, filtered = rng.integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    filtered = (clean.astype(float) + 2.0 * filtered + 30) / 3
    share, weight = best_share(noisy, clean, filtered)
    errors = [
        np.mean((noisy + s * (filtered - noisy) - clean.astype(float)) ** 2)
        for s in (share - 0.01, share, share + 0.01)
    ]
    assert 0 < share < 1
    assert errors[1] < min(errors[0], errors[2])
    assert weight == pytest.approx(np.log1p(np.mean((filtered - noisy) ** 2)))
    assert best_share(noisy, noisy, filtered)[0] == 0
    assert best_share(noisy, filtered, filtered)[0] == 1
    assert best_share(noisy, filtered, (noisy + filtered) / 2)[0] == 1  # no more than all
    assert best_share(noisy, clean, noisy) == (0, 0)


def told(found, likely, **changes):
    """What is told where the regression says how likely noise is."""
    return certainty(replace(found, **changes), CONSTANT * np.log(likely / (1 - likely)))


def test_it_is_from_none_to_all():
    (found,) = estimates(1)
    even = [told(found, likely, unevenness=0.5) for likely in (1e-9, 0.05, 0.1, 0.21, 0.99)]
    np.testing.assert_allclose(even, [0, 0.25, 0.5, 1, 1], atol=1e-6)
    patchy = [told(found, 0.999, unevenness=uneven) for uneven in (2.5, 2.9, 3.3, np.inf)]
    np.testing.assert_allclose(patchy, [1, 0.5, 0, 0], atol=1e-6)


def test_what_is_faint_and_uneven_has_to_be_likelier():
    (found,) = estimates(1)
    faint = replace(found, levels=found.levels / 100)
    uneven = [told(faint, likely, unevenness=1.3) for likely in (0.69, 0.8, 0.91)]
    np.testing.assert_allclose(uneven, [0, 0.5, 1], atol=1e-6)
    assert told(faint, 0.4, unevenness=1.0) == pytest.approx(0.25)
    assert told(found, 0.69, unevenness=1.3) == told(faint, 0.69, unevenness=0.7) == 1


def test_weights_are_found_that_tell_what_was_wanted():
    found = [replace(one, levels=one.levels / 100, unevenness=1.3) for one in estimates(30)]
    shares = np.linspace(0, 1, 30).round()  # later ones have more noise
    features_tell = fit_certainty_weights(found, shares, np.ones(30))
    assert features_tell.shape == (20,)
    assert np.isfinite(features_tell).all()
    told_of = np.array([certainty(one, features_tell) for one in found])
    assert told_of[shares == 1].mean() > told_of[shares == 0].mean() + 0.3
    always = fit_certainty_weights(found, np.ones(30), np.ones(30))
    assert min(certainty(one, always) for one in found) == 1
    heavy = fit_certainty_weights(found, shares, np.where(shares == 1, 1e3, 1e-3))
    assert min(certainty(one, heavy) for one in found) == 1


def test_the_unit_does_not_matter():
    noisy = add_camera_noise(data.astronaut()[:300, 80:380], 0.002, 0, demosaic="edge")
    weights = np.r_[-2.6, np.linspace(-0.02, 0.02, 19)]
    told = [
        certainty(estimate_noise(image, channel_axis=-1), weights)
        for image in (noisy, noisy.astype(np.uint16) * 257)
    ]
    assert 0 < told[0] < 1
    assert told[1] == pytest.approx(told[0], abs=0.02)


@pytest.mark.parametrize("kind", GAINS)
def test_noise_is_told_from_a_photograph_without(kind):
    clean = data.astronaut()[:300, 80:380]
    noisy = add_camera_noise(clean, 0.01, 0, demosaic="edge")
    assert camera_filters("fast", kind, estimate_noise(noisy, channel_axis=-1))[1] > 0.95
    for image in (clean, clean[::2, ::2], add_camera_noise(clean, 0, 0, demosaic="edge")):
        out = denoise(image, channel_axis=-1)
        assert np.array_equal(out, image) or psnr(out, image) > 45
