"""The channels of a page that are filtered together, without what alpha hides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from raisr.cli.planes import alpha_channel, fill_hidden, less_pedestal, straight, white_of
from raisr.io import Page
from raisr.io.picture import ASSOCIATED, BAND

__all__ = ["Group", "change_groups", "groups_of", "restored"]


class Group(NamedTuple):
    """Channels that are filtered together, and where; `part` counts without alpha.

    Filters take `work`: straight where `values` were multiplied by `share`, measured values less
    a pedestal, and visible ones in the place of the `hidden`.
    """

    channels: list[int]
    part: slice
    values: np.ndarray
    hidden: np.ndarray | None
    work: np.ndarray
    share: np.ndarray | None
    pedestal: int

    @property
    def is_hidden(self) -> bool:
        """Whether alpha hides all of it."""
        return self.hidden is not None and bool(self.hidden.all())

    def options(self, white: float | None) -> dict[str, Any]:
        """Return how to read `work`: the axis of its channels and its white, if not told."""
        return {"channel_axis": self.axis, "data_range": white_of(self.values, white)}

    @property
    def axis(self) -> int | None:
        """Axis of the channels of `work`."""
        return None if self.work.ndim == 2 else -1

    @property
    def visible(self) -> np.ndarray:
        """The smallest rectangle of `work` that holds all that is visible."""
        if self.hidden is None or self.is_hidden:
            return self.work
        rows, columns = (np.flatnonzero((~self.hidden).any(axis=axis)) for axis in (1, 0))
        return self.work[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    def restored(self, filtered: np.ndarray) -> np.ndarray:
        """Return what was made of `work` as values of the file; what is hidden stays."""
        dtype = self.values.dtype
        if self.share is not None:
            if dtype.kind in "ui":  # no colour times alpha is above alpha
                filtered = np.clip(filtered, 0, np.iinfo(dtype).max)
            filtered = filtered * self.share
        if filtered.dtype != dtype:
            filtered = restored(filtered, self.pedestal, dtype)
        if self.hidden is not None:
            filtered[self.hidden] = self.values[self.hidden]
        return filtered


def change_groups(
    page: Page, change: Callable[[Group], tuple[np.ndarray | None, Any]]
) -> tuple[Page, list[Any]]:
    """Change the colours and each band of a page, and return what was told of each.

    `change` returns other values of the file, or None for no change, and what it did. Alpha stays
    as it is.
    """
    result, told = np.atleast_3d(page.pixels).copy(), []
    for group in groups_of(page):
        changed, facts = change(group)
        if changed is not None:
            result[..., group.channels] = np.atleast_3d(changed)
        told.append(facts)
    return Page(result.reshape(page.pixels.shape), page.metadata), told


def groups_of(page: Page) -> Iterator[Group]:
    """Yield the colours of a page, then each of its bands."""
    samples, alpha, first = np.atleast_3d(page.pixels), alpha_channel(page), 0
    hidden = alpha == 0 if alpha is not None and not np.all(alpha) else None
    colours = samples.shape[2] - len(page.extra)
    bands = [[colours + place] for place, name in enumerate(page.extra) if name == BAND]
    for channels in (list(range(colours)), *bands):
        values = samples[..., channels[0] if len(channels) == 1 else channels]
        part = slice(first, first + len(channels))
        share, pedestal = None, 0
        if alpha is not None and ASSOCIATED in page.extra and channels[0] == 0:
            work, share = straight(values, alpha)
        else:
            work, pedestal = less_pedestal(values)
        if hidden is not None and not hidden.all():
            work = fill_hidden(work, hidden)
        yield Group(channels, part, values, hidden, work, share, pedestal)
        first += len(channels)


def restored(filtered: np.ndarray, pedestal: int, dtype: np.dtype) -> np.ndarray:
    """Return a result less a pedestal in another type; integers are rounded and clipped."""
    if dtype.kind == "f":
        return filtered.astype(dtype)
    limits = np.iinfo(dtype)
    exact = np.rint(filtered.astype(np.float64)) + pedestal
    return np.clip(exact, limits.min, limits.max).astype(dtype)
