"""Every public function in a second thread, and in a child forked after the parent used it."""

import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from raisr import (
    FilterBank,
    NormalEquations,
    denoise,
    estimate_sigma,
    gradient_statistics,
    hash_image,
    learn_filters,
)
from raisr.plotting import class_map_picture
from tests.banks import CSCONV, random_bank
from tests.images import noisy_scene, scene

IMAGE, CLEAN = noisy_scene((300, 1000)), scene((300, 1000)).astype(np.float32)
BANK = random_bank(CSCONV, CSCONV)
OPTIONS = {"data_range": 255, "num_threads": 2}


def summed():
    equations = NormalEquations("csconv", 1, 3)
    equations.add([IMAGE], CLEAN, hash_image(IMAGE, data_range=255), 2)
    return equations.solve()[0]


def learned():
    bank = learn_filters([(IMAGE, CLEAN)], "csconv", size=3, stages=2, **OPTIONS)
    return np.concatenate([stage.filters.ravel() for stage in bank.stages])


def saved():
    path = f"bank{os.getpid()}.safetensors"
    BANK.save(path)
    filters = FilterBank.load(path).stages[0].filters
    os.remove(path)
    return filters


FUNCTIONS = {
    "fast": lambda: denoise(IMAGE, 25, **OPTIONS),
    "best": lambda: denoise(IMAGE, model="best", **OPTIONS),
    "far": lambda: denoise(IMAGE.astype(np.float64) + 5000, 25, **OPTIONS),
    "apply": lambda: BANK.apply(IMAGE, CLEAN, **OPTIONS),
    "hash": lambda: class_map_picture(hash_image(IMAGE, **OPTIONS), "csconv"),
    "statistics": lambda: np.stack(gradient_statistics(IMAGE, **OPTIONS)),
    "estimate": lambda: np.array(estimate_sigma(IMAGE)),
    "equations": summed,
    "learn": learned,
    "file": saved,
}


def in_a_fork():
    """Run every function before and after `os.fork`; say which differ."""
    expected = {name: function() for name, function in FUNCTIONS.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads, of BLAS
        child = os.fork()
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    for name, function in FUNCTIONS.items():
        if not np.array_equal(function(), expected[name]):
            print(name, flush=True)
    os._exit(0)


def test_a_forked_child_gives_the_same(tmp_path):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    done = subprocess.run(
        [sys.executable, "-c", "from tests.test_processes import in_a_fork; in_a_fork()"],
        env={**os.environ, "PYTHONPATH": root},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_threads_side_by_side_give_the_same():
    functions = {name: function for name, function in FUNCTIONS.items() if name != "file"}
    expected = {name: function() for name, function in functions.items()}
    with ThreadPoolExecutor(3) as pool:
        running = [(name, pool.submit(f)) for _ in range(2) for name, f in functions.items()]
    for name, result in running:
        np.testing.assert_array_equal(result.result(), expected[name], err_msg=name)
