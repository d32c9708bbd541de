"""Classes of blocks: of their middles, and the same in rows and grids as in the whole."""

import numpy as np
import pytest

from raisr.block_classes import block_classes, centred_on_blocks
from raisr.profiles import ProfileSpec, class_map, profile_views
from raisr.validate import GrayImage


def plane(shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


@pytest.mark.parametrize("grid", [(2, 0), (3, 1), (4, 1), (17, 3)])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_grid_of_a_class_map(grid, threads):
    image, spec = GrayImage(plane((370, 401))), ProfileSpec()
    step, first = grid
    wanted = class_map(image, spec, 1)[first::step, first::step]
    np.testing.assert_array_equal(class_map(image, spec, threads, grid), wanted)


def test_middles_of_blocks_are_means_of_four():
    image = plane((6, 8))
    blocks = image.reshape(3, 2, 4, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(centred_on_blocks(image, 2, 1)[::2, ::2], blocks, rtol=1e-6)
    assert centred_on_blocks(image, 3, 1) is image


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_blocks_of_turned_planes_have_turned_classes(factor):
    image, spec = plane((30 * factor, 30 * factor)), ProfileSpec()
    classes = block_classes(image, factor, spec, 1)
    assert classes.shape == (30, 30)
    for turn, destination in profile_views(spec):
        turned = block_classes(np.ascontiguousarray(turn(image)), factor, spec, 1)
        same = turned == destination[turn(classes)]
        assert same[1:-1, 1:-1].mean() > 0.99


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_the_smallest_plane_has_one_block(factor):
    assert block_classes(plane((factor, factor)), factor, ProfileSpec(), 1).shape == (1, 1)
