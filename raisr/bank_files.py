"""Files of filter banks are opened here: what is damaged or foreign raises one clear error."""

import contextlib
from pathlib import Path

__all__ = ["opened_bank"]

_UNREADABLE = (
    *(ValueError, KeyError, TypeError, AttributeError, IndexError),
    *(OverflowError, RecursionError, MemoryError),
)
"""What parts of a table raise that are of another type, missing, out of range or too deep."""


@contextlib.contextmanager
def opened_bank(path, kind):
    """Yield an open safetensors file and its table of texts.

    Parameters
    ----------
    path : path_like
    kind : str
        Value of "format" in that table, like "raisr filter bank 1".

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, truncated or of another kind, as far as the body of the context
        reads it.
    """
    from safetensors import SafetensorError, safe_open

    name = kind.removeprefix("raisr ").rstrip(" 0123456789")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no {name} at {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != kind:
                raise ValueError(f"its format is {header.get('format')!r}, not {kind!r}")
            yield file, header
    except (SafetensorError, *_UNREADABLE) as error:
        raise ValueError(f"{path} is not a readable {name}: {error}") from error
