"""Class-specific convolution on a GPU: Triton kernels over groups of pixels of one class.

Like `hybrid.csconv.gemm`, but taps are read where they lie, and nothing is stored in between.
Every sum has one order, so that results are the same bits every time.
"""

from contextlib import nullcontext
from typing import NamedTuple

import torch
import triton
import triton.language as tl

from hybrid.csconv.gemm import Taps, by_tap, sort_by_class

__all__ = ["backward", "convolve"]

_PIXELS = 64
_PART = 2048
_SUMS = 1024


@triton.jit
def _taps(source, base, tap, channel, row, channels, inside, k: tl.constexpr):
    """Load the channels under one tap of some pixels."""
    place = base + tap // k * row + tap % k
    mask = inside[:, None] & (channel < channels)[None, :]
    return tl.load(source + place[:, None] * channels + channel[None, :], mask=mask, other=0.0)


@triton.jit
def _weights(weight, c, tap, rows, columns, num_rows, num_columns, taps: tl.constexpr):
    """Load the matrix of one tap of one class."""
    start = weight + (c * taps + tap) * num_rows * num_columns
    mask = (rows < num_rows)[:, None] & (columns < num_columns)[None, :]
    return tl.load(start + rows[:, None] * num_columns + columns[None, :], mask=mask, other=0.0)


@triton.jit
def _convolve(
    source,
    weight,
    bias,
    out,
    order,
    bases,
    classes,
    firsts,
    ends,
    row,
    channels,
    filters,
    k: tl.constexpr,
    pixels: tl.constexpr,
    block_in: tl.constexpr,
    block_out: tl.constexpr,
):
    group = tl.program_id(0)
    c = tl.load(classes + group)
    index = tl.load(firsts + group) + tl.arange(0, pixels)
    inside = index < tl.load(ends + group)
    base = tl.load(bases + index, mask=inside, other=0)
    column = tl.program_id(1) * block_out + tl.arange(0, block_out)
    total = tl.zeros((pixels, block_out), tl.float32)
    for tap in range(k * k):
        for start in range(0, channels, block_in):
            channel = start + tl.arange(0, block_in)
            taps = _taps(source, base, tap, channel, row, channels, inside, k)
            matrix = _weights(weight, c, tap, channel, column, channels, filters, k * k)
            total = tl.dot(taps, matrix, total, input_precision="ieee")
    total += tl.load(bias + c * filters + column, mask=column < filters, other=0.0)[None, :]
    pixel = tl.load(order + index, mask=inside, other=0)
    mask = inside[:, None] & (column < filters)[None, :]
    target = out + pixel[:, None] * filters + column[None, :]
    tl.store(target, total.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _spread(
    gradient,
    weight,
    out,
    order,
    bases,
    classes,
    firsts,
    ends,
    row,
    channels,
    filters,
    tap,
    k: tl.constexpr,
    pixels: tl.constexpr,
    block_in: tl.constexpr,
    block_out: tl.constexpr,
):
    """Add to the input's gradient under one tap: no two pixels share a target there."""
    group = tl.program_id(0)
    c = tl.load(classes + group)
    index = tl.load(firsts + group) + tl.arange(0, pixels)
    inside = index < tl.load(ends + group)
    pixel = tl.load(order + index, mask=inside, other=0)
    channel = tl.program_id(1) * block_in + tl.arange(0, block_in)
    total = tl.zeros((pixels, block_in), tl.float32)
    for start in range(0, filters, block_out):
        column = start + tl.arange(0, block_out)
        part = _taps(gradient, pixel, 0, column, 0, filters, inside, 1)
        matrix = _weights(weight, c, tap, channel, column, channels, filters, k * k)
        total = tl.dot(part, tl.trans(matrix), total, input_precision="ieee")
    place = tl.load(bases + index, mask=inside, other=0) + tap // k * row + tap % k
    target = out + place[:, None] * channels + channel[None, :]
    mask = inside[:, None] & (channel < channels)[None, :]
    tl.store(target, tl.load(target, mask=mask, other=0.0) + total, mask=mask)


@triton.jit
def _correlate(
    source,
    gradient,
    out,
    order,
    bases,
    firsts,
    ends,
    row,
    channels,
    filters,
    k: tl.constexpr,
    pixels: tl.constexpr,
    block_in: tl.constexpr,
    block_out: tl.constexpr,
):
    """Sum the weight's gradient under one tap over a part of the pixels of a class."""
    part, tap = tl.program_id(0).to(tl.int64), tl.program_id(1)  # offsets may pass 32 bits
    blocks = tl.cdiv(channels, block_in)
    channel = tl.program_id(2) % blocks * block_in + tl.arange(0, block_in)
    column = tl.program_id(2) // blocks * block_out + tl.arange(0, block_out)
    end = tl.load(ends + part)
    total = tl.zeros((block_in, block_out), tl.float32)
    for start in range(tl.load(firsts + part), end, pixels):
        index = start + tl.arange(0, pixels)
        inside = index < end
        base = tl.load(bases + index, mask=inside, other=0)
        pixel = tl.load(order + index, mask=inside, other=0)
        taps = _taps(source, base, tap, channel, row, channels, inside, k)
        gradients = _taps(gradient, pixel, 0, column, 0, filters, inside, 1)
        total = tl.dot(tl.trans(taps), gradients, total, input_precision="ieee")
    start = out + (part * k * k + tap) * channels * filters
    mask = (channel < channels)[:, None] & (column < filters)[None, :]
    tl.store(start + channel[:, None] * filters + column[None, :], total, mask=mask)


@triton.jit
def _add_parts(parts, out, first_parts, size, sums: tl.constexpr):
    """Add up the parts of a class in their order."""
    c = tl.program_id(0).to(tl.int64)
    index = tl.program_id(1) * sums + tl.arange(0, sums)
    total = tl.zeros((sums,), tl.float32)
    for part in range(tl.load(first_parts + c), tl.load(first_parts + c + 1)):
        total += tl.load(parts + part * size + index, mask=index < size, other=0.0)
    tl.store(out + c * size + index, total, mask=index < size)


class _Groups(NamedTuple):
    classes: torch.Tensor
    firsts: torch.Tensor
    ends: torch.Tensor
    first_groups: torch.Tensor


def _groups(counts, length):
    """Cut the sorted pixels of every class to groups of at most `length`."""
    ends = counts.cumsum(0)
    numbers = (counts + length - 1) // length
    first_groups = torch.cat([numbers.new_zeros(1), numbers.cumsum(0)])
    classes = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), numbers)
    within = torch.arange(len(classes), device=counts.device) - first_groups[classes]
    firsts = (ends - counts)[classes] + within * length
    return _Groups(classes, firsts, torch.minimum(firsts + length, ends[classes]), first_groups)


