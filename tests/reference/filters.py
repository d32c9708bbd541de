"""One linear filter per class."""

import numpy as np


def filter_image(planes, classes, filters, bias):
    """``out = bias[c] + sum(filters[c] * patch)``, c the class of the pixel; float64."""
    size = filters.shape[-1]
    margin = size // 2
    padded = np.stack([np.pad(np.asarray(p, np.float64), margin, mode="reflect") for p in planes])
    out = np.empty(classes.shape)
    for y, x in np.ndindex(*classes.shape):
        patch = padded[:, y : y + size, x : x + size]
        out[y, x] = bias[classes[y, x]] + (filters[classes[y, x]] * patch).sum()
    return out


def apply_bank(bank, image, guide=None):
    """Run every stage of a bank over an image in gray levels, with the library's class maps."""
    from raisr import hash_image

    out = image if guide is None else guide
    for index, stage in enumerate(bank.stages):
        classes = hash_image(np.asarray(out, np.float32), stage.spec, data_range=255)
        planes = [image] if index == 0 else [image, out]
        out = filter_image(planes, classes, stage.filters, stage.bias)
    return out
