"""Pages: the same from the same seed, of every kind, in the fonts that are asked for."""

import numpy as np
import pytest

from comparisons.measure.documents import HELD_BACK_FONTS, LEARNED_FONTS, Documents


def test_a_page_depends_on_its_number_and_the_seed_alone():
    few, many = Documents(3, side=64), Documents(9, side=64)
    for a, b in zip(few, many, strict=False):
        np.testing.assert_array_equal(a, b)
    assert (len(few), len(list(many))) == (3, 9)
    other = Documents(3, seed=1, side=64)
    assert all((a != b).any() for a, b in zip(few, other, strict=True))


@pytest.mark.parametrize("side", [16, 63, 256])
def test_every_page_has_strong_contrast(side):
    for page in Documents(8, side=side):
        assert (page.shape, page.dtype) == ((side, side, 3), np.uint8)
    assert np.mean([np.ptp(page) > 100 for page in Documents(16, side=side)]) > 0.6


def test_held_back_pages_have_fonts_of_their_own():
    assert not set(HELD_BACK_FONTS) & set(LEARNED_FONTS)
    texts = [Documents(1, fonts=fonts).page(0) for fonts in (HELD_BACK_FONTS, LEARNED_FONTS)]
    assert (texts[0] != texts[1]).any()


def test_pages_in_strong_colours_have_few_that_are_gray():
    pages, others = (list(Documents(16, side=64, coloured=c)) for c in (True, False))
    colours = [
        np.mean([np.ptp(page, axis=2).max() > 100 for page in each]) for each in (pages, others)
    ]
    assert colours[0] > 0.8 > 0.5 > colours[1]
    again = Documents(16, side=64, coloured=True)
    assert all((a == b).all() for a, b in zip(pages, again, strict=True))
