"""Descriptions of a TIFF page that tell its size, which a turned or enlarged page has no more."""

import itertools
import re

__all__ = ["of_size"]

_SHAPED = re.compile(rb'\{"shape": \[(\d[0-9, ]*)\]')
_PIXELS = re.compile(rb"<(?:\w+:)?Pixels\s[^>]*>")


def of_size(description: bytes, shape: tuple[int, ...], planar: bool) -> bytes:
    """Return a description as that of a page of some shape, as it is written.

    Those of tifffile tell a shape, those of OME also the size of a pixel, which shrinks as their
    number grows. All others come back as they are.
    """
    height, width = shape[1:] if planar else shape[:2]
    if found := _SHAPED.match(description):
        told = [int(number) for number in found[1].split(b",")]
        if (height, width) in itertools.pairwise(told):
            return description
        new = [*told[: -len(shape)], *shape]
        return description.replace(found[1], ", ".join(map(str, new)).encode(), 1)
    if b"<OME" in description or b":OME" in description:
        return _PIXELS.sub(lambda found: _pixels_of_size(found[0], height, width), description)
    return description


def _pixels_of_size(element: bytes, height: int, width: int) -> bytes:
    for axis, length in ((b"X", width), (b"Y", height)):
        size = re.search(rb'\bSize%s="([1-9]\d*)"' % axis, element)
        if size is None:
            continue
        shrinks = int(size[1]) / length

        def shrunk(found: re.Match[bytes], factor: float = shrinks) -> bytes:
            return found[1] + f"{float(found[2]) * factor:.9g}".encode()

        if shrinks != 1:
            element = re.sub(
                rb'(\bPhysicalSize%s=")(\d+\.?\d*(?:[eE]-?\d+)?)' % axis, shrunk, element
            )
            element = re.sub(rb'(\bSize%s=")\d+' % axis, rb"\g<1>%d" % length, element)
    return element
