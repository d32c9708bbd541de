"""Commands in processes forked from the tests, which have loaded and compiled what they need.

A command that Python starts anew loads packages and kernels first, a second or more each time.
"""

import contextlib
import os
import resource
import signal
import sys
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from subprocess import CompletedProcess

__all__ = ["Forked", "run_forked", "with_little_room"]

_LONG = 300  # seconds after which a process ends itself; a machine may be busy


class Forked:
    """A process that calls the `main` of a command; its streams are pipes, to be closed here."""

    def __init__(self, main, *arguments, stdout=None):
        (its_in, stdin), (out, its_out), (err, its_err) = (os.pipe() for _ in range(3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of libraries, all idle
            self.pid = os.fork()
        if not self.pid:
            for descriptor in (stdin, out, err):
                os.close(descriptor)
            _take_streams(its_in, stdout.fileno() if stdout else its_out, its_err)
            _call_and_exit(main, [*map(str, arguments)])
        for descriptor in (its_in, its_out, its_err):
            os.close(descriptor)
        self.stdin = os.fdopen(stdin, "wb")
        self.stdout, self.stderr = os.fdopen(out, "rb"), os.fdopen(err, "rb")
        self.returncode = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for stream in (self.stdout, self.stderr, self.stdin):
            stream.close()
        self.wait()

    def communicate(self, data=b""):
        """Write to its input, and read all of its output and errors meanwhile; then wait."""
        with ThreadPoolExecutor(2) as pool:
            told = [pool.submit(stream.read) for stream in (self.stdout, self.stderr)]
            with contextlib.suppress(BrokenPipeError), self.stdin:
                self.stdin.write(data)
        self.wait()
        return tuple(one.result() for one in told)

    def poll(self, options=os.WNOHANG):
        """Return its status, below 0 that of a signal, or None while it runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, options)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self):
        """Return its status when it has ended."""
        return self.poll(0)

    def send_signal(self, number):
        """Send a signal."""
        os.kill(self.pid, number)


def run_forked(main, *arguments, data=b"", stdout=None):
    """Call the `main` of a command in a forked process; return what `subprocess.run` would."""
    with Forked(main, *arguments, stdout=stdout) as process:
        out, err = process.communicate(data)
    return CompletedProcess(arguments, process.returncode, out, err)


def with_little_room(main, size):
    """Return a command as it is on a full disk: no file may have more bytes than that."""

    def limited(arguments):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return main(arguments)

    return limited


def _take_streams(*descriptors):
    """Have them as standard streams, with the buffers that Python gives a command of a shell."""
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")


def _call_and_exit(main, arguments):
    signal.alarm(_LONG)
    status = 1
    try:
        status = main(arguments) or 0
        sys.stdout.flush()
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
