"""PCN, the pixel classification network: a tiny U-Net that sees gradients through the noise."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from hybrid.networks.layers import PReLU, extend
from hybrid.networks.network import CLASSIFIERS, Network, register
from raisr import GradientStatistics

_STRIDE = 8


class UNet(nn.Module):
    """U-Net of group convolution blocks, any image to eight channels of features.

    Four scales with 8, 8, 16 and 32 channels, one residual block at the coarsest. A group
    convolution block is a 3x3 convolution in two groups to half the channels, a 1x1 convolution,
    and PReLU.

    Parameters
    ----------
    inputs : int
        Channels of the image: 1, or an even number.

    Attributes
    ----------
    outputs : int
        Channels of the features.
    """

    outputs = 8

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.down = nn.ModuleList([_pair(inputs, 8), _pair(8, 8), _pair(8, 16), _pair(16, 32)])
        self.residual = _pair(32, 32)
        self.up = nn.ModuleList([_pair(48, 16), _pair(24, 8), _pair(16, self.outputs)])

    def forward(self, image: Tensor) -> Tensor:
        """Return the features, (B, 8, H, W), of images (B, inputs, H, W).

        Sides that are no multiples of 8 are extended by repeating the last row or column.
        """
        height, width = image.shape[-2:]
        features = self.down[0](extend(image, _STRIDE))
        skips = [features]
        for block in self.down[1:]:
            features = block(functional.avg_pool2d(features, 2))
            skips.append(features)
        features = features + self.residual(features)
        for block, skip in zip(self.up, skips[-2::-1], strict=True):
            wide = functional.interpolate(features, scale_factor=2, mode="bilinear")
            features = block(torch.cat([skip, wide], 1))
        return features[..., :height, :width]


@register("pcn", CLASSIFIERS)
class PCN(UNet, Network):
    """Predicts the gradient statistics of the clean image: 2.800 kFLOPs per pixel.

    Orientation is circular, so the network predicts the vector ``coherence * (cos, sin)(2 pi
    orientation)`` and the strength: three channels, as many as there are statistics. It has
    15,951 parameters.

    References
    ----------
    Xu et al., AAAI 2021, "Pixel Classification Network". Widths and the number of residual
    blocks are not in the paper; these give its cost exactly. The paper predicts orientation
    itself, as if 0 and 1 were far apart.
    """

    reach = 74
    """An output depends on no pixel further away than this."""

    label = "PCN"

    def __init__(self) -> None:
        super().__init__(inputs=1)
        self.exit = nn.Conv2d(self.outputs, 3, 1)

    def forward(self, noisy: Tensor) -> Tensor:
        """Predict the statistics.

        Parameters
        ----------
        noisy : (B, 1, H, W) float tensor, gray levels / 255
            Sides that are no multiples of 8 are extended by repeating the last row or column.

        Returns
        -------
        (B, 3, H, W) tensor
            The two components of the orientation vector, and the strength; see `statistics`.
        """
        return self.exit(super().forward(noisy))

    @staticmethod
    def statistics(predicted: Tensor) -> GradientStatistics[Tensor]:
        """Return orientation, strength and coherence of what `forward` returns, in float32."""
        cosine, sine, strength = predicted.float().unbind(1)
        orientation = torch.atan2(sine, cosine) / (2 * torch.pi) % 1.0
        # A tiny negative angle becomes exactly 1 in float32.
        orientation = torch.where(orientation < 1, orientation, 0.0)
        return GradientStatistics(
            orientation, strength.clamp(min=0), torch.hypot(cosine, sine).clamp(max=1)
        )


def _pair(inputs, outputs):
    return nn.Sequential(*_group_block(inputs, outputs), *_group_block(outputs, outputs))


def _group_block(inputs, outputs):
    groups = 1 if inputs == 1 else 2
    convolutions = (
        nn.Conv2d(inputs, outputs // 2, 3, padding=1, groups=groups),
        nn.Conv2d(outputs // 2, outputs, 1),
    )
    # With torch's default the signal would lose two thirds in every block, and orientation, which
    # needs all of them, would be learned thousands of steps after strength.
    for convolution, slope in zip(convolutions, (1.0, 0.25), strict=True):
        if not convolution.weight.is_meta:  # no numbers, and a second to load torch's compiler
            nn.init.kaiming_normal_(convolution.weight, a=slope)
        nn.init.zeros_(cast(Tensor, convolution.bias))
    return *convolutions, PReLU()
