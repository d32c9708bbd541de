"""Work in the threads of PyTorch."""

import multiprocessing
import os
import threading
import warnings
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
