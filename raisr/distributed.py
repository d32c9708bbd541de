"""Training pairs gone through by the workers of a dask cluster."""

import copy
from concurrent.futures import CancelledError
from itertools import chain, pairwise

import numpy as np

from raisr import __version__
from raisr.edges import edge_step
from raisr.holdout import Holdout
from raisr.pairs import is_sequence, some_of

__all__ = ["Workers"]

_TASKS = 4  # for each worker: what one that ends early leaves is small


class Workers:
    """What a `raisr.learning.Source` does with its pairs, done by the workers of its cluster.

    Each task takes some pairs that follow each other, and sends back what it found; this is put
    together in the order of the pairs, whatever the order in which it comes. What a worker that is
    lost had done, another one does again.

    Parameters
    ----------
    source : Source
        A list or tuple of pairs travels to the workers in parts; another sequence as it is, and
        its items are taken there.

    Raises
    ------
    ConnectionError
        If the cluster is gone, has no workers, or lost too many: now, or in a method.
    ValueError
        If there are no pairs; in a method, if a worker has another version of this package, and
        what learning raises.
    """

    def __init__(self, source):
        client = source.client
        if client.status != "running":
            raise ConnectionError(f"the cluster is gone: its client is {client.status}")
        self._count = len(_asked(client.nthreads))  # all: `scheduler_info` may tell of five
        if not self._count:
            raise ConnectionError("the cluster has no workers")
        self._source = source
        self._pairs = source.pairs if is_sequence(source.pairs) else list(source.pairs)
        if not len(self._pairs):
            raise ValueError("pairs is empty: there is nothing to learn from")

    def edge_samples(self, stages, spec):
        """Return what `Source.edge_samples` returns."""
        count = len(self._pairs)
        places = range(0, count, edge_step(count))  # fewer than 100: of these a worker takes all
        return list(chain.from_iterable(self._each(places, "edge_samples", stages, spec)))

    def sums(self, stages, spec, size, label=""):
        """Return what `Source.sums` returns, but for the order of float64 sums."""
        total = Holdout(spec, 1 if not stages else 2, size)
        for sums in self._each(range(len(self._pairs)), "sums", stages, spec, size):
            total.merge(sums)
        return total

    def _each(self, places, method, *arguments):
        """Yield what a method of the source returns for some pairs after the others."""
        tasks = min(_TASKS * self._count, len(places))
        bounds = np.linspace(0, len(places), tasks + 1).astype(int).tolist()
        parts = [self._part(places[first:last]) for first, last in pairwise(bounds)]
        submit = self._source.client.submit
        left = [submit(_call, part, method, arguments, __version__, pure=False) for part in parts]
        while left:
            yield _asked(left.pop(0).result)  # and the worker may forget it

    def _part(self, places):
        """Return the source of the pairs at some places, as it travels."""
        part = copy.copy(self._source)
        part.__dict__.pop("warn", None)  # workers warn for themselves
        part.client, part.progress = None, False
        part.pairs, part.first = some_of(self._pairs, places), places[0]
        return part


def _call(source, method, arguments, version):
    """Call a method of a source, on a worker."""
    from distributed import get_worker

    if version != __version__:
        raise ValueError(f"{get_worker().address} has raisr {__version__}, not {version}")
    source.num_threads = get_worker().state.nthreads
    return getattr(source, method)(*arguments)


def _asked(question):
    """Return the answer of the cluster."""
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        return question()
    except (CommClosedError, KilledWorker, CancelledError, TimeoutError) as error:
        raise ConnectionError(f"the cluster is gone, or loses its workers: {error}") from error
