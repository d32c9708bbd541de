"""MemNet: blocks that remember what all earlier blocks have said."""

import torch
from torch import Tensor, nn

from hybrid.networks.network import Network, register


@register("memnet")
class MemNet(Network):
    """Persistent memory network, predicting the noise of a gray image.

    A memory block is a chain of residual units, and a gate: a 1x1 convolution of the outputs of
    its units and of all the blocks before. Every convolution follows batch normalisation and
    ReLU and has no bias.

    Parameters
    ----------
    features : int
        Channels.
    blocks, units : int
        Memory blocks, and residual units of two 3x3 convolutions in each. An output depends on
        pixels at most `reach` = 2 * blocks * units + 2 away.

    Notes
    -----
    Units do not share weights, as in the code of the class-specific paper; those of the original
    are one recursive unit a block. The gates see 7 to 12 maps, which costs 5777.66 kFLOPs per
    pixel; the 5480.0 that the paper prints fit gates without the outputs of the own units.

    References
    ----------
    Tai et al., "MemNet: A Persistent Memory Network for Image Restoration", ICCV 2017.
    """

    label = "MemNet"

    def __init__(self, features: int = 64, blocks: int = 6, units: int = 6):
        super().__init__()
        self.reach = 2 * blocks * units + 2
        self.entry = _convolution(1, features, 3)
        self.blocks = nn.ModuleList(
            _MemoryBlock(features, units, memories) for memories in range(1, blocks + 1)
        )
        self.exit = _convolution(features, 1, 3)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the denoised images, (B, 1, H, W) float, gray levels / 255."""
        memories = [self.entry(noisy)]
        for block in self.blocks:
            memories.append(block(memories))
        return noisy + self.exit(memories[-1])


class _MemoryBlock(nn.Module):
    def __init__(self, features, units, memories):
        super().__init__()
        self.units = nn.ModuleList(
            nn.Sequential(_convolution(features, features, 3), _convolution(features, features, 3))
            for _ in range(units)
        )
        self.gate = _convolution((units + memories) * features, features, 1)

    def forward(self, memories):
        states = [memories[-1]]
        for unit in self.units:
            states.append(states[-1] + unit(states[-1]))
        return self.gate(torch.cat([*states[1:], *memories], 1))


def _convolution(inputs, outputs, size):
    return nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
    )
