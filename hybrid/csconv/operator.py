"""Class-specific convolution: every pixel is convolved with the filters of its own class."""

import math
from functools import cache
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import register_flop_formula

from hybrid.csconv import cpu, gemm

__all__ = ["CSConv2d", "cs_conv2d"]

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def cs_conv2d(x, weight, bias, classes):
    """Convolve every pixel with the filters of its own class.

    ``out[n, o, y, x] = bias[c, o] + sum(weight[c, o] * patch)`` with ``c = classes[n, y, x]``,
    the class of the output pixel, and the patch of x around it. Where all classes have equal
    filters, this is `torch.nn.functional.conv2d`.

    Parameters
    ----------
    x : (B, C_in, H, W) float tensor
        Fastest with ``memory_format=torch.channels_last``, as the result has it.
    weight : (num_classes, C_out, C_in, k, k) float tensor
        k is odd; the image continues as zeros. Rounded to the type of x, but its gradient is not.
    bias : (num_classes, C_out) float tensor or None
    classes : (B, H, W) integer tensor
        0 <= class < num_classes; it has no gradient.

    Returns
    -------
    (B, C_out, H, W) tensor of the type of x
        Under autocast x is first cast to autocast's type.

    Raises
    ------
    TypeError, ValueError
        Where types, sizes or devices do not fit, or a class is out of range.

    Notes
    -----
    As many multiplications as a convolution. On a CPU, float32 and bfloat16 with channels in
    multiples of 8 (better 16) run in vector code, other types and numbers in matrix products. On a
    GPU the kernels are written in Triton; without it, they are matrix products.
    Results and gradients are the same bits for any number of threads.

    References
    ----------
    Y. Xu et al., "Efficient Deep Image Denoising via Class Specific Convolution", AAAI 2021.
    """
    classes = _as_known_integers(classes)
    _check(x, weight, bias, classes)
    device = x.device.type
    if torch.is_autocast_enabled(device) and x.dtype != torch.float64:
        x = x.to(torch.get_autocast_dtype(device))
    return torch.ops.hybrid.cs_conv2d(x, weight, bias, classes)


def _as_known_integers(classes):
    """Return a class map in a type that torch computes with; `raisr.hash_image` gives uint16."""
    wider = {torch.uint16: torch.int32, torch.uint32: torch.int64}.get(classes.dtype)
    return classes if wider is None else classes.to(wider)


def _check(x, weight, bias, classes):
    if x.ndim != 4:
        raise ValueError(f"x must be (B, C, H, W), got shape {tuple(x.shape)}")
    if weight.ndim != 5 or weight.shape[3] != weight.shape[4] or weight.shape[3] % 2 == 0:
        raise ValueError(
            "weight must be (num_classes, C_out, C_in, k, k) with k odd, "
            f"got shape {tuple(weight.shape)}"
        )
    if x.shape[1] != weight.shape[2]:
        raise ValueError(f"weight is for {weight.shape[2]} channels, but x has {x.shape[1]}")
    if bias is not None and bias.shape != weight.shape[:2]:
        raise ValueError(f"bias must have shape {tuple(weight.shape[:2])}, got {tuple(bias.shape)}")
    if classes.shape != (x.shape[0], *x.shape[2:]):
        raise ValueError(
            f"classes must have shape {(x.shape[0], *x.shape[2:])}, got {tuple(classes.shape)}"
        )
    if classes.dtype not in _INTEGERS:
        raise TypeError(f"classes must be integers, got {classes.dtype}")
    for name, tensor in (("x", x), ("weight", weight), ("bias", bias)):
        if tensor is not None and not tensor.is_floating_point():
            raise TypeError(f"{name} must be floating point, got {tensor.dtype}")
    for name, tensor in (("weight", weight), ("bias", bias), ("classes", classes)):
        if tensor is not None and tensor.device != x.device:
            raise ValueError(f"x is on {x.device}, but {name} on {tensor.device}")


def _backend(x, weight):
    """Return the module that computes the convolution of x."""
    if x.device.type == "cpu" and cpu.supports(x, weight):
        return cpu
    if x.device.type == "cuda" and x.dtype != torch.float64:
        return _triton_kernels()
    return gemm


@cache
def _triton_kernels():
    try:
        from hybrid.csconv import cuda
    except ImportError:
        return gemm
    return cuda


@torch.library.custom_op("hybrid::cs_conv2d", mutates_args=())
def _operator(x: Tensor, weight: Tensor, bias: Tensor | None, classes: Tensor) -> Tensor:
    return _backend(x, weight).convolve(x, weight, bias, classes)


