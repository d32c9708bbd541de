"""Sums over training pairs on the workers of a dask cluster, merged."""

import copy
from concurrent.futures import CancelledError
from itertools import pairwise

import numpy as np

from raisr import __version__
from raisr.holdout import Holdout

__all__ = ["sums_of_workers"]

_TASKS = 4  # for each worker: what one that ends early leaves is small


def sums_of_workers(client, source, stages, spec, size):
    """Return what `raisr.learning.Source.sums` returns, summed by workers.

    Each task sums some pairs that follow each other, and sends back its sums; these are merged in
    the order of the pairs, whatever the order in which they come. What a worker that is lost had
    summed, another one sums again.

    Parameters
    ----------
    client : distributed.Client
    source : Source
        A list or tuple of pairs travels to the workers in parts; another sequence as it is, and
        its items are taken there.
    stages, spec, size
        See `raisr.learning.Source.sums`.

    Raises
    ------
    ConnectionError
        If the cluster is gone, has no workers, or lost too many.
    ValueError
        If a worker has another version of this package; and what learning raises.
    """
    if client.status != "running":
        raise ConnectionError(f"the cluster is gone: its client is {client.status}")
    workers = len(_asked(client.nthreads))  # all of them: `scheduler_info` may tell of five
    if not workers:
        raise ConnectionError("the cluster has no workers")
    sequence = hasattr(source.pairs, "__getitem__") and hasattr(source.pairs, "__len__")
    pairs = source.pairs if sequence else list(source.pairs)
    if not len(pairs):
        raise ValueError("pairs is empty: there is nothing to learn from")
    bounds = np.linspace(0, len(pairs), min(_TASKS * workers, len(pairs)) + 1).astype(int).tolist()
    tasks = [
        client.submit(_sums_of, _part(source, pairs, *ends), stages, spec, size, pure=False)
        for ends in pairwise(bounds)
    ]
    total = Holdout(spec, 1 if not stages else 2, size)
    while tasks:
        total.merge(_asked(tasks.pop(0).result))  # and the worker may forget it
    return total


def _part(source, pairs, first, last):
    """Return the source of some of the pairs, as it travels, and the number of the first."""
    part = copy.copy(source)
    part.__dict__.pop("warn", None)  # workers warn for themselves
    part.client, part.progress = None, False
    listed = isinstance(pairs, list | tuple)
    part.pairs = pairs[first:last] if listed else _Items(pairs, range(first, last))
    return part, first, __version__


class _Items:
    """Some items of a sequence, each taken when it is needed."""

    def __init__(self, items, places):
        self.items, self.places = items, places

    def __len__(self):
        return len(self.places)

    def __iter__(self):
        return (self.items[place] for place in self.places)


def _sums_of(part, stages, spec, size):
    """Sum some pairs, on a worker."""
    from distributed import get_worker

    source, first, version = part
    if version != __version__:
        raise ValueError(f"{get_worker().address} has raisr {__version__}, not {version}")
    source.num_threads = get_worker().state.nthreads
    return source.sums(stages, spec, size, "", first)


def _asked(question):
    """Return the answer of the cluster."""
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        return question()
    except (CommClosedError, KilledWorker, CancelledError, TimeoutError) as error:
        raise ConnectionError(f"the cluster is gone, or loses its workers: {error}") from error
