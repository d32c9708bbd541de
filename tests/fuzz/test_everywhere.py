"""Every public function again: in threads side by side, and in a child forked after its use."""

import contextlib
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import dask
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.calls import CALLS
from tests.fuzz.test_public import attempt, outcome, same

_DRAWN = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


WITHOUT_RESULT = "hybrid.export"  # takes seconds for each file, and has tests of its own


class _Enough(Exception):
    pass


def calls_of(name):
    """Return (name, call, its result) of a public name, at most twice; not where it refuses."""
    taken = []

    @_DRAWN
    @given(st.data())
    def draw(data):
        call = CALLS[name](data.draw)
        found = outcome(name, call, call.arrays)
        if not isinstance(found, type):
            taken.append((name, call, found))
        if len(taken) > 1:
            raise _Enough

    with contextlib.suppress(_Enough):
        draw()
    assert taken or name == WITHOUT_RESULT
    return taken[:2]


def differs(name, call, expected):
    """Tell whether a call gives another result than before."""
    try:
        same(attempt(name, call, [np.array(array) for array in call.arrays]), expected)
    except AssertionError:
        return True
    return False


def again():
    """Make every call, then all in threads, then after `os.fork`; print what differs."""
    calls = [call for name in CALLS for call in calls_of(name)]
    warnings.simplefilter("ignore")
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda call: differs(*call), calls * 2))
    print(*(f"{name} in a thread" for (name, *_), bad in zip(calls * 2, found, strict=True) if bad))
    sys.stdout.flush()
    if child := os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    with dask.config.set(scheduler="synchronous"):  # dask's own pool does not outlive a fork
        print(*(f"{call[0]} in a child" for call in calls if differs(*call)), flush=True)
    os._exit(0)


def test_threads_and_children(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from tests.fuzz.test_everywhere import again; again()"],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stdout + done.stderr
