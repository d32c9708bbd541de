"""What has no noise stays, and noise beside it draws no ghost."""

import numpy as np
import pytest

from raisr import denoise
from raisr.constant_areas import constant_areas
from raisr.kernels.constant import mark_constant
from raisr.noise import add_gaussian_noise


def reference(image):
    mask = np.zeros(image.shape, bool)
    for y in range(image.shape[0] - 4):
        for x in range(image.shape[1] - 4):
            if np.ptp(image[y : y + 5, x : x + 5]) == 0:
                mask[y : y + 5, x : x + 5] = True
    return mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (4, 40), (40, 4), (5, 5), (31, 47)])
def test_the_union_of_constant_windows(shape, dtype):
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 2, [-(-s // 4) for s in shape]), np.ones((4, 4)))
    image = image[: shape[0], : shape[1]].astype(dtype)
    np.testing.assert_array_equal(constant_areas(image), reference(image))
    np.testing.assert_array_equal(constant_areas(image.T), reference(image).T)


def test_all_layouts_of_a_type_share_a_kernel():
    image = np.zeros((2, 9, 12), np.uint16)
    for given in (image[0], image[0].T, image[:, 2], image[0, ::-1, ::2], image.T[0]):
        for writeable in (True, False):
            view = given[...]
            view.flags.writeable = writeable
            assert constant_areas(view).all() == (min(view.shape) >= 5)
    assert sum("uint16" in str(types) for types in mark_constant.signatures) == 1


@pytest.mark.parametrize("model", ["fast", "best"])
@pytest.mark.parametrize("sigma", [15.0, None])
@pytest.mark.parametrize("turn", [0, 1])
def test_beside_a_noisy_area_there_is_no_ghost(model, sigma, turn):
    """A black frame, a chart, a blown sky: later stages never saw edges without noise."""
    image = np.zeros((150, 190))
    image[75:] = 182 + np.random.default_rng(0).normal(0, 15, (75, 190))
    image = np.rot90(image.clip(0, 255).astype("u1"), turn)
    out = np.rot90(denoise(image, sigma, model=model), -turn)
    assert out[:75].max() == 0
    assert out[80:].std() < 6


def test_colour_has_none_either():
    image = add_gaussian_noise(np.full((100, 120, 3), 120.0), 20, 0)
    image[:50] = [255, 0, 90]
    out = denoise(image, 20, channel_axis=-1, data_range=255)
    np.testing.assert_array_equal(out[:50], image[:50])
