"""What every test shares: the hypothesis profiles and the rule for tests that need image sets."""

import fcntl
import gc
import os
import signal
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import matplotlib
import numpy as np
import pytest

from tests import forkserver

matplotlib.use("Agg")

# A run in the background of a shell ignores Ctrl-C, and so would what the tests interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


LONGEST = "tests/hybrid/test_exporting.py"

collect_ignore = []
if find_spec("torch") is None:
    collect_ignore += [
        "comparisons",
        "faults/mixed.py",
        "faults/test_mixed.py",
        "fuzz/calls.py",
        "fuzz/test_everywhere.py",
        "fuzz/test_found_networks.py",
        "fuzz/test_public.py",
        "golden_outputs.py",
        "hybrid",
        "reference/csconv.py",
        "test_golden.py",
        "test_packaging.py",
    ]
if not (Path(__file__).parents[1] / "docs").is_dir():  # only the wheel is there: see outside.py
    collect_ignore += [
        "benchmarks",
        "test_audit.py",
        "test_docs.py",
        "test_examples.py",
        "test_licences.py",
        "test_long_runs.py",
        "test_mutants.py",
        "test_packaging.py",
        "test_readme.py",
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests: at the end, other workers would wait for them.

    Skip the tests marked `data` where RAISR_DATA is not set.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    if os.environ.get("RAISR_DATA"):
        return
    skip = pytest.mark.skip(reason="RAISR_DATA is not set")
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not among imports: there is much, and little of it is any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_unconfigure() -> None:
    """At the end, it is garbage as well."""
    gc.unfreeze()


@pytest.fixture
def data_dir() -> Path:
    """Folder of the image sets; only for tests marked `data`."""
    return Path(os.environ["RAISR_DATA"])


@pytest.fixture(scope="session")
def compiled():
    """Compile what commands use: one that does says so, and needs memory and disk for it."""
    import raisr

    gray = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    colour = np.stack([gray, gray[::-1], gray[:, ::-1]], axis=-1)
    for image, axis in ((gray, None), (colour, -1)):
        for sigma in (20, None):
            for model in ("fast", "best"):
                raisr.denoise(image, sigma, model=model, channel_axis=axis)
        raisr.upscale(image, 2, channel_axis=axis)


@pytest.fixture(scope="session")
def forked_workers():
    """Have the workers of dask's clusters forked, not started anew: seconds less each."""
    import dask

    forkserver.start()
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Return a function that gives the ONNX file of some weights; it is written once a run."""
    from hybrid.exporting import export_weights

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # all workers share it

    def file_of(name: str) -> Path:
        path = folder / f"{name}.onnx"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                export_weights(name, path)
        return path

    return file_of
