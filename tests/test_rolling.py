"""Layers whose rows come and go give what whole planes give."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from raisr import rolling
from raisr.rolling import Rows, roll
from raisr.validate import GrayImage

WIDTH = 7


def mean_rows(plane, reach, y):
    """Mean of the rows around one, mirrored about the outermost."""
    height = plane.shape[0]
    rows = np.abs(np.arange(y - reach, y + reach + 1)) % max(2 * height - 2, 1)
    return [np.minimum(row, 2 * height - 2 - row) for row in rows]


def read(plane, y):
    if isinstance(plane, Rows):
        found = plane.part(y, y + 1)
        assert found.shape == (1, WIDTH), "a row that is read is at hand"
        return found[0]
    return plane[y]


def add_mean(flow, planes, reaches, out):
    """Add a layer that averages rows of planes."""

    def run(y0, y1):
        for y in range(y0, y1):
            rows = [
                read(plane, row)
                for plane, reach in zip(planes, reaches, strict=True)
                for row in mean_rows(plane, reach, y)
            ]
            target = out.part(y, y + 1)[0] if isinstance(out, Rows) else out[y]
            target[:] = np.mean(rows, axis=0)

    flow.add(run, list(zip(planes, reaches, strict=True)), [out])


def network(flow, image, out, plane):
    """Layers far ahead of the last, of which one is read late, and one by two others."""
    planes = [plane() for _ in range(5)]
    add_mean(flow, [image], [2], planes[0])
    add_mean(flow, [planes[0], image], [3, 0], planes[1])
    for before, after in pairwise(planes[1:]):
        add_mean(flow, [before], [9], after)
    add_mean(flow, [planes[4], planes[1], planes[2]], [1, 0, 4], out)


class Whole:
    """Computes layers one after the other."""

    def add(self, run, reads, writes):
        run(0, reads[0][0].shape[0])


@pytest.mark.parametrize("height", [1, 2, 15, 40, 400])
@pytest.mark.parametrize("num_threads", [1, 2, 7])
@pytest.mark.parametrize("strip", [1, 8 * WIDTH, 50 * WIDTH])
def test_strips_give_what_whole_planes_give(monkeypatch, height, num_threads, strip):
    monkeypatch.setattr(rolling, "_PIXELS", strip)
    monkeypatch.setattr(rolling, "_APART", 2)
    monkeypatch.setattr("raisr.blocks._PIXELS", 30 * WIDTH)
    image = np.random.default_rng(0).random((height, WIDTH)).astype(np.float32)
    wanted, out = np.empty_like(image), np.empty_like(image)
    network(Whole(), image, wanted, lambda: np.empty_like(image))
    roll(lambda flow: network(flow, image, out, flow.plane), image.shape, num_threads)
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize(
    ("height", "num_threads", "bands"), [(4900, 2, 4), (4900, 1, 1), (3000, 2, 2), (9000, 3, 6)]
)
def test_every_thread_has_as_many_bands(monkeypatch, height, num_threads, bands):
    """One of three bands was computed by one of two threads, and the other waited."""
    monkeypatch.setattr("raisr.blocks._PIXELS", 30 * WIDTH)
    taken = []
    monkeypatch.setattr(rolling.Flow, "run", lambda self, y0, y1, ended: taken.append(y1 - y0))
    image = np.zeros((height, WIDTH), np.float32)

    def build(flow):
        between = flow.plane()
        add_mean(flow, [image], [0], between)
        add_mean(flow, [between], [58], image)

    roll(build, image.shape, num_threads)
    assert len(taken) == bands
    assert max(taken) - min(taken) < bands
    assert sum(taken) == height


def test_few_rows_are_kept(monkeypatch):
    monkeypatch.setattr(rolling, "_PIXELS", 8 * WIDTH)
    kept = []
    reserve = Rows.reserve

    def watched(self, count, first):
        reserve(self, count, first)
        kept.append(count)

    monkeypatch.setattr(Rows, "reserve", watched)
    image = np.zeros((1000, WIDTH), np.float32)
    roll(lambda flow: network(flow, image, image.copy(), flow.plane), image.shape, 1)
    assert len(kept) == 5
    assert max(kept) < 80


def test_an_error_ends_bands_that_are_under_way(monkeypatch):
    """So does Ctrl-C: without, a band of a large photograph takes many seconds."""
    monkeypatch.setattr(rolling, "_PIXELS", 8 * WIDTH)
    monkeypatch.setattr(rolling, "_APART", 10000)
    monkeypatch.setattr("raisr.blocks._PIXELS", 30 * WIDTH)
    done, begun = [], threading.Event()

    def run(y0, y1):
        if y0 == 0:
            begun.wait(10)
            raise KeyboardInterrupt
        begun.set()
        done.append(y0)
        time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        roll(lambda flow: flow.add(run, [], []), (4000, WIDTH), 2)
    assert len(done) < 100


def test_rows_are_read_by_their_places_in_the_plane():
    from raisr.kernels.pixels import read_row, write_row

    rows, line = Rows((100, WIDTH), np.float32), np.arange(WIDTH, dtype=np.float32)
    rows.reserve(8, 50)
    rows.make_room(58, 50)
    for y in range(50, 58):
        write_row((line + y).ctypes.data, WIDTH, rows.sink, y, 0)
    rows.make_room(62, 54)
    found = np.empty(WIDTH, np.float32)
    for y in range(54, 58):
        read_row(rows.source, y, 0, WIDTH, found.ctypes.data)
        np.testing.assert_array_equal(found, line + y)
    assert GrayImage(np.empty((100, WIDTH), np.float32)).source[1:] == rows.source[1:]
