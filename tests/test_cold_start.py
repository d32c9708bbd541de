"""Compilation: announced once, right on lesser processors, and possible without any cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import raisr

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
    folder = tmp_path_factory.mktemp("native")
    return run(folder), run(folder)


def test_compilation_is_announced_once_and_only_when_it_happens(native):
    (_, first), (_, second) = native
    assert first.count("compiling the kernels of raisr") == 1
    assert second == ""


@pytest.mark.parametrize("processor", ["haswell", "x86-64"])
def test_lesser_processors_give_the_same(native, processor, tmp_path):
    (expected, _), _ = native
    found, _ = run(tmp_path, NUMBA_CPU_NAME=processor, NUMBA_CPU_FEATURES="")
    np.testing.assert_array_equal(found["classes"], expected["classes"])
    np.testing.assert_allclose(found["out"], expected["out"], rtol=1e-3, atol=0.05)


def test_plain_numba_gives_the_same(native, tmp_path):
    (expected, _), _ = native
    run(tmp_path)  # kernels of the other kind in the cache are left alone
    found, said = run(tmp_path, RAISR_VECTOR="0")
    assert "compiling" in said
    assert str(expected["code"]) == "raisr._simd_hash"
    assert str(found["code"]) == "raisr.kernels.plain"
    assert np.mean(found["classes"] != expected["classes"]) < 1e-3
    np.testing.assert_allclose(found["out"], expected["out"], rtol=1e-3, atol=0.05)


def test_works_where_nothing_can_be_cached(native, tmp_path):
    (expected, _), _ = native
    package = Path(shutil.copytree(Path(raisr.__file__).parent, tmp_path / "raisr"))
    shutil.rmtree(package / "kernels" / "__pycache__", ignore_errors=True)
    (package / "kernels" / "__pycache__").write_text("a file where the folder should be")
    found, _ = run(
        tmp_path,
        PYTHONPATH=str(tmp_path),
        PYTHONDONTWRITEBYTECODE="1",
        NUMBA_CACHE_DIR="/dev/null/none",
        HOME="/dev/null",
        XDG_CACHE_HOME="/dev/null/none",
    )
    np.testing.assert_array_equal(found["out"], expected["out"])


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
