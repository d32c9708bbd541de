"""Windows on a device, and the crops that are cut from them."""

from dataclasses import replace

import pytest
import torch

from hybrid.training import pool as pools
from hybrid.training.pool import Pool
from hybrid.training.tasks import task_of
from tests.hybrid.tiny_runs import RUNS

pytestmark = [
    pytest.mark.usefixtures("tiny_set", "small_pool"),
    pytest.mark.filterwarnings("ignore:.*gray, and the network is for colours"),
]
CPU = torch.device("cpu")


@pytest.fixture
def small_pool(monkeypatch):
    monkeypatch.setattr(pools, "_BLOCKS", 3)
    monkeypatch.setattr(pools, "_WINDOWS", 2)
    monkeypatch.setattr(pools, "_REUSED", 4)


@pytest.fixture(params=["edsr", "cs_edsr", "pcn", "hybrid", "colour"])
def crops(request):
    config = RUNS["hybrid" if request.param == "colour" else request.param]
    if request.param == "colour":
        config = replace(config, options={**config.options, "channels": 3})
    return task_of(config, CPU).load(0)[0]


def pool_of(crops, step=0, size=8, batch=5):
    pool = Pool(crops, size, batch, seed=0, process=0, device=CPU, step=step)
    return pool, pool.draw(step)


def assert_equal(first, second):
    assert first.parts().keys() == second.parts().keys()
    for name, part in first.parts().items():
        assert torch.equal(part, second.parts()[name]), name


def test_crops_are_parts_of_windows(crops):
    windows = crops.windows(2)
    pool, places = pool_of(crops)
    found = pool.crops(places).parts()
    for index, (window, row, column) in enumerate(places.T.tolist()):
        for name, part in windows(window // 2).parts().items():
            whole = part[window % 2]
            wanted = whole if name == "levels" else whole[..., row : row + 8, column : column + 8]
            assert torch.equal(found[name][index], wanted), name
    pool.close()


def test_what_is_drawn_depends_on_the_step_alone(crops):
    pool, places = pool_of(crops)
    for step in range(1, 8):
        places = pool.draw(step)
    later, same_places = pool_of(crops, step=7)
    assert torch.equal(places, same_places)
    assert_equal(pool.crops(places), later.crops(same_places))
    pool.close()
    later.close()


def test_windows_are_replaced(crops):
    pool, places = pool_of(crops)
    first = pool.crops(places).noisy
    for step in range(1, 12):
        pool.draw(step)
    assert not torch.equal(pool.crops(places).noisy, first)
    pool.close()
