"""FOCNet: residual blocks with a long memory, on four scales that talk to each other."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hybrid.networks.layers import extend
from hybrid.networks.network import Network, register

_SCALES = 4
_CYCLES = 4  # times that a state travels down to the coarsest scale and back up
_BETA = 0.2  # order of the fractional derivative


@register("focnet")
class FOCNet(Network):
    """Fractional optimal control network, predicting the noise of a gray image.

    Every scale keeps the history of its states. A block is a 3x3 convolution without bias, batch
    normalisation and ReLU; the new state is its output plus `memory` of the scale's history.
    Four times over, the full resolution hands its state down (2x2 average) and gets an answer
    (bilinear), for which each scale asks the next coarser one in turn; what arrives is added with
    a learned weight. That makes 5, 11, 11 and 7 convolutions at the four scales, the first one of
    the network included.

    Parameters
    ----------
    features : int
        Channels, at every scale.

    Notes
    -----
    These numbers of convolutions cost what the class-specific paper prints, 2225.7 kFLOPs per
    pixel, and 4.6 for the first and the last. The authors' public code has 6, 8, 8 and 4, and
    learns the upsampling, for which the printed cost has no room. Gates, normalised memory and
    the skip around the image are as there.

    References
    ----------
    Jia et al., "FOCNet: A Fractional Optimal Control Network for Image Denoising", CVPR 2019.
    """

    reach = 133
    """An output depends on no pixel further away than this."""

    label = "FOCNet"

    def __init__(self, features: int = 128):
        super().__init__()
        self.entry = nn.Conv2d(1, features, 3, padding=1)
        self.scales = nn.ModuleList(_Scale(features, depth) for depth in range(_SCALES))
        self.exit = nn.Conv2d(features, 1, 3, padding=1)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the denoised images, (B, 1, H, W) float, gray levels / 255."""
        height, width = noisy.shape[-2:]
        image = extend(noisy, 2 ** (_SCALES - 1))
        histories: list[list[Tensor]] = [[] for _ in self.scales]
        histories[0].append(torch.relu(self.entry(image)))
        for cycle in range(_CYCLES):
            state = self._visit(0, cycle, histories, None)
        return (image + self.exit(state))[..., :height, :width]

    def _visit(self, depth, cycle, histories, arriving):
        scale, history = self.scales[depth], histories[depth]
        if depth > 0:
            if cycle > 0:
                scale.alone[cycle - 1](history)
            scale.listening[cycle](history, arriving)
        if depth < _SCALES - 1:
            pooled = functional.avg_pool2d(history[-1], 2)
            answer = self._visit(depth + 1, cycle, histories, pooled)
            wide = functional.interpolate(answer, scale_factor=2, mode="bilinear")
            scale.asking[cycle](history, wide)
        return history[-1]


def memory_weights(length: int) -> list[float]:
    """Return the weights of a history, oldest state first; their sum is 1.

    Up to this normalisation they are the coefficients of the Gruenwald-Letnikov derivative of
    order 0.2, which fall like ``age ** -1.2``.
    """
    weights: list[float] = []
    for age in range(1, length + 1):
        weights.append(weights[-1] * (1 - (1 + _BETA) / age) if weights else 1.0)
    return [weight / sum(weights) for weight in reversed(weights)]


class _Scale(nn.Module):
    def __init__(self, features, depth):
        super().__init__()
        finest, coarsest = depth == 0, depth == _SCALES - 1
        self.alone = _blocks(0 if finest else _CYCLES - 1, features, gated=False)
        self.listening = _blocks(0 if finest else _CYCLES, features, gated=True)
        self.asking = _blocks(0 if coarsest else _CYCLES, features, gated=True)
        if not finest:
            self.listening[0].gate = None  # the first message is all there is


def _blocks(count, features, gated):
    return nn.ModuleList(_Block(features, gated) for _ in range(count))


class _Block(nn.Module):
    def __init__(self, features, gated):
        super().__init__()
        self.conv = nn.Conv2d(features, features, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(features)
        self.gate = nn.Parameter(torch.ones(())) if gated else None

    def forward(self, history, message=None):
        if not history:
            features = message
        elif message is None:
            features = history[-1]
        else:
            features = history[-1] + self.gate * message
        state = torch.relu(self.norm(self.conv(features)))
        weights = memory_weights(len(history))
        history.append(sum(map(torch.mul, history, weights), state))
