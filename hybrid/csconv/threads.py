"""Work in the threads of PyTorch.

They spin for some milliseconds after each piece of work, and threads of our own would have to
fight with them for the cores: on two cores a training step of CS-EDSR16 takes 0.17 s so, and 0.29 s
with a pool of threads; 512 x 512 pixels forward take 0.46 s, and 0.58 s.
"""

import ctypes
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch

__all__ = ["mend_after_fork", "run"]

_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@cache
def _parallel():
    """Return OpenMP's call of a function in every thread of a team, or None."""
    libraries = Path(torch.__file__).parent.glob("lib/libtorch_cpu.*")
    for library in libraries if torch.backends.openmp.is_available() else ():
        try:
            parallel = ctypes.CDLL(str(library)).GOMP_parallel
        except (OSError, AttributeError):
            continue
        parallel.argtypes = _FUNCTION, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint
        parallel.restype = None
        return parallel
    return None


_LONGEST_END = 0.1  # seconds; threads that are not Python's may be at work for longer


def _let_threads_end():
    """Wait until threads that ended for Python have ended for the system.

    They free the memory that MKL kept for them, under a lock for which a child that is forked
    meanwhile would wait for ever.
    """
    latest = time.monotonic() + _LONGEST_END
    while any(map(_runs, _system_threads() - _python_threads())) and time.monotonic() < latest:
        time.sleep(1e-3)


def _python_threads():
    return {thread.native_id for thread in threading.enumerate()}


def _system_threads():
    try:
        return {int(name) for name in os.listdir("/proc/self/task")}
    except OSError:  # no Linux
        return set()


def _runs(thread):
    """Tell whether a thread of this process is at work, rather than waiting or gone."""
    try:
        state = Path(f"/proc/self/task/{thread}/stat").read_bytes().rpartition(b") ")[2]
    except OSError:
        return False
    return state.startswith((b"R", b"D"))


_state = {"forked": False}
# PyTorch's threads do not survive a fork, and OpenMP does not notice.
os.register_at_fork(before=_let_threads_end, after_in_child=lambda: _state.update(forked=True))


def mend_after_fork():
    """In a process that was forked, make PyTorch work in one thread: its others are gone."""
    if _state["forked"] and torch.get_num_threads() > 1:
        torch.set_num_threads(1)


def run(jobs):
    """Call functions, in as many threads as PyTorch uses; return their results in any order."""
    waiting, results, errors = iter(list(jobs)), [], []

    def work(_=None):
        try:
            for job in waiting:  # a step of a list's iterator is atomic: every job is done once
                results.append(job())
        except BaseException as error:  # raised again below: nothing can be raised through C
            errors.append(error)

    num_threads = 1 if _state["forked"] else min(torch.get_num_threads(), len(jobs))
    if num_threads < 2:
        work()
    elif parallel := _parallel():
        parallel(_FUNCTION(work), None, num_threads, 0)
    else:
        with ThreadPoolExecutor(num_threads) as pool:
            for _ in range(num_threads):
                pool.submit(work)
    if errors:
        raise errors[0]
    return results
