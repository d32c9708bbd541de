"""Every compiled function of the package. All release the GIL and hold no global state."""

import hashlib
import logging
import os
from functools import cache
from pathlib import Path

from numba import njit
from numba.core import event

__all__ = ["kernel", "outlined", "subkernel", "variant"]

# Wrappers for those who do not call take a fourth of the time that all compiling does.
_OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_CALLED = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True}
_OUTLINED = {"no_cfunc_wrapper": False, "no_cpython_wrapper": True}


def kernel(function):
    """Compile a function on first use, and keep the result on disk where that is possible."""
    return _compiled(function, _OPTIONS)


def subkernel(function):
    """Compile a function that kernels call, as `kernel` does: Python would call address 0."""
    return _compiled(function, _OPTIONS | _CALLED)


def outlined(function, name=None):
    """Compile a function that kernels call by its address; see `raisr.kernels.calls`.

    One of several that are made in one place has a name of its own, as in `variant`.
    """
    if name is not None:
        function.__name__ = function.__qualname__ = name
    return _compiled(function, _OPTIONS | _OUTLINED)


def _compiled(function, options):
    try:
        dispatcher = njit(cache=True, **options)(function)
        # Numba's cache looks at the kernel's own file only; what is inlined into it counts as well.
        disk = dispatcher._cache
        plain_key = disk._index_key
        disk._cache_file = _Files(disk._cache_file)
    except (RuntimeError, AttributeError):
        # No folder for the cache can be written, or this Numba keeps its key elsewhere: a kernel
        # that is compiled each time is slow to start, one of old sources would be wrong.
        return njit(**options)(function)
    home = Path(function.__code__.co_filename).parent
    disk._index_key = lambda *arguments: (*plain_key(*arguments), _inlined_code(home))
    return dispatcher


def variant(function, name):
    """Compile one of several functions that kernels call, made in one place, under its own name.

    Numba tells compiled functions apart by their name, types and a counter. Code that several
    processes kept on disk meets in one process with equal counters: of functions of one name and
    of equal types, all callers would get the first.
    """
    function.__name__ = function.__qualname__ = name
    return njit(**_CALLED)(function)


class _Files:
    """The cached files of a kernel, with an index of their own for each of its signatures.

    Numba has one index for all. Two processes that add to it at once take the same file for two
    signatures, and whoever loads it runs the code of the other one: without an error, wrong.
    """

    def __init__(self, shared):
        self._kind, self._stamp = type(shared), shared._source_stamp
        self._folder, self._name = shared._cache_path, shared._index_name.removesuffix(".nbi")

    def load(self, key):
        return self._of(key).load(key)

    def save(self, key, data):
        try:
            self._of(key).save(key, data)
        except OSError as error:  # a full disk, say: what is compiled works nevertheless
            _say_that_nothing_is_kept(self._folder, error.strerror)

    def _of(self, key):
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self._kind(self._folder, f"{self._name}.{digest}", self._stamp)


@cache
def _say_that_nothing_is_kept(folder, why):
    logging.getLogger("raisr").warning(
        "%s: %s; kernels are not kept there, and the next process compiles them again", folder, why
    )


@cache
def _inlined_code(home):
    """Return a digest of the sources of all compiled code, and of what chooses among them.

    `home` is the folder of a kernel, which may be another package's.
    """
    here = Path(__file__).parent
    sources = {*here.glob("*.py"), *here.parent.glob("*simd*.py"), *home.glob("*.py")}
    digest = hashlib.sha256(os.environ.get("RAISR_VECTOR", "").encode())
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()


class _Announcement(event.Listener):
    """Says once that kernels are being compiled: the first call takes seconds, not milliseconds."""

    def on_start(self, event):
        module = getattr(event.data.get("dispatcher"), "__module__", "")
        if not self.made and module.startswith(__name__):
            self.made = True
            logging.getLogger("raisr").warning(
                "compiling the kernels of raisr for this processor; it takes some seconds, once"
            )

    def on_end(self, event):
        pass

    made = False


event.register("numba:compile", _Announcement())
