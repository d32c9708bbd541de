"""Denoise an image layer of napari: python examples/napari_widget.py [IMAGE]."""

import sys
from typing import Literal

import napari
from magicgui import magicgui
from napari.layers import Image
from napari.types import LayerDataTuple

import raisr


@magicgui(
    call_button="Denoise",
    sigma={"max": 1e6, "tooltip": "in the unit of the image; 0: estimated"},
)
def denoise_layer(
    image: Image, model: Literal["fast", "best"] = "fast", sigma: float = 0.0
) -> LayerDataTuple:
    """Add what is left of a layer without its noise; stacks are denoised plane by plane."""
    axis = -1 if image.rgb else None
    planes = image.data if image.ndim > 2 else image.data[None]
    done = [raisr.denoise(p, sigma or None, model=model, channel_axis=axis) for p in planes]
    shown = {"name": f"{image.name}, denoised", "rgb": image.rgb}
    if not image.rgb:
        shown["contrast_limits"] = image.contrast_limits
    return napari.layers.Layer.create(
        done if image.ndim > 2 else done[0], shown, "image"
    ).as_layer_data_tuple()


def open_viewer(show: bool = True) -> napari.Viewer:
    """Return a viewer with the widget at its side."""
    viewer = napari.Viewer(show=show)
    viewer.window.add_dock_widget(denoise_layer, name="raisr")
    return viewer


if __name__ == "__main__":
    viewer = open_viewer()
    if sys.argv[1:]:
        viewer.open(sys.argv[1:])
    else:
        from skimage import data

        viewer.add_image(raisr.noise.add_gaussian_noise(data.camera(), 25, seed=0) / 255)
    napari.run()
