"""Where class maps come from: a PCN, or the hash of an image."""

import numpy as np
import torch
from torch import Tensor, nn

from hybrid.classes import class_dtype, quantize
from hybrid.pcn import PCN
from raisr import HashSpec, hash_image
from raisr.hashing import resolve_spec


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
        self.reach = self.spec.window // 2 + 2

    def forward(self, image: Tensor) -> Tensor:
        """Return the class map of (B, 1, H, W) images, gray levels / 255: (B, H, W) integers."""
        planes = image[:, 0].detach().float().cpu().numpy()
        maps = np.stack([hash_image(plane, self.spec, data_range=1.0) for plane in planes])
        return torch.from_numpy(maps.astype(np.int32)).to(image.device, class_dtype(self.spec))
