"""Structure tensor and gradient statistics."""

import numpy as np


def window_weights(spec):
    """Weights of the averaging window, (window, window), sum 1."""
    offsets = np.arange(spec.window) - spec.window // 2
    line = np.ones(spec.window)
    if spec.weighting == "gaussian":
        line = np.exp(-(offsets**2) / (2 * spec.gaussian_sigma**2))
    weights = np.outer(line, line)
    return weights / weights.sum()


def windowed(plane, weights):
    """Weighted sum over the window around every pixel that has a whole one."""
    views = np.lib.stride_tricks.sliding_window_view(plane, weights.shape)
    return (views * weights).sum(axis=(-2, -1))


def differences(plane, spec):
    """Doubled central differences along rows and columns, with the margin of the window."""
    margin = spec.window // 2 + 1 + (spec.presmooth > 0)
    padded = np.pad(plane, margin, mode="reflect")
    if spec.presmooth > 0:
        line = np.array([spec.presmooth, 1 - 2 * spec.presmooth, spec.presmooth])
        padded = windowed(padded, np.outer(line, line))
    along_rows = padded[2:, 1:-1] - padded[:-2, 1:-1]
    along_columns = padded[1:-1, 2:] - padded[1:-1, :-2]
    return along_rows, along_columns


def structure_tensor(image, spec, white):
    """Mean of the products of the differences of the image on [0, 1]; (H, W, 2, 2) float64."""
    plane = np.asarray(image, np.float64) / white * spec.strength_scale
    gradients = np.stack(differences(plane, spec)) / 2
    products = gradients[:, None] * gradients[None, :]
    weights = window_weights(spec)
    tensor = [[windowed(product, weights) for product in row] for row in products]
    return np.moveaxis(np.array(tensor), (0, 1), (2, 3))


def statistics(image, spec, white):
    """Orientation, strength and coherence of every pixel by eigenanalysis, float64."""
    values, vectors = np.linalg.eigh(structure_tensor(image, spec, white))
    small, large = np.maximum(values[..., 0], 0), np.maximum(values[..., 1], 0)
    along_rows, along_columns = vectors[..., 0, 1], vectors[..., 1, 1]
    orientation = np.arctan2(along_columns, along_rows) / np.pi % 1
    orientation[large == small] = 0
    strength = np.sqrt(large) if spec.strength == "sqrt" else large
    total = np.sqrt(large) + np.sqrt(small)
    coherence = (np.sqrt(large) - np.sqrt(small)) / np.where(total > 0, total, 1)
    return orientation, strength, coherence
