"""What learn_filters refuses."""

import numpy as np
import pytest

from raisr import learn_filters
from raisr.normal_equations import NormalEquations
from tests.images import noisy_scene, random_bytes
from tests.pairs import FEW


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (13, 15)])
@pytest.mark.parametrize("options", [{}, {"stages": 2}, {"symmetric": False, "edges": "fixed"}])
@pytest.mark.filterwarnings("ignore:edges stay as the spec has them")
def test_too_few_pixels_are_refused(shape, options):
    image = random_bytes(shape)
    with pytest.raises(ValueError, match=f"{image.size} pixels are too few.*7 x 7.*least 196"):
        learn_filters([(image, image)], **options)


@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize("options", [{}, {"stages": 2}, {"symmetric": False, "edges": "fixed"}])
@pytest.mark.filterwarnings("ignore:edges stay as the spec has them")
def test_constant_images_are_refused(value, options):
    flat, varied = np.full((30, 40), value, np.uint8), random_bytes((30, 40))
    with pytest.raises(ValueError, match="each input is constant.*nothing to learn"):
        learn_filters([(flat, varied)], size=3, **options)
    with pytest.raises(ValueError, match="each target is constant.*nothing to learn"):
        learn_filters([(varied, flat)], size=3, **options)


IMAGE = np.zeros((4, 5))


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        ([], {}, "pairs is empty: there is nothing to learn from"),
        (iter([]), {}, "pairs is empty: there is nothing to learn from"),
        ([(IMAGE,)], {}, r"a pair must be \(input, target\[, guide\]\), got 1 item"),
        ([(IMAGE,) * 4], {}, r"a pair must be \(input, target\[, guide\]\), got 4 items"),
        (
            [(IMAGE, IMAGE.T)],
            {},
            r"images of a pair must have one shape, got \[\(4, 5\), \(5, 4\)\]",
        ),
        ([(IMAGE, IMAGE, IMAGE.T)], {}, "images of a pair must have one shape"),
        ([(IMAGE, IMAGE * np.nan)], {}, r"target is not finite at \(0, 0\): nan"),
        ([(IMAGE, IMAGE, IMAGE * np.nan)], {}, r"guide is not finite at \(0, 0\): nan"),
        ([(IMAGE, IMAGE)], {"size": 4}, "size must be odd, from 1 to 15, got 4"),
        ([(IMAGE, IMAGE)], {"size": 17}, "size must be odd, from 1 to 15, got 17"),
        ([(IMAGE, IMAGE)], {"size": 7.0}, "size must be odd, from 1 to 15, got 7.0"),
        ([(IMAGE, IMAGE)], {"size": True}, "size must be odd, from 1 to 15, got True"),
        ([(IMAGE, IMAGE)], {"stages": 2.0}, "stages must be a positive whole number, got 2.0"),
        ([(IMAGE, IMAGE)], {"stages": True}, "stages must be a positive whole number, got True"),
        ([(IMAGE, IMAGE)], {"min_samples": -1}, "min_samples must be a whole number"),
        ([(IMAGE, IMAGE)], {"min_samples": 1.5}, "min_samples must be a whole number"),
        ([(IMAGE, IMAGE)], {"ridge": np.inf}, "ridge must not be negative"),
        ([(IMAGE, IMAGE)], {"stages": 0}, "stages must be a positive whole number, got 0"),
        ([(IMAGE, IMAGE)], {"stages": 1.5}, "stages must be a positive whole number, got 1.5"),
        ([(IMAGE, IMAGE)], {"spec": []}, "stages must be the number of specs, 0, got None"),
        (
            [(IMAGE, IMAGE)],
            {"spec": ["blade", "raisr"], "stages": 3},
            "stages must be the number of specs, 2, got 3",
        ),
        ([(IMAGE, IMAGE)], {"spec": "nope"}, "no preset 'nope'"),
        ([(IMAGE, IMAGE)], {"edges": "none"}, 'edges must be "quantile" or "fixed", got \'none\''),
    ],
)
def test_learning_refuses(pairs, options, message):
    with pytest.raises(ValueError, match=message):
        learn_filters(pairs, **options)


@pytest.mark.parametrize("options", [{"size": 4}, {"ridge": -1}])
def test_options_are_refused_before_any_image_is_read(options):
    def pairs():
        pytest.fail("reads")
        yield

    with pytest.raises(ValueError, match="must"):
        learn_filters(pairs(), **options)


@pytest.mark.filterwarnings("ignore:(input|target) has values")
def test_values_that_cannot_be_summed_are_refused():
    image = noisy_scene().astype(np.float64)
    for pair in ((1e30 * image, image), (image, 1e30 * image)):
        with pytest.raises(ValueError, match="too large"):
            learn_filters([pair], FEW, size=3, data_range=255, edges="fixed")
    equations = NormalEquations(FEW, 1, 3)
    equations.totals[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="sums are not finite"):
        equations.solve()
