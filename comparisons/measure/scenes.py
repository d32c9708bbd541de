"""One image of a set by several denoisers, and a part of it that pictures show."""

from dataclasses import dataclass

from numpy.typing import NDArray

from comparisons.measure.denoisers import Denoisers
from comparisons.measure.protocol import Protocol
from raisr.datasets import load_dataset
from raisr.noise import Sample


@dataclass(frozen=True)
class Window:
    """A square part of an image: its first row and column, and its side in pixels."""

    row: int
    column: int
    side: int

    def cut(self, image: NDArray) -> NDArray:
        """Return the part of an image."""
        return image[self.row : self.row + self.side, self.column : self.column + self.side]


@dataclass(frozen=True)
class Scene:
    """An image of a set, and the part of it that is shown."""

    dataset: str
    image: str
    window: Window

    def sample(self, protocol: Protocol, sigma: float, *, download: bool = False) -> Sample:
        """Return the image with the noise that it has in the tables."""
        dataset = load_dataset(self.dataset, download=download)
        image = next(image for image in dataset if image.name == self.image)
        return protocol.sample(dataset, image, sigma)


@dataclass(frozen=True)
class View:
    """An output, and its PSNR in dB and SSIM: of the part that is shown, and of the whole image."""

    label: str
    image: NDArray
    part: tuple[float, float]
    whole: tuple[float, float]


def views(scene: Scene, sample: Sample, denoisers: Denoisers, protocol: Protocol) -> list[View]:
    """Denoise a sample by every denoiser, by label; those without weights (None) are left out."""
    found = []
    for label, denoiser in denoisers.items():
        if denoiser is None:
            continue
        output = denoiser.run(sample)
        cut = scene.window.cut
        part = protocol.score(cut(output), cut(sample.clean), as_is=denoiser.as_is)
        whole = protocol.score(output, sample.clean, as_is=denoiser.as_is)
        found.append(View(label, output, part, whole))
    return found
