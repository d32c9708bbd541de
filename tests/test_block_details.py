"""Levels of blocks at three scales, and what is left of them from one to the next."""

import numpy as np
import pytest

from raisr.block_details import block_levels, level_of_blocks
from raisr.noise import add_gaussian_noise
from raisr.validate import as_channels


def found(image):
    (channel,) = as_channels(image, None, 255)
    return block_levels(channel)


def halved(plane):
    height, width = (side // 2 * 2 for side in plane.shape)
    return plane[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def block_by_block(plane):
    """Corner of a block: its level, by the definition; constant blocks are left out."""
    down = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    bent = (down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]) / 6
    return {
        (y, x): np.median(np.abs(bent[y : y + 8, x : x + 8])) / 0.67449
        for y in range(0, bent.shape[0] - 7, 8)
        for x in range(0, bent.shape[1] - 7, 8)
        if np.ptp(plane[y + 1 : y + 9, x + 1 : x + 9]) > 0
    }


def test_the_oracle_goes_block_by_block():
    image = add_gaussian_noise(np.full((86, 75), 120.0), 5, 0)
    image[:20, :20] = 7
    levels, left = found(image.astype(np.float32))
    finer = None
    for scale in range(3):
        coarser = block_by_block(image)
        np.testing.assert_allclose(levels[scale], list(coarser.values()), rtol=1e-3)
        if finer is not None:
            expected = []
            for (y, x), level in coarser.items():
                corners = [(2 * y + dy, 2 * x + dx) for dy in (0, 8) for dx in (0, 8)]
                if all(corner in finer for corner in corners):
                    root = np.sqrt(np.mean([finer[corner] ** 2 for corner in corners]))
                    expected.append(level / root)
            assert len(expected) == len(left[scale - 1]) > 0
            np.testing.assert_allclose(left[scale - 1], expected, rtol=1e-3)
        finer, image = coarser, halved(image)


def test_half_of_white_noise_is_left_however_it_varies():
    noise = np.random.default_rng(0).standard_normal((400, 500)) * np.linspace(2, 20, 500)
    levels, left = found(100 + noise)
    assert np.ptp(levels[0]) > 8
    for ratios in left:
        assert np.median(ratios) == pytest.approx(0.5, rel=0.05)


def test_clipped_blocks_do_not_count():
    image = np.random.default_rng(0).normal(120, 5, (100, 100)).round().astype(np.uint8)
    image[:, 50:] = np.where(image[:, 50:] > 120, 255, 240)
    levels, left = found(image)
    assert len(levels[0]) == 12 * 6
    assert levels[0].max() < 10
    assert len(left[0]) == 6 * 3


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (4, 4), (9, 40), (12, 12), (33, 17)])
def test_tiny_images(shape):
    levels, left = found(np.random.default_rng(0).normal(120, 5, shape))
    assert len(levels) == 3
    assert len(left) == 2
    assert all(np.isfinite(part).all() for part in (*levels, *left))


def test_the_level_of_white_noise():
    levels, _ = found(add_gaussian_noise(np.full((400, 400), 120.0), 7, 0))
    assert level_of_blocks(levels[0]) == pytest.approx(7, rel=0.03)
    assert level_of_blocks(np.empty(0)) == 0
