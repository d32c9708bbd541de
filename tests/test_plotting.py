"""The class map's colours and the layout of a bank's picture."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from raisr import HashSpec
from raisr.plotting import class_map_picture, plot_bank

CSCONV = HashSpec.preset("csconv")


def make_bank(*specs, planes=1, size=5):
    """Stand-in for a FilterBank whose filter i holds the constant i."""
    stages = []
    for spec in specs:
        filters = np.zeros((spec.num_classes, planes, size, size), np.float32)
        filters += np.arange(spec.num_classes, dtype=np.float32)[:, None, None, None]
        stages.append(SimpleNamespace(spec=spec, filters=filters))
    return SimpleNamespace(stages=tuple(stages))


def tiles(axes, size=5):
    """Value at the middle of every tile of a mosaic."""
    return np.asarray(axes.images[0].get_array())[size // 2 :: size + 1, size // 2 :: size + 1]


def test_picture_has_one_colour_a_class():
    classes = np.arange(72, dtype=np.uint8).reshape(8, 9)
    picture = class_map_picture(classes, CSCONV)
    assert picture.shape == (8, 9, 3)
    assert picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 72


def test_picture_shows_strength_as_brightness_and_coherence_as_saturation():
    orientation, strength, coherence = CSCONV.strides
    weak, strong = class_map_picture(np.array([[0, 2 * strength]]), CSCONV)[0].max(axis=-1)
    assert strong > weak
    aligned = 2 * strength + np.array([[0, 2 * coherence]])
    gray, colourful = np.ptp(class_map_picture(aligned, CSCONV)[0].astype(int), axis=-1)
    assert colourful > gray
    quarter = 4 * orientation + 2 * strength + 2 * coherence
    red, cyan = class_map_picture(np.array([[quarter - 4 * orientation, quarter]]), CSCONV)[0]
    assert red.argmax() == 0
    assert cyan.argmin() == 0


def test_picture_follows_the_index_order():
    spec = HashSpec(index_order=("coherence", "strength", "orientation"))
    orientation, strength, coherence = spec.strides
    one_class = 3 * orientation + 2 * strength + coherence
    csconv_class = np.dot(CSCONV.strides, (3, 2, 1))
    np.testing.assert_array_equal(
        class_map_picture(np.array([[one_class]]), spec),
        class_map_picture(np.array([[csconv_class]]), CSCONV),
    )


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (np.zeros((2, 2)), TypeError, "classes must be integers, got float64"),
        (np.zeros(4, int), ValueError, r"classes must have shape \(H, W\), got \(4,\)"),
        (np.array([[72]]), ValueError, "classes must be 0 to 71, got 72 to 72"),
        (np.array([[-1, 0]]), ValueError, "classes must be 0 to 71, got -1 to 0"),
    ],
)
def test_bad_class_maps(classes, error, message):
    with pytest.raises(error, match=message):
        class_map_picture(classes, CSCONV)


@pytest.mark.parametrize("order", [CSCONV.index_order, CSCONV.index_order[::-1]])
def test_bank_rows_are_strength_and_coherence_and_columns_orientation(order):
    spec = HashSpec(index_order=order)
    shown = tiles(plot_bank(make_bank(spec)).axes[0])
    expected = [
        [np.dot(spec.strides, (o, s, c)) for o in range(8)] for s in range(3) for c in range(3)
    ]
    np.testing.assert_array_equal(shown, expected)


def test_planes_stand_side_by_side_on_one_scale():
    bank = make_bank(CSCONV, HashSpec(orientations=2), planes=2)
    bank.stages[1].filters[:, 1] *= -3
    left, right = plot_bank(bank, stage=1).axes[:2]
    np.testing.assert_array_equal(tiles(right), -3 * tiles(left))
    limit = 3 * (bank.stages[1].spec.num_classes - 1)
    assert left.images[0].get_clim() == right.images[0].get_clim() == (-limit, limit)


@pytest.mark.parametrize(
    "spec",
    [
        HashSpec(orientations=1, strength_edges=(), coherence_edges=()),
        HashSpec(strength_edges=np.linspace(0.01, 0.1, 7), coherence_edges=np.linspace(0.1, 1, 7)),
    ],
)
def test_figure_can_be_saved(tmp_path, spec):
    figure = plot_bank(make_bank(spec, size=3))
    figure.savefig(tmp_path / "bank.png", dpi=30)
    assert (tmp_path / "bank.png").stat().st_size > 500


def test_no_such_stage():
    with pytest.raises(IndexError, match="stage must be 0 to 0, got 1"):
        plot_bank(make_bank(CSCONV), stage=1)


def test_without_matplotlib_the_error_names_the_extra():
    script = (
        "import sys; sys.modules['matplotlib'] = sys.modules['matplotlib.figure'] = None\n"
        "from raisr.plotting import plot_bank\n"
        "plot_bank(None)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "ImportError: plotting needs matplotlib: pip install '.[plot]'" in done.stderr
