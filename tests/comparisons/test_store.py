import json
import subprocess

import pytest

from comparisons.measure.store import ResultKey, load_result, save_result, summarise
from raisr import provenance
from raisr.provenance import content_digest, environment, git_commit, read_json, write_json

KEY = ResultKey("quality", "standard", 25.0, "set12", "raisr_n")


def record(image, seed, psnr):
    about = {"image": image, "sha256": "0", "height": 2, "width": 3, "seed": seed}
    return {**about, "psnr": psnr, "seconds_per_megapixel": 0.5}


def test_summary_of_one_seed_has_no_spread():
    summary = summarise([record("a", 0, 30.0), record("b", 0, 20.0)])
    assert summary == {"mean": {"psnr": 25.0, "seconds_per_megapixel": 0.5}}


def test_summary_of_several_seeds():
    summary = summarise(
        [record("a", 0, 30.0), record("b", 0, 20.0), record("a", 1, 31.0), record("b", 1, 23.0)]
    )
    assert summary["mean"]["psnr"] == 26.0
    assert summary["spread"]["psnr"] == pytest.approx(2**0.5)


def test_a_result_is_read_as_it_was_saved(tmp_path):
    saved = save_result(tmp_path, KEY, {"label": "RAISR+N"}, [record("a", 0, 30.0)])
    assert load_result(tmp_path, KEY) == saved
    assert KEY.path(tmp_path) == tmp_path / "quality" / "standard_25" / "set12" / "raisr_n.json"
    metadata = saved["metadata"]
    assert (metadata["label"], metadata["seeds"]) == ("RAISR+N", [0])
    assert {"protocol", "sigma", "dataset", "method", "cpu", "numpy", "git_commit"} <= set(metadata)


def test_a_result_that_is_not_there(tmp_path):
    assert load_result(tmp_path, KEY) is None


def test_json_is_written_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}
    assert list(path.parent.iterdir()) == [path]


def test_foreign_files_are_refused(tmp_path):
    (tmp_path / "x.json").write_text("no")
    with pytest.raises(ValueError, match=r"x\.json: wanted a JSON file of results"):
        read_json(tmp_path / "x.json")


def test_content_digest_follows_names_and_bytes(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("1")
    digests = {content_digest([one]), content_digest([two]), content_digest([one, two])}
    one.write_text("2")
    digests.add(content_digest([one]))
    assert len(digests) == 4
    assert content_digest([one, two]) == content_digest([two, one])


def test_environment_is_plain_text():
    assert json.loads(json.dumps(environment())) == environment()
    assert environment()["cpu"]


def test_installed_inside_another_project_there_is_no_commit(tmp_path, monkeypatch):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], [*identity, "commit", "-qm", "theirs", "--allow-empty"]):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)
    (tmp_path / "site-packages" / "comparisons").mkdir(parents=True)
    installed = tmp_path / "site-packages" / "comparisons" / "provenance.py"
    git_commit.cache_clear()
    monkeypatch.setattr(provenance, "__file__", str(installed))
    assert git_commit() is None
    git_commit.cache_clear()


def test_outside_git_there_is_no_commit(monkeypatch):
    def fail(*arguments, cwd):
        raise FileNotFoundError("git")

    git_commit.cache_clear()
    monkeypatch.setattr(provenance, "_git", fail)
    assert git_commit() is None
    git_commit.cache_clear()
