"""KPN: a large U-Net predicts a filter for every pixel of the noisy image."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hybrid.networks.layers import extend
from hybrid.networks.network import Network, register

_STRIDE = 16


@register("kpn")
class KPN(Network):
    """Kernel prediction network for a single gray image.

    A U-Net of five scales, with three 3x3 convolutions and ReLU at each, 2x2 averages and
    bilinear upsampling, predicts the ``kernel_size**2`` weights of every pixel's filter. They are
    not normalised; the filtered noisy image is the output.

    Parameters
    ----------
    kernel_size : int
        Side of the filters, odd.
    features : int
        Channels at full resolution; two, four, eight and eight times as many at the other scales.

    Raises
    ------
    ValueError
        If `kernel_size` is not odd and positive.

    Notes
    -----
    The network of the paper's code. The size of the filters is in neither paper nor code; 5 is
    that of the original. Beside the 1470.5 kFLOPs per pixel of the U-Net (3x3: 1436.9), the
    filtering costs 2 x 25 FLOPs.

    References
    ----------
    Mildenhall et al., "Burst Denoising with Kernel Prediction Networks", CVPR 2018;
    Xu et al., AAAI 2021, "Comparison with RAISR and KPN".
    """

    label = "KPN"

    def __init__(self, kernel_size: int = 5, features: int = 64):
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and positive, got {kernel_size}")
        self.kernel_size = kernel_size
        a, b, c, d = (features * times for times in (1, 2, 4, 8))
        weights = kernel_size**2
        self.down = nn.ModuleList([_triple(1, a), _triple(a, b), _triple(b, c), _triple(c, d)])
        self.bottom = _triple(d, d)
        self.up = nn.ModuleList([_triple(d + d, d), _triple(c + d, c), _triple(b + c, weights)])
        self.exit = nn.Conv2d(weights, weights, 1)
        for name, parameter in self.named_parameters():
            (nn.init.zeros_ if name.endswith("bias") else nn.init.xavier_normal_)(parameter)

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the denoised images.

        Parameters
        ----------
        noisy : (B, 1, H, W) float tensor, gray levels / 255
            Sides that are no multiples of 16 are extended by repeating the last row or column;
            beyond that, filters see reflected borders.
        """
        height, width = noisy.shape[-2:]
        image = extend(noisy, _STRIDE)
        return filter_pixels(image, self.kernels(image))[..., :height, :width]

    def kernels(self, image: Tensor) -> Tensor:
        """Return the filters of an image with sides that are multiples of 16.

        Returns
        -------
        (B, kernel_size**2, H, W) tensor
            Correlation weights in row-major order.
        """
        features, skips = image, []
        for block in self.down:
            skips.append(block(features))
            features = functional.avg_pool2d(skips[-1], 2)
        features = self.bottom(features)
        # The skip at full resolution is not used.
        for block, skip in zip(self.up, skips[:0:-1], strict=True):
            features = block(torch.cat([skip, _double(features)], 1))
        return self.exit(_double(features))


def filter_pixels(image: Tensor, kernels: Tensor) -> Tensor:
    """Correlate every pixel's neighbourhood with the pixel's own filter; borders are reflected.

    Parameters
    ----------
    image : (B, 1, H, W) tensor
        Sides longer than half the filter.
    kernels : (B, k * k, H, W) tensor

    Returns
    -------
    (B, 1, H, W) tensor
    """
    size = round(kernels.shape[1] ** 0.5)
    height, width = image.shape[-2:]
    padded = functional.pad(image, (size // 2,) * 4, mode="reflect")
    out = torch.zeros_like(image)
    for index in range(size**2):
        row, column = divmod(index, size)
        neighbour = padded[..., row : row + height, column : column + width]
        out = torch.addcmul(out, neighbour, kernels[:, index : index + 1])
    return out


def _triple(inputs, outputs):
    layers: list[nn.Module] = []
    for width in (inputs, outputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _double(features):
    return functional.interpolate(features, scale_factor=2, mode="bilinear")
