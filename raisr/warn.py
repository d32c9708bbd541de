"""Warnings that point at the line that called the package."""

import sys
import warnings

_PACKAGE = __name__.partition(".")[0]


def warn_caller(message, inside=(_PACKAGE,)):
    """Issue a UserWarning at the innermost line that is not of the packages `inside`."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in inside:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)
