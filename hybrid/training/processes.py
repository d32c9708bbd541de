"""The processes that train one network together, and requests to stop them."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

import torch
from torch import distributed


@contextlib.contextmanager
def process_group(device: torch.device) -> Iterator[tuple[int, int]]:
    """Join the processes that torchrun started; yield this one's rank and their number."""
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if processes == 1:
        yield 0, 1
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield distributed.get_rank(), processes
    finally:
        distributed.destroy_process_group()


@contextlib.contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a flag, so that a step is never left half done."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stopped.set()) for number in signals]
    try:
        yield stopped.is_set
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
