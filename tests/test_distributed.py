"""Learning on a cluster of processes: the sums of one machine; what a lost worker did is redone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cloudpickle
import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster

import raisr
from raisr import learn_filters
from raisr.distributed import Workers
from raisr.learning import Source
from tests.banks import CSCONV
from tests.images import noisy_scene, scene

pytestmark = pytest.mark.filterwarnings("default")  # of the cluster's own
cloudpickle.register_pickle_by_value(sys.modules[__name__])

PACKAGE = Path(raisr.__file__).parent
LONG = 300  # seconds; a machine may be busy
PAIRS = [
    (noisy_scene((60, 70 + k), seed=k), scene((60, 70 + k), k).astype(np.float32))
    for k in range(11)
]
OPTIONS = {"size": 3, "data_range": 255, "progress": False}


def local(workers, **options):
    """A cluster of processes, quiet."""
    quiet = {"dashboard_address": ":0", "silence_logs": 50, "threads_per_worker": 1}
    return LocalCluster(n_workers=workers, **quiet, **options)


@pytest.fixture(scope="module")
def client(forked_workers):
    learn_filters(PAIRS, stages=2, **OPTIONS)  # compiles, for all workers
    with local(2) as cluster, Client(cluster) as one:
        yield one


class Lazy:
    """Pairs that are taken where they are needed; one of them kills the process that takes it.

    Or one of which the number is told; once, if there is a marker to know it by.
    """

    def __init__(self, pairs, kills=False, marker=None):
        self.pairs, self.kills, self.marker = pairs, kills, marker

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, place):
        if place == 7 and self.kills and not (self.marker and self.marker.exists()):
            if self.marker:
                self.marker.write_text(str(os.getpid()))
            os.kill(os.getpid() if self.kills is True else self.kills, signal.SIGKILL)
        return self.pairs[place]

    def __iter__(self):
        return iter(self.pairs)


def sums(source, spec=CSCONV, stages=()):
    work = source if source.client is None else Workers(source)
    return work.sums(stages, spec, 3).all().totals


def source(pairs, client=None):
    return Source(pairs, 255, 1, False, client)


def assert_same_sums(found, expected):
    """Float64 sums of the same terms in another order: 11 partial sums, each within rounding."""
    np.testing.assert_array_equal(found[:, 9, 9], expected[:, 9, 9])  # counts
    scale = np.sqrt(np.einsum("cii->ci", expected))
    bound = len(PAIRS) * np.finfo(np.float64).eps * scale[:, :, None] * scale[:, None, :]
    assert (np.abs(found - expected) <= bound).all()


@pytest.mark.parametrize("pairs", [PAIRS, tuple(PAIRS), Lazy(PAIRS)])
def test_sums_are_those_of_one_machine(client, pairs):
    assert_same_sums(sums(source(pairs, client)), sums(source(PAIRS)))


def test_all_workers_are_counted_where_the_scheduler_tells_of_few(client, monkeypatch):
    monkeypatch.setattr(client, "scheduler_info", lambda: {"workers": {}})
    assert_same_sums(sums(source(PAIRS, client)), sums(source(PAIRS)))


def test_banks_are_those_of_one_machine(client):
    expected = learn_filters(PAIRS, stages=2, **OPTIONS)
    found = learn_filters(iter(PAIRS), stages=2, client=client, **OPTIONS)
    for a, b in zip(found.stages, expected.stages, strict=True):
        np.testing.assert_allclose(a.filters, b.filters, atol=1e-4)
    assert found.metadata["pixels"] == expected.metadata["pixels"]
    assert found.metadata["psnr_after"] == pytest.approx(expected.metadata["psnr_after"], abs=0.01)


def test_edges_are_those_of_one_machine(client):
    pairs = Lazy(PAIRS * 20)
    expected = source(pairs).edge_samples([], CSCONV)
    found = Workers(source(pairs, client)).edge_samples([], CSCONV)
    assert len(expected) == 55  # every fourth
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_colour_banks_are_learned_too(client):
    pairs = [tuple(np.stack([i, i[::-1], i[:, ::-1]], -1) for i in pair) for pair in PAIRS[:3]]
    expected = learn_filters(pairs, channel_axis=-1, **OPTIONS)
    found = learn_filters(pairs, channel_axis=-1, client=client, **OPTIONS)
    for a, b in zip(found.chroma, expected.chroma, strict=True):
        np.testing.assert_allclose(a.stages[0].filters, b.stages[0].filters, atol=1e-4)


def test_a_worker_that_is_killed_loses_nothing(client, tmp_path):
    marker = tmp_path / "killed"
    pairs = Lazy(PAIRS, kills=True, marker=marker)
    assert_same_sums(sums(source(pairs, client)), sums(source(PAIRS)))
    assert int(marker.read_text()) != os.getpid()


def test_errors_of_a_pair_come_back(client):
    pairs = [*PAIRS[:3], (PAIRS[0][0], PAIRS[0][1][:-1])]
    with pytest.raises(ValueError, match="images of a pair must have one shape"):
        sums(source(pairs, client))
    with pytest.raises(ValueError, match="pairs is empty"):
        sums(source([], client))


@pytest.fixture
def machines(tmp_path):
    """A scheduler, and what starts a worker with a PYTHONPATH: processes by themselves."""
    started, file = [], tmp_path / "scheduler.json"

    def start(role, path, *options):
        known = ["-m", f"distributed.cli.dask_{role}", "--scheduler-file", str(file)]
        environment = {**os.environ, "PYTHONPATH": str(path)}
        command = [sys.executable, *known, "--no-dashboard", *options]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen(command, env=environment, cwd=tmp_path, **quiet))
        return started[-1]

    scheduler = start("scheduler", PACKAGE.parent, "--host", "127.0.0.1", "--port", "0")
    while not file.exists():
        assert scheduler.poll() is None
        time.sleep(0.05)
    yield scheduler, file, lambda path: start("worker", path, "--no-nanny", "--nthreads", "1")
    for process in started:
        process.kill()
        process.wait()


def test_a_worker_with_another_version(machines, tmp_path):
    ignored = shutil.ignore_patterns("banks", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "raisr", ignore=ignored)
    about = tmp_path / "raisr-9.9.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: raisr\nVersion: 9.9\n")
    _, file, start_worker = machines
    start_worker(tmp_path)
    with Client(scheduler_file=str(file)) as one:
        one.wait_for_workers(1, timeout=LONG)
        with pytest.raises(ValueError, match=f"has raisr 9.9, not {raisr.__version__}"):
            learn_filters(PAIRS, client=one, **OPTIONS)


def test_a_cluster_that_goes_while_it_works(machines):
    scheduler, file, start_worker = machines
    start_worker(PACKAGE.parent)
    patient = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    with patient, Client(scheduler_file=str(file)) as one:
        one.wait_for_workers(1, timeout=LONG)
        with pytest.raises(ConnectionError, match="the cluster is gone"):
            sums(source(Lazy(PAIRS, kills=scheduler.pid), one))


def test_a_cluster_that_is_gone():
    with local(1, processes=False) as cluster, Client(cluster) as empty:
        empty.retire_workers()
        with pytest.raises(ConnectionError, match="the cluster has no workers"):
            sums(source(PAIRS, empty))
    with pytest.raises(ConnectionError, match="the cluster is gone: its client is closed"):
        sums(source(PAIRS, empty))


@pytest.mark.usefixtures("forked_workers")
def test_a_pair_that_kills_every_worker():
    sums(source(PAIRS))  # compiles, for all workers
    strict = dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with strict, local(1) as cluster, Client(cluster) as one:
        pairs = Lazy(PAIRS, kills=True)
        with pytest.raises(ConnectionError, match="loses its workers"):
            sums(source(pairs, one))
