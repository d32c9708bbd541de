"""Writing a file so that a reader meets the old content or the new one, never half of it."""

import contextlib
import os
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to a temporary name beside `path`, then rename it.

    The temporary file is removed when anything fails, a keyboard interrupt included.

    Raises
    ------
    OSError
        If the folder is missing or read-only, or the disk is full; it names `path`.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
