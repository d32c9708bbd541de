"""SGN: coarse branches guide the finer ones."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hybrid.networks.layers import extend
from hybrid.networks.network import Network, register

_COARSEST = 3  # the image is unshuffled up to 2**3 pixels a side
_LEAST = 16  # pixels a side, so that two are left at the coarsest scale for reflecting


@register("sgn")
class SGN(Network):
    """Self-guided network, predicting the clean gray image.

    Branches see the image at 1/8, 1/4 and 1/2 of the resolution, with all its pixels in the
    channels, and hand what they found to the next finer one, the last to the main branch.
    Convolutions are 3x3 with reflected borders and LeakyReLU (slope 0.2), the very last one, too.

    Parameters
    ----------
    features : int
        Channels of the main branch; twice, four and eight times as many in the others.
    depth : int
        Convolutions of the main branch between the merging one and the last. An output depends
        on pixels at most `reach` = 79 + depth away.

    Notes
    -----
    This is the network of the paper's code, 405.5 kFLOPs per pixel. The paper prints 429.1, for
    which no sizes are known.

    References
    ----------
    Gu et al., "Self-Guided Network for Fast Image Denoising", ICCV 2019.
    """

    label = "SGN"

    def __init__(self, features: int = 32, depth: int = 5):
        super().__init__()
        self.reach = 79 + depth
        self.branches = nn.ModuleList(
            _Branch(features, scale, guided=scale < _COARSEST) for scale in range(_COARSEST, 0, -1)
        )
        self.entry = _convolution(1, features)
        self.merge = _convolution(features + features // 2, features)
        self.main = nn.Sequential(*(_convolution(features, features) for _ in range(depth)))
        self.exit = _convolution(features, 1)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the denoised images, (B, 1, H, W) float, gray levels / 255."""
        height, width = noisy.shape[-2:]
        image = extend(noisy, 2**_COARSEST, _LEAST)
        guide: tuple[Tensor, ...] = ()
        for branch in self.branches:
            guide = (branch(image, guide),)
        features = self.merge(torch.cat([self.entry(image), *guide], 1))
        return self.exit(self.main(features))[..., :height, :width]


class _Branch(nn.Module):
    def __init__(self, features, scale, guided):
        super().__init__()
        self.factor = 2**scale
        width = features * self.factor
        self.entry = _convolution(self.factor**2, width)
        self.merge = _convolution(width + width // 2, width) if guided else nn.Identity()
        self.residual = nn.Sequential(
            _convolution(width, width), _convolution(width, width), _reflecting(width, width)
        )
        self.exit = _convolution(width, width)

    def forward(self, image, guide):
        features = self.entry(functional.pixel_unshuffle(image, self.factor))
        features = self.merge(torch.cat([features, *guide], 1))
        features = functional.leaky_relu(features + self.residual(features), 0.2)
        return functional.pixel_shuffle(self.exit(features), 2)


def _convolution(inputs, outputs):
    return nn.Sequential(_reflecting(inputs, outputs), nn.LeakyReLU(0.2))


def _reflecting(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
