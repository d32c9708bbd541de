"""CARN, and CS-CARN: the same network with class-specific second convolutions."""

import torch
from torch import Tensor, nn

from hybrid.networks.layers import Merge, second_convolution, with_classes
from hybrid.networks.network import Network, register

_BLOCKS = 3  # cascading blocks, and residual blocks in each of them


@register("carn")
class CARN(Network):
    """Cascading residual network, predicting the noise of a gray image.

    A first convolution, three cascading blocks of three residual blocks each, a last convolution
    whose output is added to the image. A cascade hands everything it has seen so far, through a
    1x1 convolution and ReLU, to its next part; the blocks form such a cascade, too. A residual
    block is ``ReLU(x + conv_c(ReLU(conv_b(ReLU(conv_a(x))))))`` with 3x3 convolutions a and b,
    the former in groups, and a 1x1 convolution c. Zero padding; every convolution has a bias.

    Parameters
    ----------
    features : int
        Channels.
    num_classes : int, optional
        With it, every `conv_b` is a `CSConv2d` of so many classes (CS-CARN); without, the plain
        network. Both have the same names of parameters.
    groups : pair of int
        Groups of `conv_a` and `conv_b`. What the paper calls CARN16 is (4, 1), CARN64 is (4, 4).

    Raises
    ------
    ValueError
        If `conv_b` is to be class-specific and in groups at once.

    Notes
    -----
    The paper's text has PReLU in the blocks, its code ReLU as here. The skip around the image is
    ours, as in EDSR; the paper's network predicts the clean image.

    References
    ----------
    Xu et al., AAAI 2021, "CSConv-based Denoising Convolutional Network"; Ahn et al., ECCV 2018.
    """

    reach = 2 * _BLOCKS**2 + 2
    """An output depends on no pixel further away than this."""

    label = "CARN"

    def __init__(
        self,
        features: int = 16,
        num_classes: int | None = None,
        groups: tuple[int, int] = (4, 1),
    ):
        super().__init__()
        if num_classes is not None and groups[1] != 1:
            raise ValueError(f"class-specific convolutions have one group, got {groups[1]}")
        self.num_classes = num_classes
        self.inputs = ("classes",) if num_classes is not None else ()
        self.entry = nn.Conv2d(1, features, 3, padding=1)
        self.blocks = nn.ModuleList(
            _CascadingBlock(features, num_classes, groups) for _ in range(_BLOCKS)
        )
        self.merges = _merges(features)
        self.exit = nn.Conv2d(features, 1, 3, padding=1)

    def forward(self, noisy: Tensor, classes: Tensor | None = None) -> Tensor:
        """Return the denoised images.

        Parameters
        ----------
        noisy : (B, 1, H, W) float tensor, gray levels / 255
        classes : (B, H, W) integer tensor
            Class of every pixel; for CS-CARN only.
        """
        further = with_classes(self, classes)
        features = _cascade(self.blocks, self.merges, self.entry(noisy), further)
        return noisy + self.exit(features)


class _CascadingBlock(nn.Module):
    def __init__(self, features, num_classes, groups):
        super().__init__()
        self.units = nn.ModuleList(
            _ResidualBlock(features, num_classes, groups) for _ in range(_BLOCKS)
        )
        self.merges = _merges(features)

    def forward(self, features, classes):
        return _cascade(self.units, self.merges, features, classes)


class _ResidualBlock(nn.Module):
    def __init__(self, features, num_classes, groups):
        super().__init__()
        self.conv_a = nn.Conv2d(features, features, 3, padding=1, groups=groups[0])
        self.conv_b = second_convolution(features, features, num_classes, groups[1])
        self.conv_c = nn.Conv2d(features, features, 1)

    def forward(self, features, classes):
        # What a CSConv2d returns is a view, which autograd lets nobody change.
        inner = torch.relu(self.conv_b(torch.relu_(self.conv_a(features)), *classes))
        return torch.relu_(features + self.conv_c(inner))


def _merges(features):
    return nn.ModuleList(Merge((2 + i) * features, features, 1) for i in range(_BLOCKS))


def _cascade(parts, merges, features, classes):
    seen = [features]
    for part, merge in zip(parts, merges, strict=True):
        seen.append(part(features, classes))
        features = torch.relu_(merge(*seen))
    return features
