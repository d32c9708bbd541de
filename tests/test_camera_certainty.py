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


def test_it_is_from_none_to_all():
    (found,) = estimates(1)
    even = replace(found, unevenness=0.5)
    told = [certainty(even, CONSTANT * logit) for logit in (-50, -2.3, -2, -1, -0.5, -0.4, 50)]
    assert told[:2] == [0, 0]
    assert told[-2:] == [1, 1]
    assert sorted(set(told[1:-1])) == told[1:-1]
    assert told[3] == pytest.approx((1 / (1 + np.e) - 0.1) / 0.3)
    patchy = [
        certainty(replace(found, unevenness=u), CONSTANT * 9) for u in (2.5, 2.9, 3.3, np.inf)
    ]
    assert patchy == [1, pytest.approx(0.5), 0, 0]


def test_what_is_faint_and_uneven_has_to_be_surer():
    (found,) = estimates(1)
    faint = replace(found, levels=found.levels / 100)
    told = [
        certainty(replace(which, unevenness=uneven), CONSTANT * np.log(0.67 / 0.33))
        for which, uneven in ((faint, 0.7), (faint, 1.0), (faint, 1.3), (found, 1.3))
    ]
    assert told[0] == told[3] == 1
    assert 0 < told[2] < told[1] < 1
    assert told[2] == pytest.approx(0.02 / 0.3)


def test_weights_are_found_that_tell_what_was_wanted():
    found = estimates(30)
    shares = np.arange(30) % 2.0
    shares[:6] = 0.5
    features_tell = fit_certainty_weights(found, shares, np.ones(30))
    assert features_tell.shape == (20,)
    assert np.isfinite(features_tell).all()
    told = np.array([certainty(one, features_tell) for one in found])
    assert told[6:][shares[6:] == 1].mean() > told[6:][shares[6:] == 0].mean() + 0.3
    always = fit_certainty_weights(found, np.ones(30), np.ones(30))
    assert min(certainty(one, always) for one in found) == 1
    heavy = fit_certainty_weights(found, shares, np.where(shares == 1, 1e3, 1e-3))
    assert min(certainty(one, heavy) for one in found) == 1


def test_the_unit_does_not_matter():
    noisy = add_camera_noise(data.astronaut()[:300, 80:380], 0.002, 0, demosaic="edge")
    weights = np.r_[-1.6, np.linspace(-0.02, 0.02, 19)]
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
