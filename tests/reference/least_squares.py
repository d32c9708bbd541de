"""Least-squares filters of every class, learned from all samples at once."""

import numpy as np


def eight_views(image):
    """The rotations and flips of an image."""
    turned = [np.rot90(image, turns) for turns in range(4)]
    return turned + [np.fliplr(view) for view in turned]


def patches(planes, size):
    """Taps of every pixel, (pixels, planes * size**2)."""
    margin = size // 2
    columns = []
    for plane in planes:
        padded = np.pad(np.asarray(plane, np.float64), margin, mode="reflect")
        views = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
        columns.append(views.reshape(-1, size * size))
    return np.concatenate(columns, axis=1)


def solve(samples, num_classes, size):
    """Filters and biases that minimise each class's squared error.

    `samples` is a list of (planes, target, classes); a class without samples gets NaN.
    """
    taps = np.concatenate([patches(planes, size) for planes, _, _ in samples])
    target = np.concatenate([np.ravel(target) for _, target, _ in samples]).astype(np.float64)
    classes = np.concatenate([np.ravel(classes) for _, _, classes in samples])
    design = np.concatenate([taps, np.ones((len(taps), 1))], axis=1)
    solution = np.full((num_classes, design.shape[1]), np.nan)
    for c in np.unique(classes):
        members = classes == c
        solution[c] = np.linalg.lstsq(design[members], target[members], rcond=None)[0]
    filters = solution[:, :-1].reshape(num_classes, -1, size, size)
    return filters, solution[:, -1]
