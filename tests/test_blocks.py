"""Blocks of rows, each done once, by any number of threads."""

import threading

import pytest

from raisr.blocks import in_threads, over_blocks

SHAPE = 800, 4000  # 25 blocks


def blocks_done(num_threads, action=lambda: None):
    done = []

    def block(y0, y1):
        done.append((y0, y1))
        action()

    over_blocks(block, SHAPE, num_threads)
    return done


@pytest.mark.parametrize("num_threads", [1, 2, 3, 7, 100])
def test_every_row_is_done_once(num_threads):
    done = blocks_done(num_threads)
    assert sorted(done) == blocks_done(1)
    assert [y for y0, y1 in sorted(done) for y in range(y0, y1)] == list(range(SHAPE[0]))


def test_there_are_no_more_threads_than_blocks():
    count = len(blocks_done(1))
    meeting = threading.Barrier(count)
    alive = []

    def action():
        meeting.wait(60)  # every block has a thread of its own
        alive.append(threading.active_count())

    before = threading.active_count()
    blocks_done(1000, action)
    assert max(alive) <= before + count


def test_an_error_ends_all_threads():
    done, both, failed = [], threading.Barrier(2), threading.Event()

    def block(y0, y1):
        done.append(y0)
        if len(done) <= 2:
            both.wait(60)
        if y0 == 0:
            threading.Timer(0.2, failed.set).start()
            raise ValueError("no")
        failed.wait(60)

    with pytest.raises(ValueError, match="no"):
        over_blocks(block, SHAPE, 2)
    assert len(done) == 2


def test_one_thread_is_that_of_the_caller():
    here = threading.get_ident()
    assert in_threads(1, lambda _: threading.get_ident(), [1, 2]) == [here] * 2
    assert in_threads(4, lambda _: threading.get_ident(), [1]) == [here]
    assert here not in in_threads(2, lambda _: threading.get_ident(), [1, 2])


def test_items_of_several_lists_stay_in_order():
    assert in_threads(3, pow, [2, 3, 4], [3, 2, 1]) == [8, 9, 4]
    assert in_threads(1, pow, [2, 3], [3, 2]) == [8, 9]
    assert in_threads(2, pow, [], []) == []
