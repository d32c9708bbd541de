"""What the slider shows of one test image: noisy, denoised and clean, and class maps."""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.measure.denoisers import Denoisers
from comparisons.measure.methods import METHODS
from comparisons.measure.networks import weights_name
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.scenes import Window
from comparisons.report.pictures import Picture, from_pixels
from raisr.datasets import Dataset, ImageFile
from raisr.io import read_image
from raisr.noise import Sample

PROTOCOL, SIGMA = PROTOCOLS["standard"], 25.0
SHOWN = ("noisy", "raisr_fast", "raisr_best", "edsr16", "cs_edsr")
SIDE = 320
"""Side of the shown part in pixels; scores are those of the whole image."""


@dataclass(frozen=True)
class Scene:
    """A part of one image, in all its versions."""

    name: str
    images: list[Picture]
    classes: list[Picture]

    def to_dict(self) -> dict[str, Any]:
        """Return the scene as the page's script reads it."""
        return asdict(self)


def make_scene(dataset: Dataset, image: ImageFile, denoisers: Denoisers) -> Scene:
    """Denoise an image by every trained method and score the results.

    Parameters
    ----------
    dataset, image
        Where the image is from; its noise is that of the tables.
    denoisers : dict
        By the name of the row; untrained ones are left out.
    """
    sample = PROTOCOL.sample(dataset, image, SIGMA)
    part = _shown_part(sample.clean.shape)
    pictures = []
    for row, denoiser in denoisers.items():
        if denoiser:
            output = denoiser.run(sample)
            psnr, ssim = PROTOCOL.score(output, sample.clean, as_is=denoiser.as_is)
            about = f"{psnr:.2f} dB, SSIM {ssim:.3f}"
            pictures.append(Picture(METHODS[row].label, from_pixels(part.cut(output)), about))
    clean = Picture("clean", from_pixels(part.cut(sample.clean)), "the original")
    label = f"{dataset.label}: {image.name}"
    return Scene(label, [*pictures, clean], _class_maps(sample, part))


def photo_scene(path: Path) -> Scene:
    """Denoise a photograph, of which nothing is known but the file.

    Parameters
    ----------
    path : Path
        Of an 8-bit image, gray or RGB.
    """
    import hybrid
    import raisr
    from raisr.colour import rgb_to_gray
    from raisr.plotting import class_map_picture

    image, _ = read_image(path)
    axis = None if image.ndim == 2 else -1
    if image.dtype != np.uint8 or image.shape[2:] not in ((), (3,)):
        raise ValueError(f"{path}: wanted an 8-bit gray or RGB image")
    part = _shown_part(image.shape[:2])
    kind = raisr.estimate_noise(image, channel_axis=axis).kind
    versions = {
        "as it is": image,
        "raisr fast": raisr.denoise(image, channel_axis=axis),
        "hybrid.denoise": hybrid.denoise(image, channel_axis=axis),
        "raisr best": raisr.denoise(image, model="best", channel_axis=axis),
    }
    pictures = [
        Picture(label, from_pixels(part.cut(version)), f"noise found: {kind}")
        for label, version in versions.items()
    ]
    spec = raisr.HashSpec.preset("csconv")
    classes = raisr.hash_image(image if axis is None else rgb_to_gray(image), spec)
    drawn = from_pixels(class_map_picture(part.cut(classes), spec))
    return Scene(f"{path.name}, nothing told", pictures, [Picture("classes", drawn)])


def _shown_part(shape: tuple[int, ...]) -> Window:
    side = min(SIDE, *shape)
    return Window((shape[0] - side) // 4, (shape[1] - side) // 2, side)  # faces are high up


def _class_maps(sample: Sample, window: Window) -> list[Picture]:
    """Draw the classes of the clean image, of the noisy one, and those that PCN finds in it."""
    import raisr
    from raisr.plotting import class_map_picture

    spec = raisr.HashSpec.preset("csconv")
    planes = {
        "classes of the clean image": sample.clean,
        "classes of the noisy image": sample.noisy,
    }
    maps: dict[str, NDArray] = {
        label: raisr.hash_image(plane, spec, data_range=sample.data_range)
        for label, plane in planes.items()
    }
    if network := _class_specific_network():
        maps["classes that PCN predicts"] = network.classify(sample.noisy, data_range=255)
    truth = next(iter(maps.values()))
    edges = truth // spec.strides[1] % spec.shape[1] > 0  # flat parts have no orientation
    return [
        Picture(
            label,
            from_pixels(class_map_picture(window.cut(classes), spec)),
            "the truth" if classes is truth else _right(classes[edges] == truth[edges]),
        )
        for label, classes in maps.items()
    ]


def _right(hits: NDArray[np.bool_]) -> str:
    return f"{hits.mean():.0%} of the edges right" if hits.size else "no edges"


@cache
def _class_specific_network() -> Any:
    """Return the shipped network whose PCN classifies, or None where it is not trained."""
    from hybrid import zoo

    name = weights_name(PROTOCOL, SIGMA, "cs_edsr16_pcn")
    return zoo.load(name) if name in [entry.name for entry in zoo.list_weights()] else None