def _block(channels):
    return min(64, max(16, triton.next_power_of_2(channels)))


class _Layer:
    def __init__(self, x, weight, classes):
        self.num_classes, self.filters, self.channels, self.k, _ = weight.shape
        self.taps = Taps(x, self.k)
        self.weight = by_tap(weight, x.dtype).contiguous()
        self.order, self.counts = sort_by_class(classes, self.num_classes)
        self.bases = self.taps.first[self.order]
        self.sizes = self.taps.columns, self.channels, self.filters
        self.meta = {
            "k": self.k,
            "pixels": _PIXELS,
            "block_in": _block(self.channels),
            "block_out": _block(self.filters),
        }
        self.blocks_in = triton.cdiv(self.channels, self.meta["block_in"])
        self.blocks_out = triton.cdiv(self.filters, self.meta["block_out"])

    def pixels(self):
        return self.order, self.bases, *_groups(self.counts, _PIXELS)[:3]


def convolve(x, weight, bias, classes):
    """Return ``cs_conv2d``'s result."""
    with _device_of(x):
        return _convolved(x, weight, bias, classes)


def _convolved(x, weight, bias, classes):
    layer = _Layer(x, weight, classes)
    images, _, height, width = x.shape
    out = x.new_empty(images, height, width, layer.filters)
    bias = weight.new_zeros(weight.shape[:2]) if bias is None else bias.contiguous()
    pixels = layer.pixels()
    if grid := len(pixels[-1]):
        arrays = layer.taps.padded, layer.weight, bias, out
        _convolve[(grid, layer.blocks_out)](*arrays, *pixels, *layer.sizes, **layer.meta)
    return out.permute(0, 3, 1, 2)


def backward(gradient, x, weight, classes, wants_x, wants_weight):
    """Return the gradients of x, weight and bias; those not wanted are None."""
    with _device_of(x):
        layer = _Layer(x, weight, classes)
        gradient = gradient.to(x.dtype).permute(0, 2, 3, 1).contiguous()
        return (
            _input_gradient(layer, gradient) if wants_x else None,
            *(_weight_gradient(layer, gradient, weight) if wants_weight else (None, None)),
        )


def _device_of(x):
    """Triton launches on the current device, which may not be that of x."""
    return torch.cuda.device(x.device) if x.is_cuda else nullcontext()


def _input_gradient(layer, gradient):
    out = torch.zeros_like(layer.taps.padded, dtype=torch.float32)
    pixels = layer.pixels()
    arrays, grid = (gradient, layer.weight, out), (len(pixels[-1]), layer.blocks_in)
    for tap in range(layer.k**2 if grid[0] else 0):
        _spread[grid](*arrays, *pixels, *layer.sizes, tap, **layer.meta)
    return layer.taps.inside(out, gradient.dtype)


def _weight_gradient(layer, gradient, weight):
    groups = _groups(layer.counts, _PART)
    size = layer.k**2 * layer.channels * layer.filters
    parts = gradient.new_empty(len(groups.classes), size, dtype=torch.float32)
    total = gradient.new_zeros(layer.num_classes, size, dtype=torch.float32)
    if len(parts):
        arrays = layer.taps.padded, gradient, parts
        pixels = layer.order, layer.bases, groups.firsts, groups.ends
        grid = len(parts), layer.k**2, layer.blocks_in * layer.blocks_out
        _correlate[grid](*arrays, *pixels, *layer.sizes, **layer.meta)
        grid = layer.num_classes, triton.cdiv(size, _SUMS)
        _add_parts[grid](parts, total, groups.first_groups, size, sums=_SUMS)
    total = total.view(layer.num_classes, layer.k, layer.k, layer.channels, layer.filters)
    rows = gradient.flatten(0, 2)[layer.order].float().split(layer.counts.tolist())
    bias = torch.stack([part.sum(0) for part in rows])
    return total.permute(0, 4, 3, 1, 2).to(weight.dtype).contiguous(), bias.to(weight.dtype)
