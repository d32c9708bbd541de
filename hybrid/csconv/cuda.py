"""Class-specific convolution on a GPU: Triton kernels over groups of pixels of one class.

Like `hybrid.csconv.gemm`, but taps are read where they lie. Every sum has one order, so that
results are the same bits every time.
"""

from contextlib import nullcontext

import torch
import triton
import triton.language as tl

from hybrid.csconv.gemm import by_tap
from hybrid.csconv.sorting import sorted_pixels

__all__ = ["backward", "convolve"]

_PIXELS = 128
_PART = 1024
_SUMS = 1024


@triton.jit
def _taps(source, place, dy, dx, channel, channels, height, width, inside):
    """Load channels of the neighbours of some pixels; zeros outside of the image."""
    y, x = place // width % height + dy, place % width + dx
    inside = inside & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    start = source + (place + dy * width + dx)[:, None] * channels
    mask = inside[:, None] & (channel < channels)[None, :]
    return tl.load(start + channel[None, :], mask=mask, other=0.0)


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
    classes,
    firsts,
    ends,
    height,
    width,
    channels,
    filters,
    k: tl.constexpr,
    pixels: tl.constexpr,
    block_in: tl.constexpr,
    block_out: tl.constexpr,
    precision: tl.constexpr,
):
    group = tl.program_id(0)
    c = tl.load(classes + group)
    index = tl.load(firsts + group) + tl.arange(0, pixels)
    inside = index < tl.load(ends + group)
    place = tl.load(order + index, mask=inside, other=0)
    column = tl.program_id(1) * block_out + tl.arange(0, block_out)
    total = tl.zeros((pixels, block_out), tl.float32)
    for tap in range(k * k):
        dy, dx = tap // k - k // 2, tap % k - k // 2
        for start in range(0, channels, block_in):
            channel = start + tl.arange(0, block_in)
            taps = _taps(source, place, dy, dx, channel, channels, height, width, inside)
            matrix = _weights(weight, c, tap, channel, column, channels, filters, k * k)
            total = tl.dot(taps, matrix, total, input_precision=precision)
    total += tl.load(bias + c * filters + column, mask=column < filters, other=0.0)[None, :]
    mask = inside[:, None] & (column < filters)[None, :]
    target = out + place[:, None] * filters + column[None, :]
    tl.store(target, total.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _spread(
    gradient,
    weight,
    out,
    order,
    classes,
    firsts,
    ends,
    height,
    width,
    channels,
    filters,
    k: tl.constexpr,
    pixels: tl.constexpr,
    block_in: tl.constexpr,
    block_out: tl.constexpr,
    precision: tl.constexpr,
):
    """Find what every pixel adds to the input's gradient under each of its taps."""
    group = tl.program_id(0)
    c = tl.load(classes + group)
    index = tl.load(firsts + group) + tl.arange(0, pixels)
    inside = index < tl.load(ends + group)
    place = tl.load(order + index, mask=inside, other=0)
    channel = tl.program_id(1) * block_in + tl.arange(0, block_in)
    mask = inside[:, None] & (channel < channels)[None, :]
    for tap in range(k * k):
        total = tl.zeros((pixels, block_in), tl.float32)
        for start in range(0, filters, block_out):
            column = start + tl.arange(0, block_out)
            part = _taps(gradient, place, 0, 0, column, filters, height, width, inside)
            matrix = _weights(weight, c, tap, channel, column, channels, filters, k * k)
            total = tl.dot(part, tl.trans(matrix), total, input_precision=precision)
        target = out + (place * (k * k) + tap)[:, None] * channels + channel[None, :]
        tl.store(target, total.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _fold(
    parts,
    out,
    count,
    height,
    width,
    channels,
    k: tl.constexpr,
    pixels: tl.constexpr,
    block_in: tl.constexpr,
):
    """Add up what the neighbours of every pixel add to it."""
    place = tl.program_id(0).to(tl.int64) * pixels + tl.arange(0, pixels)
    channel = tl.program_id(1) * block_in + tl.arange(0, block_in)
    inside = place < count
    total = tl.zeros((pixels, block_in), tl.float32)
    for tap in range(k * k):
        dy, dx = k // 2 - tap // k, k // 2 - tap % k
        start = parts + tap * channels
        row = k * k * channels
        y, x = place // width % height + dy, place % width + dx
        within = inside & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        mask = within[:, None] & (channel < channels)[None, :]
        neighbour = start + (place + dy * width + dx)[:, None] * row + channel[None, :]
        total += tl.load(neighbour, mask=mask, other=0.0).to(tl.float32)
    mask = inside[:, None] & (channel < channels)[None, :]
    target = out + place[:, None] * channels + channel[None, :]
    tl.store(target, total.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _correlate(
    source,
    gradient,
    out,
    order,
    classes,
    firsts,
    ends,
    height,
    width,
    channels,
    filters,
    k: tl.constexpr,
    pixels: tl.constexpr,
    block_in: tl.constexpr,
    block_out: tl.constexpr,
    precision: tl.constexpr,
):
    """Sum the gradient of weight under one tap, and of bias, over some pixels of a class."""
    part, tap = tl.program_id(0).to(tl.int64), tl.program_id(1)  # offsets may pass 32 bits
    blocks = tl.cdiv(channels, block_in)
    channel = tl.program_id(2) % blocks * block_in + tl.arange(0, block_in)
    column = tl.program_id(2) // blocks * block_out + tl.arange(0, block_out)
    dy, dx = tap // k - k // 2, tap % k - k // 2
    end = tl.load(ends + part)
    total = tl.zeros((block_in, block_out), tl.float32)
    sums = tl.zeros((block_out,), tl.float32)
    for start in range(tl.load(firsts + part), end, pixels):
        index = start + tl.arange(0, pixels)
        inside = index < end
        place = tl.load(order + index, mask=inside, other=0)
        taps = _taps(source, place, dy, dx, channel, channels, height, width, inside)
        gradients = _taps(gradient, place, 0, 0, column, filters, height, width, inside)
        total = tl.dot(tl.trans(taps), gradients, total, input_precision=precision)
        sums += tl.sum(gradients.to(tl.float32), 0)
    start = out + part * (k * k * channels + 1) * filters
    mask = (channel < channels)[:, None] & (column < filters)[None, :]
    matrix = start + tap * channels * filters
    tl.store(matrix + channel[:, None] * filters + column[None, :], total, mask=mask)
    bias = start + k * k * channels * filters
    writes = tl.where((tap == 0) & (tl.program_id(2) % blocks == 0), filters, 0)
    tl.store(bias + column, sums, mask=column < writes)


@triton.jit
def _add_parts(parts, out, first_parts, size, sums: tl.constexpr):
    """Add up the parts of a class in their order."""
    c = tl.program_id(0).to(tl.int64)
    index = tl.program_id(1) * sums + tl.arange(0, sums)
    total = tl.zeros((sums,), tl.float32)
    for part in range(tl.load(first_parts + c), tl.load(first_parts + c + 1)):
        total += tl.load(parts + part * size + index, mask=index < size, other=0.0)
    tl.store(out + c * size + index, total, mask=index < size)


def _block(channels):
    return min(64, max(16, triton.next_power_of_2(channels)))


class _Layer:
    def __init__(self, x, weight, classes):
        self.num_classes, self.filters, self.channels, self.k, _ = weight.shape
        self.images, _, self.height, self.width = x.shape
        self.source = x.permute(0, 2, 3, 1).contiguous()
        self.weight = by_tap(weight, x.dtype).contiguous()
        self.pixels = sorted_pixels(classes, self.num_classes, _PIXELS, _PART)
        self.sizes = self.height, self.width, self.channels, self.filters
        self.meta = {
            "k": self.k,
            "pixels": _PIXELS,
            "block_in": _block(self.channels),
            "block_out": _block(self.filters),
            # As torch's own convolutions.
            "precision": "tf32" if torch.backends.cudnn.allow_tf32 else "ieee",
        }
        self.blocks_in = triton.cdiv(self.channels, self.meta["block_in"])
        self.blocks_out = triton.cdiv(self.filters, self.meta["block_out"])

    def groups(self):
        return self.pixels.order, *self.pixels.groups[:3]

    def parts(self):
        return self.pixels.order, *self.pixels.parts[:3]


def convolve(x, weight, bias, classes):
    """Return ``cs_conv2d``'s result."""
    with _device_of(x):
        return _convolved(x, weight, bias, classes)


def _convolved(x, weight, bias, classes):
    layer = _Layer(x, weight, classes)
    out = x.new_empty(layer.images, layer.height, layer.width, layer.filters)
    bias = weight.new_zeros(weight.shape[:2]) if bias is None else bias.contiguous()
    if out.numel():
        arrays, groups = (layer.source, layer.weight, bias, out), layer.groups()
        _convolve[(len(groups[1]), layer.blocks_out)](*arrays, *groups, *layer.sizes, **layer.meta)
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
    out = torch.empty_like(layer.source)
    if out.numel():
        count, groups, meta = len(layer.pixels.order), layer.groups(), layer.meta
        parts = out.new_empty(count, layer.k**2, layer.channels)
        grid = len(groups[1]), layer.blocks_in
        _spread[grid](gradient, layer.weight, parts, *groups, *layer.sizes, **meta)
        grid = triton.cdiv(count, _PIXELS), layer.blocks_in
        shared = {name: meta[name] for name in ("k", "pixels", "block_in")}
        _fold[grid](parts, out, count, *layer.sizes[:3], **shared)
    return out.permute(0, 3, 1, 2)


def _weight_gradient(layer, gradient, weight):
    count, filters = layer.num_classes, layer.filters
    size = (layer.k**2 * layer.channels + 1) * filters
    total = gradient.new_zeros(count, size, dtype=torch.float32)
    if gradient.numel():
        parts = total.new_empty(len(layer.pixels.parts.classes), size)
        grid = len(parts), layer.k**2, layer.blocks_in * layer.blocks_out
        arrays = layer.source, gradient, parts
        _correlate[grid](*arrays, *layer.parts(), *layer.sizes, **layer.meta)
        grid = count, triton.cdiv(size, _SUMS)
        _add_parts[grid](parts, total, layer.pixels.parts.first_groups, size, sums=_SUMS)
    matrices, bias = total.view(count, -1, filters).split([layer.k**2 * layer.channels, 1], 1)
    of_weight = matrices.unflatten(1, (layer.k, layer.k, layer.channels)).permute(0, 4, 3, 1, 2)
    return of_weight.to(weight.dtype).contiguous(), bias[:, 0].to(weight.dtype)
