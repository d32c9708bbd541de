"""Files are written whole: by threads, by processes, over what is there, whatever fails."""

import multiprocessing
import os
import stat
import threading

import pytest

from raisr.files import open_atomically, write_atomically

SIZE = 1 << 16


def write_often(path, byte, times=60):
    for _ in range(times):
        write_atomically(path, bytes([byte]) * SIZE)


@pytest.mark.parametrize("kind", [threading.Thread, multiprocessing.get_context("spawn").Process])
def test_writers_side_by_side_never_tear_a_file(tmp_path, kind):
    path = tmp_path / "file"
    write_atomically(path, bytes(SIZE))
    writers = [kind(target=write_often, args=(path, byte)) for byte in (1, 2)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        content = path.read_bytes()
        assert len(content) == SIZE
        assert len(set(content)) == 1
        seen.add(content[0])
    for writer in writers:
        writer.join()
        assert getattr(writer, "exitcode", 0) == 0
    assert {*seen, path.read_bytes()[0]} & {1, 2}
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_no_thread_fails_because_of_another(tmp_path):
    failures = []

    def write():
        try:
            write_often(tmp_path / "file", 7)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_the_content_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def renamed(old, new):
        calls.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_atomically(tmp_path / "file", b"x")
    assert calls == ["file", "rename", "folder"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_open(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "ours", b"x")
        (tmp_path / "plain").write_bytes(b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to("there/file")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["fsync", "replace", "open"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_of_what_failed(tmp_path, monkeypatch, name, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(type(error), match="file" if isinstance(error, OSError) else None):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stream_has_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with open_atomically(path) as file:
        file.write(b"ne")
        file.flush()
        assert path.read_bytes() == b"old"
        file.write(b"w")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("a frame is bad"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_stream_that_breaks_off(tmp_path, error):
    def break_off():
        with open_atomically(tmp_path / "file") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error), match="a frame" if isinstance(error, ValueError) else None):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none/file"):
        write_atomically(tmp_path / "none" / "file", b"x")


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"
