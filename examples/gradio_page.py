"""A page that denoises pictures: python examples/gradio_page.py prints its address."""

import gradio
import numpy as np
from skimage import data

import raisr


def denoise(picture: np.ndarray | None, sigma: float, model: str) -> np.ndarray:
    """Return an RGB picture, uint8, without noise."""
    if picture is None:
        raise gradio.Error("Choose a picture first.")
    return raisr.denoise(picture, sigma or None, model=model, channel_axis=-1)


def build_page() -> gradio.Interface:
    """Return the page."""
    noisy = raisr.noise.add_gaussian_noise(data.astronaut(), 25, seed=0)
    return gradio.Interface(
        denoise,
        [
            gradio.Image(
                noisy.round().clip(0, 255).astype(np.uint8), image_mode="RGB", label="noisy"
            ),
            gradio.Slider(0, 75, value=0, step=1, label="noise in gray levels (0: estimated)"),
            gradio.Radio(["fast", "best"], value="fast", label="model"),
        ],
        gradio.Image(label="denoised"),
        title="raisr",
        description="Learned filters, chosen by local gradients. Pictures stay on this computer.",
        flagging_mode="never",
    )


if __name__ == "__main__":
    build_page().launch()
