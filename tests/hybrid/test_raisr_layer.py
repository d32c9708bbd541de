"""A filter bank as a network."""

import numpy as np
import pytest
import torch

from hybrid.raisr_layer import RAISRLayer
from raisr import FilterBank, HashSpec, Stage, hash_image

SPEC = HashSpec.preset("csconv")


def random_stage(planes, size):
    rng = np.random.default_rng(size)
    filters = rng.normal(0, 0.2, (SPEC.num_classes, planes, size, size)).astype(np.float32)
    return Stage(SPEC, filters, rng.normal(0, 3, SPEC.num_classes).astype(np.float32))


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (40, 33)])
def test_a_layer_filters_like_its_bank(size, shape):
    bank = FilterBank([random_stage(1, size)])
    image = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    wanted = bank.apply(image, data_range=255)
    classes = hash_image(image, SPEC, data_range=255).astype(np.int32)
    layer = RAISRLayer.from_bank(bank)
    with torch.no_grad():
        found = layer(torch.from_numpy(image / 255)[None, None], torch.from_numpy(classes)[None])
    np.testing.assert_allclose(255 * found[0, 0].numpy(), wanted, atol=1e-3)


def test_a_cascade_is_refused():
    bank = FilterBank([random_stage(1, 3), random_stage(2, 3)])
    with pytest.raises(ValueError, match="wanted a bank of one stage, got 2"):
        RAISRLayer.from_bank(bank)
