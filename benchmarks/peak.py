"""The most memory that a process has held."""

from pathlib import Path

__all__ = ["peak_memory"]


def peak_memory() -> int:
    """Return the largest resident set of this process since it was started, in bytes.

    `getrusage` would tell that of the process from which this one was forked, too.
    """
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])
