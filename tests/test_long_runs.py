"""The page of the long runs says what they found."""

import json

from tests.long_runs import KEPT, PAGE, filled


def test_the_page_shows_the_runs_that_are_kept():
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page, json.loads(KEPT.read_text(encoding="utf-8"))) == page


def test_a_fault_is_counted():
    run = {"executions": 1234, "faults": {"what": "file"}, "seconds": 5, "seed": 3}
    kept = {"guided": {"bank": [{**run, "git_commit": "0123456789+"}] * 2}}
    page = filled(PAGE.read_text(encoding="utf-8"), kept)
    assert "| guided | bank | 2,468 | 2 | 10 | 3 | 0123456+ |" in page
    assert "| **guided** | all | **2,468** |" in page
