"""What the commands `python -m ...` of the project share: one-line errors and their exit status."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

__all__ = ["Parser", "run"]


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line on stderr, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message and leave."""
        self.exit(2, f"error: {message}\n")


def run(main: Callable[[], None]) -> None:
    """Run a command: an expected error is one line on stderr and exit status 2."""
    try:
        main()
    except KeyboardInterrupt as stop:
        print(": ".join(["interrupted", *map(str, stop.args)]), file=sys.stderr)
        sys.exit(130)
    except (OSError, ValueError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