@torch.library.custom_op("hybrid::cs_conv2d_backward", mutates_args=())
def _backward_operator(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    classes: Tensor,
    wants_x: bool,
    wants_weight: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    found = _backend(x, weight).backward(gradient, x, weight, classes, wants_x, wants_weight)
    empty = x.new_empty(0)
    of_x, of_weight, of_bias = (empty.clone() if part is None else part for part in found)
    return of_x, of_weight, of_bias


def _like(x, channels):
    images, _, height, width = x.shape
    return x.new_empty(images, height, width, channels).permute(0, 3, 1, 2)


@_operator.register_fake
def _(x, weight, bias, classes):
    return _like(x, weight.shape[1])


@_backward_operator.register_fake
def _(gradient, x, weight, classes, wants_x, wants_weight):
    return (
        _like(x, x.shape[1]) if wants_x else x.new_empty(0),
        weight.new_empty(weight.shape if wants_weight else 0),
        weight.new_empty(weight.shape[:2] if wants_weight else 0),
    )


def _save(ctx, inputs, output):
    x, weight, bias, classes = inputs
    ctx.save_for_backward(x, weight, classes)
    ctx.bias_type = None if bias is None else bias.dtype


def _backward(ctx, gradient):
    x, weight, classes = ctx.saved_tensors
    wants_x, *wants = ctx.needs_input_grad[:3]
    found = torch.ops.hybrid.cs_conv2d_backward(gradient, x, weight, classes, wants_x, any(wants))
    x_gradient, weight_gradient, bias_gradient = found
    return (
        x_gradient if wants_x else None,
        weight_gradient if wants[0] else None,
        bias_gradient.to(ctx.bias_type) if wants[1] else None,
        None,
    )


_operator.register_autograd(_backward, setup_context=_save)


@register_flop_formula(torch.ops.hybrid.cs_conv2d)
def _flops(x, weight, *args, **kwargs):
    images, _, height, width = x
    return 2 * images * height * width * math.prod(weight[1:])


@register_flop_formula(torch.ops.hybrid.cs_conv2d_backward)
def _backward_flops(gradient, x, weight, classes, wants_x, wants_weight, *args, **kwargs):
    return _flops(x, weight) * (wants_x + wants_weight)


def _is_whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _one_size(kernel_size):
    """Return the side of a square filter."""
    sides = tuple(kernel_size) if isinstance(kernel_size, tuple | list) else (kernel_size,) * 2
    if not (len(sides) == 2 and sides[0] == sides[1] and _is_whole(sides[0])):
        raise ValueError(f"kernel_size must be one whole number, got {kernel_size!r}")
    if sides[0] % 2 == 0 or sides[0] < 1:
        raise ValueError(f"kernel_size must be odd, got {kernel_size!r}")
    return int(sides[0])


class CSConv2d(nn.Module):
    """Class-specific convolution with its parameters; see `cs_conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or pair of int
        Odd, and the same both ways; the image continues as zeros, so that its size stays.
    num_classes : int
    bias : bool, default True

    Raises
    ------
    ValueError
        A number that is not whole and positive, or a kernel_size that is even or not square.

    Attributes
    ----------
    weight : (num_classes, out_channels, in_channels, kernel_size, kernel_size) Parameter
    bias : (num_classes, out_channels) Parameter or None
    """

    def __init__(self, in_channels, out_channels, kernel_size, num_classes, bias=True):
        super().__init__()
        kernel_size = _one_size(kernel_size)
        for name, value in (
            ("in_channels", in_channels),
            ("out_channels", out_channels),
            ("num_classes", num_classes),
        ):
            if not _is_whole(value) or value < 1:
                raise ValueError(f"{name} must be a whole number from 1, got {value!r}")
        shape = num_classes, out_channels, in_channels, kernel_size, kernel_size
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(shape[:2])) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new parameters, those of each class as `torch.nn.Conv2d` does."""
        bound = 1 / math.sqrt(self.weight[0, 0].numel())
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    @classmethod
    def from_conv(cls, conv, num_classes):
        """Return the class-specific twin of a `torch.nn.Conv2d`: every class is a copy of it.

        Raises
        ------
        ValueError
            The convolution is not square, or changes the size, or has strides, groups, gaps
            between taps or another border than zeros.
        """
        size = conv.kernel_size[0]
        if not (
            type(conv) is nn.Conv2d
            and conv.kernel_size == (size, size)
            and size % 2 == 1
            and conv.padding in ((size // 2, size // 2), "same")
            and conv.padding_mode == "zeros"
            and conv.stride == conv.dilation == (1, 1)
            and conv.groups == 1
        ):
            raise ValueError(f"{conv} has no class-specific twin")
        channels = conv.in_channels, conv.out_channels
        layer = cls(*channels, size, num_classes, bias=conv.bias is not None).to(conv.weight)
        with torch.no_grad():
            layer.weight.copy_(conv.weight.expand_as(layer.weight))
            if layer.bias is not None:
                layer.bias.copy_(conv.bias.expand_as(layer.bias))
        return layer

    def _apply(self, function, recurse=True):
        # Module.to(memory_format=torch.channels_last) asks for it wherever there are five axes.
        def as_images(tensor):
            if tensor.ndim != 5:
                return function(tensor)
            applied = function(tensor.flatten(0, 1))
            return applied.unflatten(0, tensor.shape[:2]).contiguous()

        return super()._apply(as_images, recurse)

    def forward(self, x, classes):
        """Return ``cs_conv2d(x, weight, bias, classes)``."""
        return cs_conv2d(x, self.weight, self.bias, classes)

    def extra_repr(self):
        """Tell the sizes."""
        num_classes, out_channels, in_channels, size, _ = self.weight.shape
        return (
            f"{in_channels}, {out_channels}, kernel_size={size}, num_classes={num_classes}, "
            f"bias={self.bias is not None}"
        )
