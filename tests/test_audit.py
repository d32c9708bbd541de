"""What is said of an answer of pip-audit."""

import json

import pytest

from tests import audit

CLEAN = {"name": "numpy", "version": "2.4.6", "vulns": []}
FAULTY = {
    "name": "pillow",
    "version": "9.0.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["9.0.1", "9.1"]}],
}
UNKNOWN = {"name": "tqdm", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "faulty", "said"),
    [
        ([CLEAN, FAULTY], True, "pillow 9.0.0: PYSEC-1, mended in 9.0.1, 9.1\n2 of 2 packages"),
        ([CLEAN, UNKNOWN], False, "1 of 2 packages audited: 0 known faults\n"),
        ([UNKNOWN, UNKNOWN], False, "not audited: no service"),
    ],
)
def test_report(packages, faulty, said, capsys):
    assert audit.report(json.dumps({"dependencies": packages})) is faulty
    assert capsys.readouterr().out.startswith(said)


def test_no_answer_is_no_failure(monkeypatch, capsys):
    monkeypatch.setattr("sys.executable", "false")
    assert audit.main() == 0
    assert capsys.readouterr().out == "not audited: no service that knows of faults answers\n"
