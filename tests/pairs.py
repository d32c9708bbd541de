"""Pairs to learn from, and what a bank makes of them."""

import numpy as np

from raisr import HashSpec
from tests.images import noisy_scene, random_bytes, scene

FEW = HashSpec(orientations=4, strength_edges=(0.1,), coherence_edges=(0.2,), window=5)


def noise_pairs(count=3, shape=(48, 60)):
    """Inputs without correlation, so that filters are well determined, and blurred targets."""
    pairs = []
    for seed in range(count):
        image = random_bytes(shape, seed=seed)
        target = (image // 2 + np.roll(image, 1, axis=0) // 3 + 20 * (image > 128)).astype(np.uint8)
        pairs.append((image, target))
    return pairs


def scene_pairs(count=3, shape=(64, 80)):
    return [(noisy_scene(shape, seed=s), scene(shape, s).astype(np.float32)) for s in range(count)]


def mean_square_error(bank, pairs):
    return np.mean([(bank.apply(i, data_range=255) - t) ** 2 for i, t in pairs])


def blurred_pairs(count=3, shape=(96, 120)):
    """Inputs that moved 9 pixels along the rows while they were seen, and sharp targets."""
    pairs = []
    for seed in range(count):
        wide = scene((shape[0], shape[1] + 8), seed).astype(np.float32)
        blurred = np.mean([wide[:, i : i + shape[1]] for i in range(9)], axis=0)
        pairs.append((blurred, wide[:, 4:-4]))
    return pairs
