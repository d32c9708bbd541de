"""The same bits for any memory layout, number of threads and tile."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raisr import denoise, gradient_statistics, hash_image, learn_filters
from tests.banks import CSCONV, random_bank
from tests.images import noisy_scene, random_bytes
from tests.properties.strategies import specs

BANK = random_bank(CSCONV, CSCONV)


def learned(image, **options):
    bank = learn_filters([(image, np.roll(image, 1, axis=0))], size=3, stages=2, **options)
    return np.concatenate([stage.filters.ravel() for stage in bank.stages])


ON_PURPOSE = pytest.mark.filterwarnings("ignore:the images of a pair do not lie on each other")
FUNCTIONS = {
    "hash": hash_image,
    "statistics": lambda image, **options: np.stack(gradient_statistics(image, **options)),
    "apply": BANK.apply,
    "learn": learned,
    "fast": lambda image, **options: denoise(image, 2000, **options),
    "best": lambda image, **options: denoise(image, 2000, model="best", **options),
}
each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def strided(image):
    room = np.zeros((2 * image.shape[0], 3 * image.shape[1]), image.dtype)
    room[::2, ::3] = image
    return room[::2, ::3]


def read_only(image):
    image = image.copy()
    image.flags.writeable = False
    return image


def unaligned(image):
    buffer = np.zeros(image.nbytes + 1, np.uint8)
    view = buffer[1:].view(image.dtype).reshape(image.shape)
    view[:] = image
    return view


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "strided": strided,
    "negative strides": lambda image: image[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "big-endian": lambda image: image.astype(image.dtype.newbyteorder(">")),
    "unaligned": unaligned,
}


@each_function
@ON_PURPOSE
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_any_memory_layout(layout, dtype, function):
    image = (random_bytes((33, 47)).astype(np.uint16) * 257).astype(dtype)
    other = layout(image)
    before = np.array(other)
    expected = function(image, data_range=65535)
    np.testing.assert_array_equal(function(other, data_range=65535), expected)
    np.testing.assert_array_equal(other, before)


@each_function
@ON_PURPOSE
@pytest.mark.parametrize("num_threads", [2, 3, 5])
def test_any_number_of_threads(num_threads, function):
    image = random_bytes((70, 3000)).astype(np.uint16) * 257
    expected = function(image, num_threads=1)
    np.testing.assert_array_equal(function(image, num_threads=num_threads), expected)


@settings(max_examples=30)
@given(
    specs(),
    st.tuples(st.integers(20, 40), st.integers(260, 300)),
    st.tuples(st.integers(0, 60), st.integers(0, 250)),
)
def test_a_tile_with_its_surroundings_gives_the_bits_of_the_whole(spec, size, corner):
    image = noisy_scene((110, 560))
    bank = random_bank(spec, size=7)
    whole_classes = hash_image(image, spec, data_range=255)
    whole = bank.apply(image, data_range=255)
    halo = max(spec.window // 2 + 1 + (spec.presmooth > 0), 7 // 2)
    tile = tuple(slice(c, c + n) for c, n in zip(corner, size, strict=True))
    # The border of the whole image is mirrored: outside the tile, cut where the image ends.
    starts = [max(s.start - halo, 0) for s in tile]
    around = tuple(slice(a, s.stop + halo) for a, s in zip(starts, tile, strict=True))
    inside = tuple(slice(s.start - a, s.stop - a) for a, s in zip(starts, tile, strict=True))
    cut = image[around]
    np.testing.assert_array_equal(
        hash_image(cut, spec, data_range=255)[inside], whole_classes[tile]
    )
    np.testing.assert_array_equal(bank.apply(cut, data_range=255)[inside], whole[tile])
