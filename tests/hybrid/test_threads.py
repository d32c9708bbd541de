"""Work in the threads of PyTorch."""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch

from hybrid.csconv import threads as _threads
from hybrid.csconv.threads import run

LONG = 300  # seconds; a machine may be busy


@pytest.fixture(params=["PyTorch's threads", "a pool"])
def two_threads(request, monkeypatch):
    if request.param == "a pool":
        monkeypatch.setattr(_threads, "_parallel", lambda: None)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_every_job_is_done_once(two_threads):
    assert sorted(run([partial(int, i) for i in range(1000)])) == list(range(1000))
    assert run([]) == []


def test_jobs_run_in_both(two_threads):
    both = threading.Barrier(2, timeout=LONG)  # nobody passes it alone

    def job():
        both.wait()
        return threading.get_ident()

    assert len(set(run([job] * 8))) == 2


def test_an_error_is_raised(two_threads):
    def fail():
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        run([fail] * 4)
    assert run([os.getpid] * 2) == [os.getpid()] * 2


def test_after_a_fork(two_threads):
    jobs = [os.getpid] * 8
    run(jobs)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = context.Process(target=lambda: results.put(run(jobs)))
        child.start()
    child.join(LONG)
    assert child.exitcode == 0
    assert results.get() == [child.pid] * 8


def test_a_fork_right_after_threads_ended():
    """Threads that end free MKL's memory under a lock, for which one child in ten waited."""
    matrix = torch.ones(160, 160)

    def child_ends():
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: torch.mm(matrix, matrix), range(8)))
        if not (child := os.fork()):
            torch.mm(matrix, matrix)
            os._exit(0)
        latest = time.monotonic() + LONG
        while not (ended := os.waitpid(child, os.WNOHANG)[0]) and time.monotonic() < latest:
            time.sleep(1e-3)
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return ended == child

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert all(child_ends() for _ in range(30))
    finally:
        torch.set_num_threads(before)


def test_a_fork_does_not_wait_for_threads_that_go_on(monkeypatch):
    """Those of other libraries may."""
    clock = iter(range(1000))
    monkeypatch.setattr(_threads.time, "monotonic", lambda: 0.01 * next(clock))
    monkeypatch.setattr(_threads.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(_threads, "_system_threads", lambda: {-1})
    monkeypatch.setattr(_threads, "_runs", lambda thread: True)
    _threads._let_threads_end()
    assert 0.05 < 0.01 * next(clock) < 0.5
