"""Logistic regression against its definition."""

import numpy as np
import pytest

from raisr.logistic import fit_logistic, logistic


def sample(count=400):
    rng = np.random.default_rng(0)
    features = np.c_[np.ones(count), rng.normal(3, [1, 20], (count, 2))]
    return features, rng.uniform(0, 1, count), rng.uniform(0.1, 2, count)


def test_it_is_between_0_and_1_and_never_overflows():
    values = np.array([-1e6, -1.0, 0.0, 2.0, 1e6])
    expected = [0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2)), 1]
    np.testing.assert_allclose(logistic(values), expected, rtol=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 3.0])
def test_the_slope_of_the_loss_is_zero(ridge):
    features, shares, weights = sample()
    found = fit_logistic(features, shares, weights, ridge)
    slope = features.T @ (weights * (logistic(features @ found) - shares))
    slope[1:] += ridge * features[:, 1:].var(axis=0) * found[1:]
    np.testing.assert_allclose(slope / features.std(axis=0).clip(1), 0, atol=0.02)


def test_coefficients_are_found_again():
    features, _, weights = sample()
    wanted = np.array([0.5, -0.4, 0.03])
    found = fit_logistic(features, logistic(features @ wanted), weights, 0.0)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_a_feature_that_is_the_same_everywhere_counts_nothing():
    features, shares, weights = sample()
    found = fit_logistic(np.c_[features, np.full(len(features), 7.0)], shares, weights, 1.0)
    assert np.isfinite(found).all()
    assert found[-1] == 0
