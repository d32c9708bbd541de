"""Small synthetic images, and noise."""

import numpy as np

from raisr.noise import add_gaussian_noise


def scene(shape=(64, 80), seed=0):
    """Discs and stripes over a ramp: every kind of class; (H, W) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 60.0 + 100 * x / shape[1]
    for _ in range(10):
        centre, radius = rng.uniform(0, shape, 2), rng.uniform(3, 16)
        disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
        image[disc] = rng.uniform(0, 255)
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(0.3, 1.2)
    stripes = 30 * np.sin(pitch * (y * np.cos(angle) + x * np.sin(angle)))
    image[y > shape[0] // 2] += stripes[y > shape[0] // 2]
    return image.clip(0, 255).round().astype(np.uint8)


def colour_scene(shape=(150, 131)):
    """A `scene` for each of three channels; (H, W, 3) uint8."""
    return np.stack([scene(shape, seed) for seed in range(3)], axis=-1)


def random_bytes(shape=(40, 50), levels=256, seed=0):
    """Independent uniform gray levels; (H, W) uint8."""
    return np.random.default_rng(seed).integers(0, levels, shape).astype(np.uint8)


def noisy_scene(shape=(64, 80), sigma=25, seed=0):
    """`scene` with Gaussian noise, on 0..255; (H, W) float32."""
    return add_gaussian_noise(scene(shape, seed), sigma, seed=[seed, 1])
