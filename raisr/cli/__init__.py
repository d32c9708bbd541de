"""The command line: `raisr denoise`, `raisr learn` and all the others."""

import logging
import sys
from collections.abc import Sequence

from raisr.cli.checks import describe
from raisr.cli.parser import build_parser
from raisr.command import ended_by_signal, flush_or_drop

__all__ = ["build_parser", "main"]

_BAD_INPUT = (
    ValueError,
    TypeError,
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default: those of the process.

    Returns
    -------
    status : int
        0 if all is done, 1 if some work failed, 2 for bad input, 130 after Ctrl-C, 143
        after SIGTERM.
    """
    arguments = build_parser().parse_args(argv)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # its errors are raised as well
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may be bytes in no encoding
    try:
        with ended_by_signal() as ended:
            status = arguments.run(arguments)
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of the output, such as `head`, has seen enough
        flush_or_drop()
        return 0
    except KeyboardInterrupt as stop:
        print(": ".join(["raisr: interrupted", *map(str, stop.args)]), file=sys.stderr)
        return ended()
    except MemoryError:
        print("raisr: not enough memory for this picture", file=sys.stderr)
        return 1
    except (OSError, ValueError, TypeError) as error:
        print(f"raisr: {describe(error)}", file=sys.stderr)
        flush_or_drop()
        return 2 if isinstance(error, _BAD_INPUT) else 1
