"""Every compiled function of the package. All release the GIL and hold no global state."""

import logging

from numba import njit
from numba.core import event

__all__ = ["kernel"]

_OPTIONS = {"nogil": True, "error_model": "numpy"}


def kernel(function):
    """Compile a function on first use, and keep the result on disk where that is possible."""
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder for the cache can be written
        return njit(**_OPTIONS)(function)


class _Announcement(event.Listener):
    """Says once that kernels are being compiled: the first call takes seconds, not milliseconds."""

    def on_start(self, event):
        if not self.made and event.data["dispatcher"].__module__.startswith(__name__):
            self.made = True
            logging.getLogger("raisr").warning(
                "compiling the kernels of raisr for this processor; it takes some seconds, once"
            )

    def on_end(self, event):
        pass

    made = False


event.register("numba:compile", _Announcement())
