"""KPN+: EDSR with second convolutions that a small U-Net predicts for every pixel."""

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from hybrid.networks.layers import PReLU
from hybrid.networks.network import Network, register
from hybrid.networks.pcn import UNet

Source = Literal["features", "image"]


@register("kpn_plus")
class KPNPlus(Network):
    """EDSR in which every pixel has its own second convolution of each block.

    A `hybrid.networks.pcn.UNet` and a 1x1 convolution predict all ``features**2 * 9`` weights of
    the 3x3 filters of a pixel. The rest is as in `hybrid.networks.edsr.EDSR`.

    Parameters
    ----------
    features : int
        Channels, an even number.
    blocks : int
        Residual blocks.
    source : {"features", "image"}
        What the U-Net sees. "features": what the convolution is applied to; one U-Net, with one
        1x1 convolution, serves all blocks and runs once in each (the public modules of the
        paper). "image": the noisy image, once, with a 1x1 convolution for each block (what the
        paper's sentence says).

    Raises
    ------
    ValueError
        For another source.

    Notes
    -----
    The public modules know U-Nets of three sizes, for 780.9, 1481.4 or 1569.3 kFLOPs per pixel
    in all; this one is the PCN that the paper speaks of, and near the first. The skips around the
    features and the image are those of our EDSR.

    References
    ----------
    Xu et al., AAAI 2021, "Comparison with RAISR and KPN".
    """

    label = "KPN+"

    def __init__(self, features: int = 16, blocks: int = 16, source: Source = "features"):
        super().__init__()
        if source not in get_args(Source):
            raise ValueError(f"source must be one of {', '.join(get_args(Source))}, got {source!r}")
        self.source = source
        self.entry = nn.Conv2d(1, features, 3, padding=1)
        self.conv1 = nn.ModuleList(
            nn.Conv2d(features, features, 3, padding=1) for _ in range(blocks)
        )
        self.activations = nn.ModuleList(PReLU() for _ in range(blocks))
        self.predictor = UNet(features if source == "features" else 1)
        self.conv2 = nn.ModuleList(
            PredictedConv2d(features, UNet.outputs)
            for _ in range(1 if source == "features" else blocks)
        )
        self.exit = nn.Conv2d(features, 1, 3, padding=1)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the denoised images, (B, 1, H, W) float, gray levels / 255."""
        entered = features = self.entry(noisy)
        predictions = self.predictor(noisy) if self.source == "image" else None
        for index, (conv, activation) in enumerate(zip(self.conv1, self.activations, strict=True)):
            inner = activation(conv(features))
            if self.source == "image":
                features = features + self.conv2[index](inner, predictions)
            else:
                features = features + self.conv2[0](inner, self.predictor(inner))
        return noisy + self.exit(features + entered)


class PredictedConv2d(nn.Module):
    """A 3x3 convolution, zero padded, with a filter for each pixel.

    The filters are an affine function of the prediction p: ``weight[0] + sum_i p[i] *
    weight[1 + i]``, which is what a 1x1 convolution with bias makes of p. Convolution is linear,
    so the image is filtered with each `weight` and the results are mixed: the same output and the
    same number of operations, but never ``channels**2 * 9`` values a pixel in memory.

    Parameters
    ----------
    channels : int
        Of the input and of the output.
    predictions : int
        Length of p.

    Attributes
    ----------
    weight : (1 + predictions, channels, channels, 3, 3) Parameter
    """

    def __init__(self, channels: int, predictions: int):
        super().__init__()
        bound = 1 / math.sqrt(channels * 9)
        weight = torch.empty(1 + predictions, channels, channels, 3, 3)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound))

    def forward(self, x: Tensor, predicted: Tensor) -> Tensor:
        """Return the output, (B, channels, H, W).

        Parameters
        ----------
        x : (B, channels, H, W) tensor
        predicted : (B, predictions, H, W) tensor
        """
        out = functional.conv2d(x, self.weight[0], padding=1)
        for index, weight in enumerate(self.weight[1:]):
            response = functional.conv2d(x, weight, padding=1)
            out = torch.addcmul(out, predicted[:, index : index + 1], response)
        return out
