"""A share of the mixed calls of `make faults`."""

import warnings

import pytest

from raisr.provenance import read_json
from tests.faults.mixed import (
    FUNCTIONS,
    digest_of,
    growth,
    in_loader,
    in_process,
    main,
    side_by_side,
)
from tests.long_runs import PAGE, filled


@pytest.fixture(scope="module")
def expected():
    return {name: digest_of(name) for name in FUNCTIONS}


def test_threads_give_the_same_while_another_learns():
    assert side_by_side(8, 4, seed=1)["calls"] == 32


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_the_same(expected, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads, all idle
        assert in_process(method) == expected


def test_workers_of_a_loader_give_the_same(expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)  # of a machine with one core
        assert in_loader(2) == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_memory_is_flat(name):
    assert growth(name, 10) < 4e6


def test_what_is_measured_fits_the_page(tmp_path, monkeypatch):
    few = {name: FUNCTIONS[name] for name in ("fast", "hash")}
    monkeypatch.setattr("tests.faults.mixed.FUNCTIONS", few)
    main(["--threads", "1", "--calls", "2", "--growth", "2", "--output", str(tmp_path)])
    page = filled(PAGE.read_text(encoding="utf-8"), {"mixed": read_json(tmp_path / "mixed.json")})
    assert "| mixed | threads | 2 | 0 |" in page
    assert "| mixed | growth | 4 | 0 |" in page
