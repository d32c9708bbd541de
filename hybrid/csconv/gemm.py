"""Class-specific convolution by one matrix product per class, in plain PyTorch: any device."""

import torch
from torch.nn import functional

__all__ = ["backward", "by_tap", "check_range", "convolve"]

_PIXELS = 1 << 16


def check_range(classes, num_classes):
    """Refuse classes that there are no filters for."""
    low, high = (int(end) for end in classes.aminmax()) if classes.numel() else (0, 0)
    if low < 0 or high >= num_classes:
        raise ValueError(
            f"classes must be at least 0 and below num_classes = {num_classes}, "
            f"got {low if low < 0 else high}"
        )


def _groups(classes, num_classes):
    """Yield classes and the indices of their pixels, at most `_PIXELS` at once."""
    check_range(classes, num_classes)
    flat = classes.flatten().long()
    order, counts = torch.argsort(flat, stable=True), torch.bincount(flat, minlength=num_classes)
    for index, members in enumerate(order.split(counts.tolist())):
        for pixels in members.split(_PIXELS) if len(members) else ():
            yield index, pixels


class Taps:
    """Images with channels last and a border of zeros, and where the taps of a pixel lie."""

    def __init__(self, x, k):
        self.margin = k // 2
        images, _, self.height, self.width = x.shape
        self.padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, *[self.margin] * 4)).contiguous()
        _, rows, self.columns, _ = self.padded.shape
        index = torch.arange(images * rows * self.columns, device=x.device)
        index = index.view(images, rows, self.columns)
        self.first = index[:, : self.height, : self.width].flatten()
        tap = torch.arange(k, device=x.device)
        self.steps = (tap[:, None] * self.columns + tap).flatten()

    def indices(self, pixels):
        """Places of the taps of some pixels, (n, k * k)."""
        return self.first[pixels, None] + self.steps

    def read(self, pixels):
        """Taps of some pixels, (n, k * k * channels)."""
        return self.padded.flatten(0, 2)[self.indices(pixels)].flatten(1)

    def inside(self, padded, dtype):
        """Return images (B, C, H, W) without the border."""
        rows, columns = (slice(self.margin, self.margin + n) for n in (self.height, self.width))
        return padded[:, rows, columns].to(dtype).contiguous().permute(0, 3, 1, 2)


def by_tap(weight, dtype):
    """Return weights as matrices (classes, k * k * C_in, C_out)."""
    return weight.permute(0, 3, 4, 2, 1).flatten(1, 3).to(dtype)


def convolve(x, weight, bias, classes):
    """Return ``cs_conv2d``'s result."""
    images, _, height, width = x.shape
    taps, matrices = Taps(x, weight.shape[-1]), by_tap(weight, x.dtype)
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
    taps, matrices = Taps(x, k), by_tap(weight, x.dtype)
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
        x_gradient = taps.inside(x_gradient, x.dtype)
    if not wants_weight:
        return x_gradient, None, None
    weight_gradient = weight_gradient.view(num_classes, filters, k, k, channels)
    weight_gradient = weight_gradient.permute(0, 1, 4, 2, 3).contiguous()
    return x_gradient, weight_gradient.to(weight.dtype), bias_gradient.to(weight.dtype)
