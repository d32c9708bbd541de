"""What images can be compared."""

import numpy as np
import pytest

from raisr.metrics import psnr


def test_whole_numbers_do_not_wrap():
    black, white = np.zeros((4, 5), np.uint8), np.full((4, 5), 255, np.uint8)
    assert psnr(black, white) == psnr(white, black) == 0
    assert psnr(white, white) == np.inf


@pytest.mark.parametrize("shape", [(1, 5), (4, 1), (), (4, 5, 1)])
def test_one_shape(shape):
    with pytest.raises(ValueError, match="images must have one shape and not be empty, got"):
        psnr(np.zeros(shape), np.zeros((4, 5)))


def test_empty_images_have_no_psnr():
    with pytest.raises(ValueError, match="not be empty"):
        psnr(np.zeros((0, 5)), np.zeros((0, 5)))
