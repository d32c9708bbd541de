"""A share of the kills of `make faults`, and kills around every rename."""

import pytest

from tests.faults.kills import kill_at_random, kill_at_renames
from tests.faults.works import WORKS


@pytest.mark.parametrize("name", WORKS)
def test_killed_work_goes_on(name, tmp_path):
    assert kill_at_random(WORKS[name], tmp_path, 1, seed=1)["kills"] == 1


@pytest.mark.parametrize(("name", "renames"), [("learn", 1), ("publish", 6)])
def test_a_kill_around_a_rename(name, renames, tmp_path):
    assert kill_at_renames(WORKS[name], tmp_path) == 2 * renames
