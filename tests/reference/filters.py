"""One linear filter per class."""

import numpy as np

from raisr import hash_image


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


def apply_stage(stage, planes, guide):
    """Filter the planes with the library's classes of the guide, all on 0..255."""
    classes = hash_image(np.asarray(guide, np.float32), stage.spec, data_range=255)
    return filter_image(planes, classes, stage.filters, stage.bias)
