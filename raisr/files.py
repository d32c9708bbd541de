"""Writing a file so that a reader meets the old content or the new one, never half of it."""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to a temporary name beside `path`, then rename it: see `open_atomically`."""
    with open_atomically(path) as file:
        file.write(data)


@contextlib.contextmanager
def open_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` to write bytes to; it is renamed when the block ends.

    The temporary name is this call's own, whatever thread, process or machine writes beside it;
    the file is removed when anything fails, a keyboard interrupt included. It is on the disk when
    the block has ended. Its permissions are those that `open` would leave; of a link, the file
    that it points to is replaced.

    Raises
    ------
    OSError
        If the folder is missing or read-only, or the disk is full; it names `path`.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, _NEW, 0o666)
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    _keep_names(target.parent)


@contextlib.contextmanager
def alone(path: str | os.PathLike[str]) -> Iterator[bool]:
    """Let one run at a time work at what becomes the file `path`, over many calls.

    A lock beside it, ``path.lock``, tells others; it ends with the process, however that ends.
    The block gets whether one is there before: a run was killed.

    Raises
    ------
    BlockingIOError
        If another run is at work.
    FileExistsError
        If what has the name of the lock is none: locks are empty.
    OSError
        If the folder is missing or read-only; both name `path`.
    """
    lock = Path(f"{os.fspath(path)}.lock")
    left = lock.exists()
    if left and (lock.is_dir() or lock.stat().st_size):
        raise FileExistsError(f"{lock}: not left by a run; rename or remove it")
    try:
        file = lock.open("ab")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = lock.exists() and lock.stat().st_ino == os.fstat(file.fileno()).st_ino
        except BlockingIOError:
            mine = False
        if not mine:
            raise BlockingIOError(errno.EWOULDBLOCK, "another run is writing it", str(path))
        try:
            yield left
        finally:
            lock.unlink(missing_ok=True)


def _keep_names(folder):
    """Bring the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
