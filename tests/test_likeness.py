"""Texture is in all planes at the same places; noise is stronger by chance, elsewhere in each."""

import numpy as np
import pytest
from skimage import data

from raisr import estimate_noise
from raisr.likeness import likeness, strengths
from raisr.noise import add_camera_noise, add_gaussian_noise

WHOLE = np.zeros((66, 90), np.float32)


def test_the_oracle_is_a_correlation_of_logarithms():
    rng = np.random.default_rng(0)
    planes = rng.standard_normal((3, 66, 90)) * np.linspace(1, [5, 9, 2], 90).T[:, None]
    found = strengths(list(planes.astype(np.float32)), WHOLE)
    assert found.shape == (4, 8 * 11)
    expected = []
    for plane in planes:
        down = plane[:-2] - 2 * plane[1:-1] + plane[2:]
        bent = (down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]) / 6
        blocks = [bent[y : y + 8, x : x + 8] for y in range(0, 64, 8) for x in range(0, 88, 8)]
        expected.append([np.log(0.3 + np.sqrt(np.mean(block**2))) for block in blocks])
    np.testing.assert_allclose(found[:3], expected, rtol=1e-5)
    matrix = np.corrcoef(expected)
    np.testing.assert_allclose(
        likeness([found[:, :30], found[:, 30:]]),
        [matrix[0, 1], matrix[0, 2], matrix[1, 2]],
        atol=1e-6,
    )


def test_clipped_and_constant_places_do_not_count():
    planes = list(np.random.default_rng(0).standard_normal((3, 66, 90)).astype(np.float32))
    clipped = WHOLE.copy()
    for plane in planes:
        plane[:, 44:] *= 100
        plane[:, :10] = 7
    clipped[:, 40:] = 1
    found = strengths(planes, clipped)
    assert found.shape[1] == 8 * 10
    rest = strengths([plane[:, 8:34] for plane in planes], WHOLE[:, 8:34])
    np.testing.assert_allclose(likeness([found]), likeness([rest]), atol=1e-6)
    assert np.abs(likeness([found])).max() < 0.5
    assert likeness([strengths(planes, WHOLE)]).min() > 0.9


@pytest.mark.parametrize("shape", [(2, 2), (9, 40), (16, 16)])
def test_few_places_tell_nothing(shape):
    planes = list(np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32))
    np.testing.assert_array_equal(likeness([strengths(planes, np.zeros(shape))]), 0)
    flat = [np.zeros((90, 90), np.float32), *np.random.default_rng(0).normal(size=(2, 90, 90))]
    assert likeness([strengths(flat, np.zeros((90, 90)))])[:2].tolist() == [0, 0]


def test_an_estimate_tells_texture_from_noise():
    texture = data.astronaut()[:300, 80:380]
    noise = add_camera_noise(np.full((300, 300, 3), 130), 0.01, 0)
    told = [estimate_noise(one, channel_axis=-1).likeness for one in (texture, noise)]
    assert told[0].min() > 0.5
    assert np.abs(told[1][:2]).max() < 0.2  # cameras fill in red and blue from the same places
    gray = add_gaussian_noise(texture[..., 0], 9, 0)
    assert not estimate_noise(gray, data_range=255).likeness.any()
