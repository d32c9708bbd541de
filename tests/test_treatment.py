"""What noise is removed as: one choice for filters, networks and the commands."""

import numpy as np
import pytest

import raisr
from raisr.noise_estimate import NoiseEstimate
from raisr.treatment import treatment_of

GRAY = np.full((3, 1), 12.0) / 2 ** np.arange(3)[:, None]


def grown(gain, unit=1.0):
    """Return an estimate of photons' noise of a gain, in gray levels, told in another unit."""
    brightness = np.linspace(20, 200, 8)
    deviation = np.sqrt(gain * brightness)
    levels = GRAY * deviation.mean() / 12
    return NoiseEstimate(levels * unit, brightness * unit, deviation * unit, unit)


@pytest.mark.parametrize("unit", [1.0, 1 / 255, 257.0])
def test_photons_too_strong_for_filters_are_white_unless_told(unit):
    few, many = grown(2000, unit), grown(2, unit)
    assert few.kind == many.kind == "photon"
    assert treatment_of(many) == treatment_of(many, "photon") == "photon"
    assert treatment_of(few) == "white"
    assert treatment_of(few, "photon") == "photon"


def test_what_is_told_overrules_what_was_found():
    assert treatment_of(grown(2), "white") == "white"
    coloured = NoiseEstimate(np.repeat(GRAY, 3, axis=1), np.empty(0), np.empty(0))
    assert treatment_of(coloured, "mosaic") == "mosaic"
    with pytest.raises(ValueError, match="three channels that differ"):
        treatment_of(grown(2), "mosaic")


def test_noise_that_no_photons_made_is_refused():
    nothing = np.empty(0)
    assert treatment_of(NoiseEstimate(0 * GRAY, nothing, nothing), "photon") == "none"
    with pytest.raises(ValueError, match="no such noise fits"):
        treatment_of(NoiseEstimate(GRAY, nothing, nothing), "photon")


def test_noise_that_channels_share():
    rng = np.random.default_rng(0)
    image = 120 + rng.normal(0, 12, (96, 96, 1)) + rng.normal(0, 1, (96, 96, 3))
    found = raisr.estimate_noise(image, channel_axis=-1, data_range=255)
    assert treatment_of(found) == "shared"
    assert treatment_of(found, "white") == "white"
    assert treatment_of(found, "camera") == "camera"
