import imageio.v3 as iio
import numpy as np

from comparisons.draw.crops import (
    Panel,
    draw_crops,
    draw_example,
    middle_windows,
    save_figure,
)
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.scenes import Window
from raisr.datasets import load_dataset


def test_crops_are_drawn_for_every_panel(tmp_path):
    image = np.tile(np.linspace(0, 255, 120, dtype=np.float32), (100, 1))
    outer, inner = middle_windows(image.shape)
    figure = draw_crops([Panel("a", image), Panel("b", image)], outer, inner, "Title")
    assert [axis.get_xlabel() for axis in figure.axes] == ["", "", "a", "b"]
    upper, lower = figure.axes[0].images[0].get_array(), figure.axes[2].images[0].get_array()
    np.testing.assert_array_equal(upper, image[:, 10:110])
    np.testing.assert_array_equal(lower, image[33:66, 43:76])
    save_figure(figure, tmp_path / "new" / "x.png")
    assert iio.imread(tmp_path / "new" / "x.png").ndim == 3


def test_an_image_with_a_chosen_part_is_preferred(tiny_dataset, box_filter):
    denoisers = {"noisy": box_filter, "kpn": None}
    sets = [tiny_dataset, load_dataset("sample")]
    figure = draw_example(sets, denoisers, PROTOCOLS["standard"], 25.0)
    assert figure.get_suptitle() == "sample chelsea.png, protocol standard, sigma 25"
    assert len(figure.axes) == 4, "clean and one trained method"
    figure = draw_example(sets[:1], denoisers, PROTOCOLS["standard"], 25.0)
    assert figure.get_suptitle().startswith("Tiny gray.png")


def test_windows_fit_small_images():
    outer, inner = middle_windows((2, 5))
    assert outer == Window(0, 1, 2)
    assert inner.cut(outer.cut(np.zeros((2, 5)))).shape == (1, 1)
