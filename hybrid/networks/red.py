"""RED: convolutions down to half the resolution and transposed convolutions back up."""

import torch
from torch import Tensor, nn

from hybrid.networks.layers import extend
from hybrid.networks.network import Network, register

_EVERY = 2  # layers between two skips


@register("red")
class RED(Network):
    """Residual encoder-decoder, predicting the noise of a gray image.

    `depth` 3x3 convolutions, the first with stride 2; as many transposed ones, the last with
    stride 2; ReLU after each but the last. Every second encoded result is added to the decoded
    one that mirrors it. In the end the image is added, and ReLU makes it an image again.

    Parameters
    ----------
    features : int
        Channels.
    depth : int
        Convolutions on either side; 15 is RED30. An output depends on pixels at most `reach` =
        4 * depth - 2 away.

    Notes
    -----
    Stride 2 is that of the paper's code. It costs 516.67 kFLOPs per pixel, at full resolution
    the network would cost 2066.7; the paper prints 1106.4, which neither gives.

    References
    ----------
    Mao, Shen, Yang, "Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks
    with Symmetric Skip Connections", NeurIPS 2016.
    """

    label = "RED"

    def __init__(self, features: int = 64, depth: int = 15):
        super().__init__()
        self.reach = 4 * depth - 2
        self.encoder = nn.ModuleList(
            nn.Conv2d(features if i else 1, features, 3, stride=1 if i else 2, padding=1)
            for i in range(depth)
        )
        self.decoder = nn.ModuleList(
            nn.ConvTranspose2d(features, features, 3, padding=1) for _ in range(depth - 1)
        )
        self.exit = nn.ConvTranspose2d(features, 1, 3, stride=2, padding=1, output_padding=1)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the denoised images, (B, 1, H, W) float, gray levels / 255."""
        height, width = noisy.shape[-2:]
        image = features = extend(noisy, 2)
        skips = []
        for index, conv in enumerate(self.encoder, 1):
            features = torch.relu(conv(features))
            if index % _EVERY == 0 and index < len(self.encoder):
                skips.append(features)
        mirrored = range(len(self.decoder), 0, -1)
        for index, conv in zip(mirrored, self.decoder, strict=True):
            features = torch.relu(conv(features))
            if index % _EVERY == 0:
                features = features + skips.pop()
        return torch.relu(image + self.exit(features))[..., :height, :width]
