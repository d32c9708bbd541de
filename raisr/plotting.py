"""Pictures of a filter bank and of a class map.

`FilterBank.plot` imports this module when it is called: its annotations name FilterBank.
"""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from raisr.hashing import HashSpec, check_classes, resolve_spec
from raisr.validate import whole_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from raisr.filtering import FilterBank

__all__ = ["class_map_picture", "plot_bank"]


def class_map_picture(classes: ArrayLike, spec: HashSpec | str) -> np.ndarray:
    """Colour picture of a class map.

    Hue is the orientation, brightness the strength and saturation the coherence: flat regions
    are dark, edges bright, and an edge with one clear direction is colourful.

    Parameters
    ----------
    classes : (H, W) integer ndarray
        Class map, as `raisr.hash_image` returns it.
    spec : HashSpec or str
        What the classes mean, or the name of a preset.

    Returns
    -------
    picture : (H, W, 3) uint8
        RGB.

    Raises
    ------
    TypeError
        If `classes` does not hold integers.
    ValueError
        If `classes` has not two dimensions, or a class is not one of the spec's.

    Examples
    --------
    >>> from raisr import HashSpec
    >>> class_map_picture(np.array([[0, 71]]), HashSpec.preset("csconv")).shape
    (1, 2, 3)
    """
    spec = resolve_spec(spec)
    classes = check_classes(classes, spec)
    orientations, strengths, coherences = spec.shape
    indices = _class_indices(spec)
    colours = np.empty((indices.size, 3))
    for (o, s, c), index in np.ndenumerate(indices):
        hue, saturation, value = o / orientations, (c + 0.5) / coherences, (s + 0.5) / strengths
        colours[index] = colorsys.hsv_to_rgb(hue, saturation, value)
    return np.rint(255 * colours).astype(np.uint8)[classes % indices.size]


def plot_bank(bank: FilterBank, stage: int = 0) -> Figure:
    """Show every filter of one stage.

    One row a strength and coherence, weakest above; one column an orientation. A stage that
    reads several planes has a mosaic for each, side by side and on the same colour scale, which is
    linear near zero and logarithmic beyond: the taps around the centre are small against it.

    Parameters
    ----------
    bank : FilterBank
        Its `stages` are shown one at a time.
    stage : int
        Index into ``bank.stages``.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Independent of pyplot: save it with ``figure.savefig(path)``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    IndexError
        If the bank has no such stage.
    """
    try:
        from matplotlib.colors import AsinhNorm
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plotting needs matplotlib: pip install '.[plot]'") from error

    index = whole_number(stage)
    if index is None or not 0 <= index < len(bank.stages):
        raise IndexError(f"stage must be 0 to {len(bank.stages) - 1}, got {stage}")
    stage = index
    spec, filters = bank.stages[stage].spec, bank.stages[stage].filters
    planes, size = filters.shape[1:3]
    mosaics = [_mosaic(filters[_class_indices(spec), plane]) for plane in range(planes)]
    height, width = mosaics[0].shape
    inches = max(3.0, 0.04 * width)
    figure = Figure(
        figsize=(planes * inches + 2.2, inches * height / width + 1.2), layout="compressed"
    )
    limit = float(np.abs(filters).max()) or 1.0
    axes = figure.subplots(1, planes, squeeze=False)[0]
    for plane, (ax, mosaic) in enumerate(zip(axes, mosaics, strict=True)):
        norm = AsinhNorm(limit / 20, vmin=-limit, vmax=limit)
        image = ax.imshow(mosaic, cmap="RdBu_r", norm=norm, interpolation="nearest")
        _label_bins(ax, spec, size + 1)
        if planes > 1:
            ax.set_title(f"plane {plane}")
    ticks = [-limit, -limit / 5, 0, limit / 5, limit]  # far apart on this scale
    figure.colorbar(
        image, ax=axes, label="filter tap", ticks=ticks, format="%.2g", aspect=30, fraction=0.05
    )
    figure.suptitle(f"Stage {stage}: classes {spec.num_classes}, filters {size} x {size}")
    return figure


def _class_indices(spec: HashSpec) -> np.ndarray:
    """Class index of every (orientation, strength, coherence), at the first place in a block."""
    bins = np.indices(spec.shape)
    return np.tensordot(np.array(spec.strides), bins, axes=1)


def _mosaic(filters: np.ndarray) -> np.ndarray:
    """Lay filters (O, S, C, k, k) out in S * C rows and O columns, with a blank line between."""
    orientations, strengths, coherences, size, _ = filters.shape
    tiles = np.full((strengths, coherences, size + 1, orientations, size + 1), np.nan, np.float32)
    tiles[:, :, :size, :, :size] = filters.transpose(1, 2, 3, 0, 4)
    return tiles.reshape(strengths * coherences * (size + 1), -1)[:-1, :-1]


def _label_bins(ax: Axes, spec: HashSpec, pitch: int) -> None:
    """Name the columns by their angle and the rows by their bins."""
    orientations, strengths, coherences = spec.shape
    centre = (pitch - 2) / 2
    angles = [f"{180 * (o + 0.5) / orientations:.0f}" for o in range(orientations)]
    angles = angles if orientations > 1 else ["any"]
    ax.set_xticks(pitch * np.arange(orientations) + centre, angles)
    ax.set_xlabel("orientation of the gradient (degrees from the row axis)")
    if strengths * coherences <= 25:
        rows = [f"{s}, {c}" for s in range(strengths) for c in range(coherences)]
        ax.set_yticks(pitch * np.arange(len(rows)) + centre, rows)
        ax.set_ylabel("strength bin, coherence bin")
    else:
        group = pitch * coherences
        ax.set_yticks(group * np.arange(strengths) + (group - 2) / 2, [*range(strengths)])
        ax.set_ylabel(f"strength bin (each: coherence 0 to {coherences - 1} downwards)")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
