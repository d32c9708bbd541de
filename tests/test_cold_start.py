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
from raisr.kernels import gram, micro
from tests.banks import CSCONV, random_bank
rng = np.random.default_rng(0)
image = rng.normal(128, 40, (70, 90)).astype(np.float32)
sums = raisr.NormalEquations(CSCONV, 1, 5)
sums.add([image], image[::-1], rng.integers(0, CSCONV.num_classes, image.shape), 2)
found = {"sums": sums.totals, "code": micro.class_row.__module__}
found["loaded"] = sum(gram.accumulate_classes.stats.cache_hits.values())
found["classes"] = raisr.hash_image(image, CSCONV, data_range=255)
found["out"] = random_bank(CSCONV, CSCONV).apply(image, data_range=255)
np.savez(sys.argv[1], **found)
"""
LESSER = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}


def run(folder, **environment):
    """Run the program for a lesser processor, in a process; its arrays, and what it said."""
    result = folder / "result.npz"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, result],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), **LESSER, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    with np.load(result) as arrays:
        return dict(arrays), done.stderr


@pytest.fixture(scope="module")
def lesser(tmp_path_factory):
    """The folder of a cache, and what two processes gave, one after the other."""
    folder = tmp_path_factory.mktemp("lesser")
    return folder, run(folder), run(folder)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the kernels of this processor give, of the cache that all tests share."""
    result = tmp_path_factory.mktemp("expected") / "result.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["-c", str(result)])
        exec(PROGRAM, {})
    with np.load(result) as arrays:
        return dict(arrays)


def assert_near(found, expected):
    """Sums and filtered pixels may be rounded otherwise."""
    scale = np.abs(expected["sums"]).max()
    np.testing.assert_allclose(found["sums"], expected["sums"], rtol=1e-5, atol=1e-6 * scale)
    np.testing.assert_allclose(found["out"], expected["out"], rtol=1e-3, atol=0.05)


def test_compilation_is_announced_once_and_only_when_it_happens(lesser):
    _, (first, said), (second, nothing) = lesser
    assert said.count("compiling the kernels of raisr") == 1
    assert nothing == ""
    assert (first["loaded"], second["loaded"]) == (0, 1)


def test_a_lesser_processor_gives_the_same(expected, lesser):
    _, (found, _), _ = lesser
    np.testing.assert_array_equal(found["classes"], expected["classes"])
    assert_near(found, expected)


@pytest.mark.parametrize("processor", ["haswell", "x86-64"])
def test_vector_code_of_lesser_processors(processor):
    """Each micro-kernel, compared with NumPy, where `tests/test_simd.py` runs those of this one."""
    program = """
from tests import test_simd as simd
code = simd.VECTOR
simd.test_filter_block(code, 7, 8, 1)
simd.test_filter_block(code, 11, 16, 2)
simd.test_phase_block(code, 7, 1, 1, 3, 0)
simd.test_profile_row(code, 8)
simd.test_copy_patch(code, 11, 16)
simd.test_rank_update(code, 8, 2, 7)
simd.test_product_row(code, 8)
simd.test_tensor_row(code, 8)
simd.test_class_row(code, 24)
simd.test_prefetch_takes_any_address(code)
simd.test_every_third_byte_is_read(code, 3, 1)
simd.test_three_channels_are_written_as_bytes(code, 3)
assert all(run.signatures for run in code.values())
"""
    environment = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, **environment})


def test_plain_numba_gives_the_same(lesser, expected, tmp_path):
    shutil.copytree(lesser[0] / "cache", tmp_path / "cache")  # kernels of the other kind
    found, _ = run(tmp_path, RAISR_VECTOR="0")
    assert found["loaded"] == 0
    assert str(expected["code"]) == "raisr._simd_hash"
    assert str(found["code"]) == "raisr.kernels.plain"
    assert np.mean(found["classes"] != expected["classes"]) < 1e-3
    assert_near(found, expected)


@pytest.mark.parametrize("layer", ["workqueue", "omp", "tbb"])
def test_python_threads_under_every_threading_layer(layer):
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
