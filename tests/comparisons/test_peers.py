"""The networks against sums of SciPy correlations."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy import ndimage

pytest.importorskip("torch", reason="torch is an optional peer")

from comparisons.measure.methods import METHODS
from comparisons.measure.peers import colour_ffdnet, denoise_plane, load
from comparisons.measure.protocol import PROTOCOLS
from raisr.noise import Sample


def random_weights(folder, stem, channels):
    rng = np.random.default_rng(0)
    tensors = {}
    for index, (inputs, outputs) in enumerate(itertools.pairwise(channels)):
        shape = outputs, inputs, 3, 3
        tensors[f"conv{index:02d}.weight"] = rng.normal(0, 0.2, shape).astype(np.float32)
        tensors[f"conv{index:02d}.bias"] = rng.normal(0, 0.2, outputs).astype(np.float32)
    save_file(tensors, folder / f"{stem}.safetensors")
    return tensors


def convolutions(planes, tensors):
    count = len(tensors) // 2
    for index in range(count):
        weight, bias = tensors[f"conv{index:02d}.weight"], tensors[f"conv{index:02d}.bias"]
        planes = [
            offset + sum(map(lambda p, w: ndimage.correlate(p, w, mode="constant"), planes, kernel))
            for kernel, offset in zip(weight, bias, strict=True)
        ]
        if index < count - 1:
            planes = [np.maximum(plane, 0) for plane in planes]
    return planes


@pytest.fixture
def plane():
    return np.random.default_rng(1).uniform(0, 255, (9, 11)).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    load.cache_clear()
    monkeypatch.setenv("RAISR_PEERS", str(tmp_path))
    return tmp_path


def test_dncnn_takes_the_predicted_noise_away(folder, plane):
    tensors = random_weights(folder, "dncnn_25", (1, 4, 4, 1))
    wanted = plane - 255 * convolutions([plane / 255], tensors)[0]
    np.testing.assert_allclose(denoise_plane(plane, 25, "dncnn_25", 1), wanted, atol=1e-3)


def test_ffdnet_works_on_four_phases_and_a_map_of_sigma(folder, plane):
    tensors = random_weights(folder, "ffdnet_gray", (5, 3, 4, 4))
    even = np.pad(plane / 255, ((0, 1), (0, 1)), mode="edge")
    phases = [even[y::2, x::2] for y in (0, 1) for x in (0, 1)]
    out = convolutions([*phases, np.full_like(phases[0], 25 / 255)], tensors)
    wanted = np.empty_like(even)
    for phase, (y, x) in zip(out, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
        wanted[y::2, x::2] = phase
    found = denoise_plane(plane, 25, "ffdnet_gray", 1)
    np.testing.assert_allclose(found, 255 * wanted[:9, :11], atol=1e-3)


def test_one_thread_is_one_in_a_worker_too(folder):
    random_weights(folder, "dncnn_25", (1, 64, 64, 1))
    plane = np.zeros((300, 300), np.float32)

    def share_of_others():
        process, thread = time.process_time(), time.thread_time()
        denoise_plane(plane, 25, "dncnn_25", 1)
        return (time.process_time() - process) / (time.thread_time() - thread) - 1

    with ThreadPoolExecutor(1) as pool:
        shares = [pool.submit(share_of_others).result() for _ in range(4)]
    assert min(shares[1:]) < 0.3  # the first call loads; other threads of the process may be busy


@pytest.mark.parametrize(
    ("row", "stem", "channels", "multiplications"),
    [
        ("dncnn", "dncnn_25", (1, 4, 4, 1), 9 * (4 + 16 + 4)),
        ("ffdnet", "ffdnet_gray", (5, 3, 4, 4), 9 * (15 + 12 + 16) / 4),
    ],
)
def test_a_row_of_the_tables(folder, plane, row, stem, channels, multiplications):
    standard = PROTOCOLS["standard"]
    assert METHODS[row].build(standard, 25.0) is None
    random_weights(folder, stem, channels)
    denoiser = METHODS[row].build(standard, 25.0)
    assert denoiser.kflops == pytest.approx(2 * multiplications / 1000)
    found = denoiser.run(Sample(plane, plane, 255, 25.0, "gaussian"))
    np.testing.assert_array_equal(found, denoise_plane(plane, 25.0, stem, 1))


def test_ffdnet_for_colours_has_its_layers():
    network = colour_ffdnet()
    assert sum(parameter.numel() for parameter in network.parameters()) == 852_108  # as released
    image = network.layers[0].weight.new_zeros(1, 3, 7, 10)
    assert network(image, 0.1).shape == image.shape
