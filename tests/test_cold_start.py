"""Compilation: announced once, and right on lesser processors.

Without a cache: `tests/faults/test_conditions.py`.
"""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = """
import sys
import numpy as np
import raisr
from raisr.kernels import micro
image = np.random.default_rng(0).normal(128, 40, (70, 90)).astype(np.float32)
bank = raisr.learn_filters([(image, image[::-1])], size=5, stages=2, data_range=255, progress=False)
np.savez(sys.argv[1], code=micro.class_row.__module__,
         classes=raisr.hash_image(image, data_range=255),
         out=bank.apply(image, data_range=255), again=bank.apply(image, data_range=255))
"""


def run(folder, **environment):
    """Run the program in a process of its own; its arrays, and what it said on stderr."""
    result = folder / "result.npz"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, result],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    with np.load(result) as arrays:
        return dict(arrays), done.stderr


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """The folder of a cache, and what the first and the second process gave that used it."""
    folder = tmp_path_factory.mktemp("native")
    return folder, run(folder), run(folder)


@pytest.fixture(scope="module")
def expected(native):
    return native[1][0]


def test_compilation_is_announced_once_and_only_when_it_happens(native):
    _, (_, first), (_, second) = native
    assert first.count("compiling the kernels of raisr") == 1
    assert second == ""


@pytest.mark.parametrize("processor", ["haswell", "x86-64"])
def test_lesser_processors_give_the_same(expected, processor, tmp_path):
    found, _ = run(tmp_path, NUMBA_CPU_NAME=processor, NUMBA_CPU_FEATURES="")
    np.testing.assert_array_equal(found["classes"], expected["classes"])
    np.testing.assert_allclose(found["out"], expected["out"], rtol=1e-3, atol=0.05)


def test_plain_numba_gives_the_same(native, expected, tmp_path):
    shutil.copytree(native[0] / "cache", tmp_path / "cache")  # kernels of the other kind
    found, said = run(tmp_path, RAISR_VECTOR="0")
    assert "compiling" in said
    assert str(expected["code"]) == "raisr._simd_hash"
    assert str(found["code"]) == "raisr.kernels.plain"
    assert np.mean(found["classes"] != expected["classes"]) < 1e-3
    np.testing.assert_allclose(found["out"], expected["out"], rtol=1e-3, atol=0.05)


@pytest.mark.parametrize("layer", ["workqueue", "omp", "tbb"])
def test_python_threads_under_every_threading_layer(native, layer, tmp_path):
    program = f"""
import numpy as np, raisr
from concurrent.futures import ThreadPoolExecutor
from numba import config
config.THREADING_LAYER = {layer!r}
image = np.random.default_rng(0).normal(128, 40, (300, 300)).astype(np.float32)
denoise = lambda _: raisr.denoise(image, 25, data_range=255, num_threads=2)
with ThreadPoolExecutor(2) as pool:
    results = list(pool.map(denoise, range(8)))
assert all(np.array_equal(result, results[0]) for result in results)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
