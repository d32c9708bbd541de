"""DnCNN: a plain stack of convolutions that predicts the noise."""

from torch import Tensor, nn

from hybrid.networks.network import Network, register


@register("dncnn")
class DnCNN(Network):
    """3x3 convolutions with ReLU between them; their output is subtracted from the image.

    Parameters
    ----------
    features : int
        Channels.
    depth : int
        Convolutions. An output depends on pixels at most `reach` = depth away.
    batch_norm : bool
        True, the form that is trained: all but the first and the last convolution have no bias
        but batch normalisation. False, the form of public weights: normalisation folded into
        the convolutions, which all have a bias.

    Notes
    -----
    Orthogonal initialisation and the constant 1e-4 of the normalisation are those of the public
    code for PyTorch. Its momentum of 0.95 is not: in PyTorch that means to forget all but the
    last batch, so it is 0.1 here.

    References
    ----------
    Zhang et al., "Beyond a Gaussian Denoiser", IEEE TIP 2017.
    """

    label = "DnCNN"

    def __init__(self, features: int = 64, depth: int = 17, batch_norm: bool = True):
        super().__init__()
        self.reach = depth
        widths = [1, *[features] * (depth - 1), 1]
        normalised = [batch_norm and 0 < i < depth - 1 for i in range(depth)]
        self.convs = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 3, padding=1, bias=not normalised[i])
            for i in range(depth)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(features, eps=1e-4) if normalised[i] else nn.Identity()
            for i in range(depth - 1)
        )
        for name, parameter in self.convs.named_parameters():
            (nn.init.zeros_ if name.endswith("bias") else nn.init.orthogonal_)(parameter)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the denoised images, (B, 1, H, W) float, gray levels / 255."""
        features = noisy
        for conv, norm in zip(self.convs[:-1], self.norms, strict=True):
            features = norm(conv(features)).relu_()
        return noisy - self.convs[-1](features)
