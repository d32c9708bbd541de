"""What a machine may do to a user: no space, no rights, no home, no memory, an early end."""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import raisr
from raisr.cli import main
from raisr.io import list_images, read_image, write_image
from tests.cli.commands import fails
from tests.forked import Forked, run_forked, with_little_room
from tests.images import noisy_scene, scene

pytestmark = pytest.mark.usefixtures("compiled")

PACKAGE = Path(raisr.__file__).parent
LONG = 300  # seconds; a machine may be busy
_PRCTL = ctypes.CDLL(None).prctl
_DROP, _OVERRIDE = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE: see capabilities(7)
DENOISE = ("denoise", "--sigma", "10%", "--threads", "1")


def started(*arguments, folder=None, limits=(), without=(), bound=False, **environment):
    """Run `raisr` in a Python of its own: limits of resources, and without some variables.

    `bound`: by the rights of files, even where root runs the tests.
    """
    known = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "OMP_NUM_THREADS": "1", **environment}
    for name in without:
        known.pop(name, None)

    def limit():
        for kind, value in limits:
            resource.setrlimit(kind, (value, value))
        if bound and os.geteuid() == 0 and _PRCTL(_DROP, _OVERRIDE, 0, 0, 0):
            raise OSError("root's right to write everywhere could not be dropped")

    return subprocess.run(
        [sys.executable, "-m", "raisr", *map(str, arguments)],
        cwd=folder or PACKAGE.parent,
        env=known,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        timeout=LONG,
    )


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(4):
        pixels = noisy_scene((60, 80), seed=index).clip(0, 255).astype(np.uint8)
        write_image(folder / f"{index}.png", pixels)
    return folder


def expected(pictures, name="0.png"):
    return raisr.denoise(read_image(pictures / name)[0], 25.5)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (DENOISE, "out.png"),
        (("upscale",), "out.png"),
        (("learn", "--sigma", "10%", "--clean"), "bank.safetensors"),
    ],
)
def test_a_file_that_may_not_grow_is_not_left(pictures, tmp_path, command, name):
    target = tmp_path / "out" / name
    target.parent.mkdir()
    source = pictures if command[0] == "learn" else pictures / "0.png"
    out = ["-o"] if command[0] == "learn" else []

    assert main([*map(str, (*command, source, *out, tmp_path / name))]) == 0  # compiles
    done = run_forked(with_little_room(main, 700), *command, source, *out, target)
    assert done.returncode in (1, 2)
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith(f"raisr: {target}: File too large")
    assert list(target.parent.iterdir()) == []


def test_a_folder_without_rights_is_told(pictures, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    command = *DENOISE, pictures / "0.png", folder / "a.png"
    done = started(*command, bound=True)
    assert done.returncode == 2
    assert done.stderr == f"raisr: {folder}: no permission to write in this folder\n"
    assert not list(folder.iterdir())


def test_a_folder_on_which_nothing_can_be_made_is_told(pictures, capsys):
    """As root, too: /proc takes no files."""
    fails(capsys, "/proc/raisr", *DENOISE, pictures, "/proc/raisr")


def test_inputs_that_vanish_are_named_and_the_rest_is_done(pictures, tmp_path, monkeypatch):
    from raisr.cli import folder as folders

    change = folders.change_file

    def vanish(source, result, arguments):
        (pictures / "2.png").unlink(missing_ok=True)
        return change(source, result, arguments)

    monkeypatch.setattr(folders, "change_file", vanish)
    assert main([*DENOISE, str(pictures), str(tmp_path / "out")]) == 1
    assert [str(name) for name in list_images(tmp_path / "out")] == ["0.png", "1.png", "3.png"]


def test_a_folder_that_vanishes_is_told(pictures, tmp_path, monkeypatch, capsys):
    from raisr.cli import folder as folders

    monkeypatch.setattr(
        folders, "check_writable", lambda target: shutil.rmtree(pictures, ignore_errors=True)
    )
    assert main([*DENOISE, str(pictures), str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert "0 denoised, 0 kept, 4 failed" in printed.out
    assert printed.err.count("No such file or directory") == 4


def test_too_little_memory_is_one_line(pictures, tmp_path):
    """The picture fits, what is made of it does not."""
    write_image(tmp_path / "large.png", np.zeros((9000, 9000), np.uint8))
    limits = [(resource.RLIMIT_AS, 1_500_000_000)]
    command = ("upscale", "--factor", "4", tmp_path / "large.png", tmp_path / "out.png")
    done = started(*command, limits=limits)
    assert done.returncode in (1, 2), done.stderr
    assert done.stderr.splitlines()[-1].startswith("raisr: ")
    assert "Traceback" not in done.stderr
    assert "memory" in done.stderr
    assert not (tmp_path / "out.png").exists()


def wait_for(folder, count, process):
    end = time.monotonic() + LONG
    while not (folder.is_dir() and len(list_images(folder)) >= count):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_run_that_is_asked_to_end_goes_on_later(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for index in range(30):
        write_image(folder / f"{index:02}.png", scene((600, 800), seed=index % 3))
    with Forked(main, "denoise", "--model", "best", folder, out) as process:
        wait_for(out, 2, process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    done = list_images(out)
    assert process.returncode == 143, err
    assert err.decode().splitlines()[-1] == (
        f"raisr: interrupted: {len(done)} of 30 images are done; the same command goes on"
    )
    assert len(list(out.iterdir())) == len(done) < 30


@pytest.mark.parametrize("home", ["/nonexistent/home", None])
def test_without_a_home_or_a_cache(pictures, tmp_path, home):
    environment = {"NUMBA_CACHE_DIR": "/dev/null/none"}
    if home:
        environment |= {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache"}
    without = () if home else ("HOME", "XDG_CACHE_HOME", "USER", "LOGNAME")
    target = tmp_path / "out.png"
    done = started(*DENOISE, pictures / "0.png", target, without=without, **environment)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(read_image(target)[0], expected(pictures))


def test_a_read_only_install(pictures, tmp_path):
    """The package in a folder that takes no files, and no other place for a cache."""
    site, target = tmp_path / "site", tmp_path / "out.png"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, site / "raisr", ignore=ignored)
    for path in [*site.rglob("*"), site]:
        path.chmod(path.stat().st_mode & ~0o222)
    environment = {"PYTHONPATH": str(site), "HOME": "/proc/none", "NUMBA_CACHE_DIR": ""}
    environment["XDG_CACHE_HOME"] = "/proc/none"  # nobody makes folders there, not even root
    command = ("hash", pictures / "0.png", target)  # compiles fewest kernels
    done = started(*command, folder=tmp_path, bound=True, **environment)
    for path in [site, *site.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    assert done.returncode == 0, done.stderr
    assert not list(site.rglob("*.nb[ci]"))
    assert main(["hash", str(pictures / "0.png"), str(tmp_path / "wanted.png")]) == 0
    np.testing.assert_array_equal(read_image(target)[0], read_image(tmp_path / "wanted.png")[0])


def test_two_processes_write_one_folder(pictures, tmp_path):
    out = tmp_path / "out"
    command = *DENOISE, "--overwrite", pictures, out
    with Forked(main, *command) as first, Forked(main, *command) as second:
        for process in (first, second):
            _, err = process.communicate()
            assert process.returncode == 0, err
    assert sorted(path.name for path in out.iterdir()) == [f"{n}.png" for n in range(4)]
    for name in list_images(out):
        np.testing.assert_array_equal(read_image(out / name)[0], expected(pictures, name))
