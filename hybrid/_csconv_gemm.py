"""Class-specific convolution by one matrix product per class, in plain PyTorch: any device."""

import torch
from torch.nn import functional

__all__ = ["backward", "convolve"]

_PIXELS = 1 << 16


def _groups(classes, num_classes):
    """Yield classes and the indices of their pixels, at most `_PIXELS` at once."""
    if not classes.numel():
        return
    flat = classes.flatten().long()
    order = torch.argsort(flat, stable=True)
    low, high = (int(end) for end in flat.aminmax())
    if low < 0 or high >= num_classes:
        bad = low if low < 0 else high
        raise ValueError(
            f"classes must be at least 0 and below num_classes = {num_classes}, got {bad}"
        )
    counts = torch.bincount(flat, minlength=num_classes).tolist()
    for index, members in enumerate(order.split(counts)):
        for pixels in members.split(_PIXELS) if len(members) else ():
            yield index, pixels


class _Taps:
    """The pixels under every tap, as rows of a zero-padded image with channels last."""

    def __init__(self, x, k):
        margin = k // 2
        images, _, height, width = x.shape
        self.padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, *[margin] * 4))
        rows, columns = height + 2 * margin, width + 2 * margin
        index = torch.arange(images * rows * columns, device=x.device).view(images, rows, columns)
        self.first = index[:, :height, :width].flatten()
        tap = torch.arange(k, device=x.device)
        self.steps = (tap[:, None] * columns + tap).flatten()
        self.inside = slice(margin, margin + height), slice(margin, margin + width)

    def indices(self, pixels):
        return self.first[pixels, None] + self.steps

    def read(self, pixels):
        """Taps of some pixels, (n, k * k * channels)."""
        return self.padded.flatten(0, 2)[self.indices(pixels)].flatten(1)


def _matrices(weight, dtype):
    return weight.permute(0, 3, 4, 2, 1).flatten(1, 3).to(dtype)


def convolve(x, weight, bias, classes):
    """Return ``cs_conv2d``'s result."""
    images, _, height, width = x.shape
    taps, matrices = _Taps(x, weight.shape[-1]), _matrices(weight, x.dtype)
    out = x.new_empty(images, height, width, weight.shape[1])
    rows = out.flatten(0, 2)
    for index, pixels in _groups(classes, len(weight)):
        product = taps.read(pixels) @ matrices[index]
        rows[pixels] = product if bias is None else product + bias[index].to(x.dtype)
    return out.permute(0, 3, 1, 2)


def backward(gradient, x, weight, classes, wants_x, wants_weight):
    """Return the gradients of x, weight and bias; those not wanted are None."""
    num_classes, filters, channels, k, _ = weight.shape
    total = torch.promote_types(x.dtype, torch.float32)
    taps, matrices = _Taps(x, k), _matrices(weight, x.dtype)
    gradients = gradient.to(x.dtype).permute(0, 2, 3, 1).flatten(0, 2)
    x_gradient = torch.zeros_like(taps.padded, dtype=total) if wants_x else None
    weight_gradient = weight.new_zeros(num_classes, filters, k * k * channels, dtype=total)
    bias_gradient = weight.new_zeros(num_classes, filters, dtype=total)
    for index, pixels in _groups(classes, num_classes):
        part = gradients[pixels]
        if wants_weight:
            weight_gradient[index] += part.T.to(total) @ taps.read(pixels).to(total)
            bias_gradient[index] += part.sum(0, dtype=total)
        if wants_x:
            spread = (part @ matrices[index].T).view(-1, k * k, channels)
            # Tap by tap no two pixels share a target: no addition depends on an order.
            for tap, target in enumerate(taps.indices(pixels).T):
                x_gradient.view(-1, channels)[target] += spread[:, tap]
    if wants_x:
        rows, columns = taps.inside
        x_gradient = x_gradient[:, rows, columns].to(x.dtype).contiguous().permute(0, 3, 1, 2)
    if not wants_weight:
        return x_gradient, None, None
    weight_gradient = weight_gradient.view(num_classes, filters, k, k, channels)
    weight_gradient = weight_gradient.permute(0, 1, 4, 2, 3).contiguous()
    return x_gradient, weight_gradient.to(weight.dtype), bias_gradient.to(weight.dtype)
