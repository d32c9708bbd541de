"""What the commands `python -m ...` of the project share: one-line errors and their exit status."""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

__all__ = ["Parser", "ended_by_signal", "flush_or_drop", "run"]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line on stderr, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message and leave."""
        self.exit(2, f"error: {message}\n")


@contextlib.contextmanager
def ended_by_signal() -> Iterator[Callable[[], int]]:
    """Let SIGTERM end work as Ctrl-C does: it is cleaned up, and told how to go on.

    Yields a function that returns the exit status of a command that was ended: 130, or 143.
    """
    status = 128 + signal.SIGINT
    if threading.current_thread() is not threading.main_thread():
        yield lambda: status
        return

    def end(number: int, _: object) -> NoReturn:
        nonlocal status
        status = 128 + number
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield lambda: status
    finally:
        signal.signal(signal.SIGTERM, before)


def flush_or_drop() -> None:
    """Write what standard output holds; what it cannot take is no further error at the end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(main: Callable[[], None]) -> None:
    """Run a command: an expected error is one line on stderr and exit status 2."""
    try:
        with ended_by_signal() as ended:
            main()
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        print(": ".join(["interrupted", *map(str, stop.args)]), file=sys.stderr)
        sys.exit(ended())
    except (OSError, ValueError, FloatingPointError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        flush_or_drop()
        sys.exit(2)
