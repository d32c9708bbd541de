"""Steps on a GPU, captured once: after that, a step is one call, and nothing waits for it."""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from hybrid.csconv import sorted_while_capturing

_BEFORE = 5  # steps that are taken one by one: kernels are compiled and chosen


@contextlib.contextmanager
def captured(
    step: Callable[[Tensor], Tensor], device: torch.device
) -> Iterator[Callable[[Tensor], Tensor]]:
    """Yield a function that does on a GPU what `step` does, from its sixth call on as a graph.

    Parameters
    ----------
    step : callable
        Tensor -> scalar tensor. All else that it reads and changes stays where it is, and no
        result of it is read by the host.
    device : torch.device
        A GPU.

    Notes
    -----
    All work of the context runs in a stream of its own.
    """
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    benchmark = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        with torch.cuda.stream(stream):
            yield _Captured(step, stream)
            stream.synchronize()
    finally:
        torch.backends.cudnn.benchmark = benchmark


class _Captured:
    def __init__(self, step, stream):
        self._step, self._stream = step, stream
        self._left = _BEFORE
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, given):
        if self._left:
            self._left -= 1
            return self._step(given.to(self._stream.device))
        if self._graph is None:
            self._given = given.to(self._stream.device)
            self._graph = self._capture()
        self._given.copy_(given, non_blocking=True)
        self._graph.replay()
        return self._result

    def _capture(self):
        graph = torch.cuda.CUDAGraph()
        # Other threads bring crops to the device meanwhile.
        mode = {"stream": self._stream, "capture_error_mode": "thread_local"}
        with sorted_while_capturing(), torch.cuda.graph(graph, **mode):
            self._result = self._step(self._given)
        return graph
