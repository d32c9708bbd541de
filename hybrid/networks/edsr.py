"""EDSR, and CS-EDSR: the same network with class-specific second convolutions."""

from torch import Tensor, nn

from hybrid.networks.layers import PReLU, ResidualBlock, second_convolution, with_classes
from hybrid.networks.network import Network, register


@register("edsr")
class EDSR(Network):
    """Residual network without normalisation, predicting the noise of a gray image.

    A first convolution, `blocks` blocks ``x + conv2(PReLU(conv1(x)))``, a skip around all of
    them, a last convolution whose output is added to the image. All convolutions are 3x3, zero
    padded, with bias; one PReLU parameter a block.

    Parameters
    ----------
    features : int
        Channels.
    blocks : int
        Residual blocks. An output depends on pixels at most `reach` = 2 * blocks + 2 away.
    num_classes : int, optional
        With it, every `conv2` is a `CSConv2d` of so many classes (CS-EDSR); without, the plain
        network. Both have the same names of parameters.

    Notes
    -----
    The skip around the features is that of the paper's text; the skip around the image is ours
    (the paper's network predicts the clean image), the same in both networks.

    References
    ----------
    Xu et al., AAAI 2021, "Class Specific Denoising Network"; Lim et al., CVPR workshops 2017.
    """

    label = "EDSR"

    def __init__(self, features: int = 16, blocks: int = 16, num_classes: int | None = None):
        super().__init__()
        self.num_classes = num_classes
        self.inputs = ("classes",) if num_classes is not None else ()
        self.reach = 2 * blocks + 2
        self.entry = nn.Conv2d(1, features, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(features, num_classes) for _ in range(blocks))
        self.exit = nn.Conv2d(features, 1, 3, padding=1)

    def forward(self, noisy: Tensor, classes: Tensor | None = None) -> Tensor:
        """Return the denoised images.

        Parameters
        ----------
        noisy : (B, 1, H, W) float tensor, gray levels / 255
        classes : (B, H, W) integer tensor
            Class of every pixel; for CS-EDSR only.
        """
        given = with_classes(self, classes)
        entered = features = self.entry(noisy)
        for block in self.blocks:
            features = block(features, given)
        return noisy + self.exit(features + entered)


class _Block(ResidualBlock):
    def __init__(self, features, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.activation = PReLU()
        self.conv2 = second_convolution(features, features, num_classes)

    def forward(self, features, classes):
        return features + self.conv2(self.activation(self.conv1(features)), *classes)
