"""Denoise an image layer of napari: python examples/napari_widget.py [IMAGE]."""

import sys
from typing import Literal

import napari
import numpy as np
from magicgui import magicgui
from napari.layers import Image
from napari.types import LayerDataTuple

import raisr


def denoise_layer(
    image: Image, model: Literal["fast", "best"] = "fast", sigma: float = 0.0
) -> LayerDataTuple:
    """Add a layer without the noise of another; stacks are denoised plane by plane."""
    pixels = np.asarray(image.data)
    axis, sides = (-1, 3) if image.rgb else (None, 2)
    planes = pixels.reshape(-1, *pixels.shape[-sides:])
    done = [raisr.denoise(p, sigma or None, model=model, channel_axis=axis) for p in planes]
    shown = {"name": f"{image.name}, denoised", "rgb": image.rgb}
    if not image.rgb:
        shown["contrast_limits"] = image.contrast_limits
    return np.reshape(done, pixels.shape), shown, "image"


def open_viewer(show: bool = True) -> napari.Viewer:
    """Return a viewer with the widget at its side."""
    viewer = napari.Viewer(show=show)
    sigma = {"max": 1e6, "tooltip": "in the unit of the image; 0: estimated"}
    widget = magicgui(denoise_layer, call_button="Denoise", sigma=sigma)
    viewer.window.add_dock_widget(widget, name="raisr")
    return viewer


if __name__ == "__main__":
    viewer = open_viewer()
    if sys.argv[1:]:
        viewer.open(sys.argv[1:])
    else:
        from skimage import data

        viewer.add_image(raisr.noise.add_gaussian_noise(data.camera(), 25, seed=0) / 255)
    napari.run()
