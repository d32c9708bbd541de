"""DnCNN and FFDNet with their public weights, stacks of 3x3 convolutions in torch.

For measuring beside ours only; nothing here is part of the library. The folder of the weights is
named by the environment variable RAISR_PEERS: safetensors with `convNN.weight`, (out, in, 3, 3),
and `convNN.bias`; ReLU between the layers, images on [0, 1].

References
----------
Zhang et al., "Beyond a Gaussian Denoiser", IEEE TIP 2017 (DnCNN);
Zhang, Zuo, Zhang, "FFDNet", IEEE TIP 2018.
"""

import os
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from hybrid.networks import Network
from hybrid.networks.dncnn import DnCNN

__all__ = ["FFDNet", "colour_ffdnet", "denoise_plane", "load", "weights_path"]


class FFDNet(Network):
    """Convolutions at half the resolution, on four phases of the image and a map of sigma."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: torch.Tensor, sigma: float = 0.0) -> torch.Tensor:
        """Return the denoised batch, (N, C, H, W), of any size; `sigma` on the scale of `x`."""
        height, width = x.shape[2:]
        even = functional.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        phases = functional.pixel_unshuffle(even, 2)
        level = torch.full_like(phases[:, :1], sigma)
        out = self.layers(torch.cat([phases, level], dim=1))
        return functional.pixel_shuffle(out, 2)[:, :, :height, :width]


def weights_path(stem: str) -> Path | None:
    """Return the file of weights, "dncnn_25", say, or None where RAISR_PEERS has no such file."""
    folder = os.environ.get("RAISR_PEERS")
    path = Path(folder or "") / f"{stem}.safetensors"
    return path if folder and path.is_file() else None


@lru_cache(maxsize=8)
def load(folder: Path, stem: str) -> Network:
    """Return the network of one file of weights: "dncnn_25", say, or "ffdnet_gray"."""
    tensors = load_file(folder / f"{stem}.safetensors")
    network = (_ffdnet if stem.startswith("ffdnet") else _dncnn)(tensors)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def colour_ffdnet() -> FFDNet:
    """Return a network with FFDNet's layers for colours, whose weights are drawn at random.

    Twelve layers with 96 channels (table 1 of its paper). For measuring its time.
    """
    widths = [13, *[96] * 11, 12]  # four phases of three colours, and the map of sigma
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
    network = FFDNet(nn.Sequential(*layers[:-1])).eval()
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _dncnn(tensors: dict[str, torch.Tensor]) -> DnCNN:
    network = DnCNN(len(tensors["conv00.bias"]), len(tensors) // 2, batch_norm=False)
    names = {name: f"convs.{int(name[4:6])}.{name[7:]}" for name in tensors}
    network.load_state_dict({names[name]: tensor for name, tensor in tensors.items()})
    return network


def _ffdnet(tensors: dict[str, torch.Tensor]) -> FFDNet:
    layers: list[nn.Module] = []
    for index in range(len(tensors) // 2):
        weight, bias = tensors[f"conv{index:02d}.weight"], tensors[f"conv{index:02d}.bias"]
        layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        layer.load_state_dict({"weight": weight, "bias": bias})
        layers += [layer, nn.ReLU(inplace=True)]
    return FFDNet(nn.Sequential(*layers[:-1]))


def denoise_plane(
    plane: NDArray[np.float32], sigma: float, stem: str, threads: int
) -> NDArray[np.float32]:
    """Return a denoised plane; plane and `sigma` in gray levels, weights as in `load`.

    The number of threads is set here because OpenMP keeps one for each calling thread.
    """
    torch.set_num_threads(threads)
    network = load(Path(os.environ["RAISR_PEERS"]), stem)
    level = (sigma / 255,) if isinstance(network, FFDNet) else ()
    with torch.inference_mode():
        batch = torch.from_numpy(plane / np.float32(255))[None, None]
        return network(batch, *level)[0, 0].numpy() * np.float32(255)
