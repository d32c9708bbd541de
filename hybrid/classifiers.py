"""Where class maps come from: a PCN, or the hash of an image."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hybrid.classes import class_dtype, quantize
from hybrid.networks.pcn import PCN
from raisr import HashSpec, denoise, hash_image
from raisr.denoising import LADDER, bank_for, estimate_sigma
from raisr.hashing import resolve_spec
from raisr.validate import GRAY_LEVELS

DENOISED_BY = "best"
"""The model of `raisr.denoise` that RAISR+D hashes the output of."""


class PCNClassifier(nn.Module):
    """Classes of the statistics that a PCN predicts from the noisy image (PCN+N).

    Parameters
    ----------
    pcn : PCN
    spec : HashSpec or str
        Or the name of a preset.
    """

    reach = PCN.reach

    def __init__(self, pcn: PCN, spec: HashSpec | str) -> None:
        super().__init__()
        self.pcn, self.spec = pcn, resolve_spec(spec)

    def forward(self, image: Tensor) -> Tensor:
        """Return the class map of (B, 1, H, W) images, gray levels / 255: (B, H, W) integers.

        Autocast does not change it.
        """
        with torch.autocast(image.device.type, enabled=False):
            return quantize(PCN.statistics(self.pcn(image)), self.spec)


class HashClassifier(nn.Module):
    """Classes of the image itself, without learning: RAISR+N, or RAISR+C given a clean guide.

    Parameters
    ----------
    spec : HashSpec or str
        Or the name of a preset.
    """

    def __init__(self, spec: HashSpec | str) -> None:
        super().__init__()
        self.spec = resolve_spec(spec)
        self.reach = hash_reach(self.spec)

    def forward(self, image: Tensor) -> Tensor:
        """Return the class map of (B, 1, H, W) images, gray levels / 255: (B, H, W) integers.

        Raises
        ------
        ValueError
            Images of another shape, or none.
        """
        if image.ndim != 4 or image.shape[1] != 1 or not len(image):
            raise ValueError(f"image must be (B, 1, H, W), got shape {tuple(image.shape)}")
        planes = image[:, 0].detach().float().cpu().numpy()
        return torch.stack([self._class_map(plane) for plane in planes]).to(image.device)

    def _class_map(self, plane):
        threads = torch.get_num_threads()
        return class_tensor(
            hash_image(plane, self.spec, data_range=1.0, num_threads=threads), self.spec
        )


class DenoisedClassifier(HashClassifier):
    """Classes of what `raisr.denoise` makes of the image: RAISR+D.

    Parameters
    ----------
    spec : HashSpec or str
        Or the name of a preset.
    sigma : float, optional
        Standard deviation of the noise, gray levels / 255. Default: estimated from each image.
    white : float
        Value of white less that of black, gray levels / 255.
    """

    def __init__(
        self, spec: HashSpec | str, sigma: float | None = None, white: float = 1.0
    ) -> None:
        super().__init__(spec)
        self.sigma, self.white = sigma, white
        self.reach = hash_reach(self.spec, denoised=True)

    def of_whole(self, image: Tensor, level: float | None) -> Tensor:
        """Return the class map of one image whose noise level may be known."""
        level = level if self.sigma is None else self.sigma
        plane = image[0, 0].float().cpu().numpy()
        return self._of_level(plane, level)[None]

    def _class_map(self, plane):
        return self._of_level(plane, self.sigma)

    def _of_level(self, plane, level):
        plane = denoised(plane, level, self.white, torch.get_num_threads())
        return super()._class_map(plane)


def denoised(
    plane: NDArray[np.float32], sigma: float | None, white: float, num_threads: int
) -> NDArray[np.float32]:
    """Return what is hashed for RAISR+D; sigma and white in the unit of the plane.

    Noise above the highest level of the shipped filters is taken for that level.
    """
    level = estimate_sigma(plane) if sigma is None else sigma
    level = min(level, LADDER[-1] / GRAY_LEVELS * white)
    return denoise(plane, level, model=DENOISED_BY, data_range=white, num_threads=num_threads)


def class_tensor(classes: NDArray, spec: HashSpec) -> Tensor:
    """Return a class map of `raisr.hash_image` as a tensor, in the type of `class_dtype`."""
    if class_dtype(spec) != torch.uint8:
        classes = classes.astype(np.int32)  # torch computes little with uint16
    return torch.from_numpy(np.ascontiguousarray(classes))


def hash_reach(spec: HashSpec, *, denoised: bool = False) -> int:
    """Return how far away, in pixels, a class may depend on the image."""
    # The differences reach one further than the window, and so does presmoothing.
    own = spec.window // 2 + 2
    if not denoised:
        return own
    stages = bank_for(DENOISED_BY, LADDER[0]).stages
    return own + sum(max(stage.size // 2, stage.spec.window // 2 + 2) for stage in stages)
