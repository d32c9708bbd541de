"""Pixels sorted by class on a GPU: once for all layers that see a class map.

Nothing is asked back from the device but whether the classes are in range, and that only where
steps are not being captured.
"""

import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from hybrid.csconv.gemm import check_range

__all__ = ["Groups", "SortedPixels", "sorted_pixels", "sorted_while_capturing"]

_KEPT = 8


class Groups(NamedTuple):
    """Sorted pixels, cut where the class changes, and to at most some length.

    As many as there can be, whatever the classes: the last ones are empty.

    Attributes
    ----------
    classes, firsts, ends : (G,) int64 tensors
        Class of each group, and the places of its pixels among the sorted ones.
    first_groups : (num_classes + 1,) int64 tensor
        First group of each class, and the number of those that are not empty.
    """

    classes: Tensor
    firsts: Tensor
    ends: Tensor
    first_groups: Tensor


class SortedPixels(NamedTuple):
    """Pixels of a class map, sorted by class.

    Attributes
    ----------
    order : (B * H * W,) int64 tensor
        With it, offsets into large images may pass 32 bits.
    groups, parts : Groups
        Of two lengths.
    """

    order: Tensor
    groups: Groups
    parts: Groups


_kept: deque = deque(maxlen=_KEPT)
_capture = {"keeps": False}


@contextmanager
def sorted_while_capturing() -> Iterator[None]:
    """Sort a class map once in what is captured inside, as it is done outside of captures.

    The map must be made inside: another capture that sees it would miss its sorting.
    """
    _kept.clear()
    _capture["keeps"] = True
    try:
        yield
    finally:
        _capture["keeps"] = False
        _kept.clear()


def sorted_pixels(
    classes: Tensor, num_classes: int, group_length: int, part_length: int
) -> SortedPixels:
    """Return the sorted pixels of a class map; those of the last few maps are kept.

    Parameters
    ----------
    classes : (B, H, W) integer tensor
    num_classes : int
    group_length, part_length : int

    Raises
    ------
    ValueError
        A class is out of range; not while steps are captured.
    """
    capturing = classes.is_cuda and torch.cuda.is_current_stream_capturing()
    lengths = num_classes, group_length, part_length
    if classes.is_inference() or (capturing and not _capture["keeps"]):
        return _sorted(classes, lengths, capturing)
    for known, version, wanted, pixels in tuple(_kept):
        if known() is classes and version == classes._version and wanted == lengths:
            return pixels
    pixels = _sorted(classes, lengths, capturing)
    _kept.appendleft((weakref.ref(classes), classes._version, lengths, pixels))
    return pixels


def _sorted(classes, lengths, capturing):
    num_classes, *both = lengths
    flat = classes.flatten()
    if not capturing:
        check_range(flat, num_classes)
    keys, order = torch.sort(flat, stable=True)
    bounds = torch.arange(num_classes + 1, device=flat.device, dtype=torch.int32)
    starts = torch.searchsorted(keys.int(), bounds)
    return SortedPixels(order, *(_groups(starts, len(flat), length) for length in both))


def _groups(starts, count, length):
    num_classes = len(starts) - 1
    numbers = (starts.diff() + length - 1) // length
    first_groups = torch.cat([numbers.new_zeros(1), numbers.cumsum(0)])
    group = torch.arange(count // length + num_classes, device=starts.device)
    classes = torch.searchsorted(first_groups, group, right=True).clamp_(max=num_classes) - 1
    firsts = starts[classes] + (group - first_groups[classes]) * length
    ends = torch.minimum(firsts + length, starts[classes + 1])
    return Groups(classes, firsts, ends, first_groups)
