"""Convolutions whose bits do not depend on the size of the image, so that tiles fit exactly.

torch picks its algorithm, and with it the order of sums, by the size of the image and the number
of threads. The kernels of `hybrid.csconv` add in one order always; with a single class they are
a plain convolution.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hybrid.csconv import cs_conv2d
from hybrid.networks.layers import Merge

_LANES = 8  # numbers of channels are filled up to multiples of it, for vector code


class ExactConv2d(nn.Module):
    """A `torch.nn.Conv2d` of odd size, zero padding and stride 1, for inference on a CPU.

    Parameters
    ----------
    convolution : nn.Conv2d
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self._inputs, self._outputs = convolution.in_channels, convolution.out_channels
        inputs, outputs = (
            -(-channels // _LANES) * _LANES
            for channels in (convolution.in_channels, convolution.out_channels)
        )
        weight = torch.zeros(1, outputs, inputs, *convolution.kernel_size)
        per_group = convolution.out_channels // convolution.groups
        for output, filters in enumerate(convolution.weight.detach()):
            first = output // per_group * len(filters)
            weight[0, output, first : first + len(filters)] = filters
        bias = torch.zeros(1, outputs)
        if convolution.bias is not None:
            bias[0, : self._outputs] = convolution.bias.detach()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    @torch.no_grad()
    def forward(self, *parts: Tensor) -> Tensor:
        """Return the convolution of a (B, C, H, W) float32 tensor, or of several, side by side."""
        if (channels := sum(part.shape[1] for part in parts)) != self._inputs:
            raise ValueError(f"the convolution takes {self._inputs} channels, got {channels}")
        if any(part.shape[1] % _LANES for part in parts):
            parts = (self._filled_up(parts),)
        one_class = torch.zeros(1, dtype=torch.uint8)
        one_class = one_class.expand(parts[0].shape[0], *parts[0].shape[2:])
        weights = self.weight.split([part.shape[1] for part in parts], dim=2)
        out = cs_conv2d(parts[0], weights[0], self.bias, one_class)
        for part, weight in zip(parts[1:], weights[1:], strict=True):
            out += cs_conv2d(part, weight, None, one_class)
        return out[:, : self._outputs]

    def _filled_up(self, parts: Sequence[Tensor]) -> Tensor:
        """Return one tensor, channels last, with channels of zeros at the end."""
        images, _, height, width = parts[0].shape
        x = parts[0].new_zeros(images, height, width, self.weight.shape[2]).permute(0, 3, 1, 2)
        first = 0
        for part in parts:
            x[:, first : first + part.shape[1]] = part
            first += part.shape[1]
        return x


class ExactDown(nn.Module):
    """A 2x2 `torch.nn.Conv2d` of stride 2, for inference on a CPU.

    Parameters
    ----------
    convolution : nn.Conv2d
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        weight = convolution.weight.detach().permute(0, 2, 3, 1).flatten(1)
        self.join = ExactConv2d(_pointwise(weight, convolution.bias))

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution of a (B, C, H, W) float32 tensor with even sides."""
        images, channels, height, width = x.shape
        blocks = x.permute(0, 2, 3, 1).reshape(images, height // 2, 2, width // 2, 2, channels)
        blocks = blocks.transpose(2, 3).reshape(images, height // 2, width // 2, 4 * channels)
        return self.join(blocks.permute(0, 3, 1, 2))


class ExactUp(nn.Module):
    """A 2x2 `torch.nn.ConvTranspose2d` of stride 2, for inference on a CPU.

    Parameters
    ----------
    convolution : nn.ConvTranspose2d
    """

    def __init__(self, convolution: nn.ConvTranspose2d) -> None:
        super().__init__()
        weight = convolution.weight.detach().permute(2, 3, 1, 0).flatten(0, 2)
        bias = None if convolution.bias is None else convolution.bias.repeat(4)
        self.spread = ExactConv2d(_pointwise(weight, bias))

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution, (B, C_out, 2 H, 2 W), of a (B, C, H, W) float32 tensor."""
        images, _, height, width = x.shape
        blocks = self.spread(x).permute(0, 2, 3, 1).reshape(images, height, width, 2, 2, -1)
        return blocks.transpose(2, 3).reshape(images, 2 * height, 2 * width, -1).permute(0, 3, 1, 2)


def _pointwise(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    outputs, inputs = weight.shape
    convolution = nn.Conv2d(inputs, outputs, 1, bias=bias is not None)
    state = {"weight": weight[..., None, None], "bias": bias}
    convolution.load_state_dict({name: v for name, v in state.items() if v is not None})
    return convolution


class _Bfloat16(nn.Module):
    """A network under autocast, but for some of its layers."""

    def __init__(self, network: nn.Module, float32_layers: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        for name in float32_layers:
            setattr(network, name, _Float32(getattr(network, name)))

    def forward(self, *inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.network(*inputs)


class _Float32(nn.Module):
    """A layer under no autocast."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return self.layer(*(value.float() for value in inputs))


def exact(network: nn.Module, float32_layers: Sequence[str] | None = None) -> nn.Module:
    """Return a copy of a network whose convolutions are exact wherever they can be.

    It computes in float32 or, where `float32_layers` are given, in bfloat16 but for these.
    """
    network = copy.deepcopy(network).float().eval()
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if (replacement := _exact(child)) is not None:
                setattr(parent, name, replacement)
    return network if float32_layers is None else _Bfloat16(network, float32_layers)


def _exact(module: nn.Module) -> nn.Module | None:
    """Return the exact form of a convolution, if there is one."""
    if isinstance(module, nn.Conv2d) and _is_plain(module):
        return ExactConv2d(module)
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and _halves(module):
        return ExactDown(module) if isinstance(module, nn.Conv2d) else ExactUp(module)
    return None


def _halves(convolution: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    """Tell whether a convolution maps each 2x2 block to a pixel, or back."""
    return (
        type(convolution) in (nn.Conv2d, nn.ConvTranspose2d)
        and convolution.kernel_size == convolution.stride == (2, 2)
        and convolution.padding == convolution.output_padding == (0, 0)
        and convolution.dilation == (1, 1)
        and convolution.groups == 1
    )


def _is_plain(convolution: nn.Conv2d) -> bool:
    height, width = convolution.kernel_size
    same = convolution.padding in ((height // 2, width // 2), "same")
    return (
        type(convolution) in (nn.Conv2d, Merge)
        and height == width
        and height % 2 == 1
        and same
        and convolution.stride == convolution.dilation == (1, 1)
        and convolution.padding_mode == "zeros"
    )
