"""The channels of a page that are filtered together, without what alpha hides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from raisr.cli.planes import alpha_channel, fill_hidden, is_measured, straight
from raisr.io import Page
from raisr.io.picture import ASSOCIATED, BAND

__all__ = ["change_groups", "filter_visible", "groups_of", "hidden_of", "restored"]


def groups_of(page: Page) -> list[list[int]]:
    """Return the channels that are filtered together: the colours, and each band."""
    colours = np.atleast_3d(page.pixels).shape[2] - len(page.extra)
    bands = [[colours + place] for place, name in enumerate(page.extra) if name == BAND]
    return [list(range(colours)), *bands]


def change_groups(
    page: Page, change: Callable[[np.ndarray, np.ndarray | None, bool], tuple[np.ndarray, Any]]
) -> tuple[Page, list[Any]]:
    """Change the colours and each band of a page, and return what was told of each.

    `change` takes the values, (H, W) or (H, W, 3), the alpha channel or None, and whether the
    values are times alpha; it returns others and what it did. Alpha stays as it is.
    """
    samples = np.atleast_3d(page.pixels)
    alpha = alpha_channel(page)
    result = samples.copy()
    told = []
    for group in groups_of(page):
        values = samples[..., group[0]] if len(group) == 1 else samples[..., group]
        changed, facts = change(values, alpha, ASSOCIATED in page.extra and group[0] == 0)
        result[..., group] = np.atleast_3d(changed)
        told.append(facts)
    return Page(result.reshape(page.pixels.shape), page.metadata), told


def hidden_of(alpha: np.ndarray | None) -> np.ndarray | None:
    """Return where alpha hides a pixel, (H, W); None where it hides none."""
    return alpha == 0 if alpha is not None and not np.all(alpha) else None


def filter_visible(
    values: np.ndarray,
    alpha: np.ndarray | None,
    premultiplied: bool,
    run: Callable[[np.ndarray, np.ndarray | None], np.ndarray | None],
) -> np.ndarray:
    """Filter a group of channels, and leave what alpha hides as it is.

    `run` takes colours that are not times alpha, of a type that the library knows, and where
    alpha hides them; what is there has been filled. It returns others, or None for no change.
    """
    hidden, share, pedestal, work = hidden_of(alpha), None, 0, values
    if premultiplied and alpha is not None:
        work, share = straight(values, alpha)
    elif is_measured(values.dtype):
        pedestal = int(values.min())
        work = (values.astype(np.float64) - pedestal).astype(np.float32)
    if hidden is not None:
        work = fill_hidden(work, hidden)
    filtered = run(work, hidden)
    if filtered is None:
        return values
    if share is not None:
        if values.dtype.kind in "ui":  # no colour times alpha is above alpha
            filtered = np.clip(filtered, 0, np.iinfo(values.dtype).max)
        filtered = filtered * share
    if filtered.dtype != values.dtype:
        filtered = restored(filtered, pedestal, values.dtype)
    if hidden is not None:
        filtered[hidden] = values[hidden]
    return filtered


def restored(filtered: np.ndarray, pedestal: int, dtype: np.dtype) -> np.ndarray:
    """Return a result less a pedestal in another type; integers are rounded and clipped."""
    if dtype.kind == "f":
        return filtered.astype(dtype)
    limits = np.iinfo(dtype)
    exact = np.rint(filtered.astype(np.float64)) + pedestal
    return np.clip(exact, limits.min, limits.max).astype(dtype)
