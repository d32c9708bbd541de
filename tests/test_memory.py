"""Memory does not grow beyond a few planes, whatever the image."""

import tracemalloc

import numpy as np
import pytest

from raisr import HashSpec, denoise
from raisr.denoising import LADDER
from raisr.normal_equations import NormalEquations

SHAPE = 1500, 2000
PLANE = 4 * SHAPE[0] * SHAPE[1]


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 65536, SHAPE).astype(np.uint16)


def peak_of(function):
    """Most bytes that `function` holds at once beyond what was there before."""
    function()  # compiles
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("model", "planes"), [("fast", 0), ("best", 2)])
def test_denoise_holds_two_planes_beside_the_result(image, model, planes):
    result, blocks = image.nbytes, 12e6
    peak = peak_of(lambda: denoise(image, 0.1 * 65535, model=model, num_threads=2))
    assert peak < result + planes * PLANE + blocks


@pytest.mark.parametrize(("model", "planes"), [("fast", 9), ("best", 9)])
def test_colour_holds_three_planes_a_channel(image, model, planes):
    colour = np.stack([image, image[::-1], image.T.reshape(SHAPE)])
    options = {"model": model, "channel_axis": 0, "num_threads": 2}
    peak = peak_of(lambda: denoise(colour, 0.1 * 65535, **options))
    assert peak < colour.nbytes + planes * PLANE + 30e6


def test_banks_of_many_noise_levels_do_not_pile_up():
    rng = np.random.default_rng(0)

    def denoise_at_any_level(times):
        for sigma in rng.uniform(0.03, 0.25, times):
            denoise(np.zeros((9, 9)), sigma, model="best")

    for level in LADDER:  # loads every shipped bank
        denoise(np.zeros((9, 9)), level / 255, model="best")
    few, many = (peak_of(lambda n=n: denoise_at_any_level(n)) for n in (10, 40))
    assert many < 1.2 * few


def test_learning_holds_a_strip_beside_the_sums(image):
    plane = image.astype(np.float32) / 257
    spec = HashSpec.preset("csconv")
    classes = np.zeros(SHAPE, np.uint16)
    equations = NormalEquations(spec, 1, 5)
    assert peak_of(lambda: equations.add([plane], plane, classes, 2)) < PLANE
