"""Names beside points, where there is room."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

_NEAR = 2.5  # points from the middle of a marker that labels keep clear
_FAR = 10.0  # points beyond which a label needs a leader
_SMALL = 6.5
# Where labels of the small size may stand, in points from theirs; the nearest first.
_PLACES = [
    (x * far, y * far)
    for far in range(1, 8)
    for x, y in ((0, 7), (0, -7), (5, 0), (-5, 0), (5, 6), (-5, 6), (5, -6), (-5, -6))
]


@dataclass(frozen=True)
class Label:
    """A name, the point of the data that it is of, its size, and what else `annotate` takes."""

    text: str
    point: tuple[float, float]
    size: float = _SMALL
    style: dict[str, Any] = field(default_factory=dict)


def labels_of_lines(axes: Axes) -> list[Label]:
    """Return the label of each line of `axes`, a single point."""
    return [
        Label(str(line.get_label()), tuple(np.array(line.get_xydata())[0]))
        for line in axes.get_lines()
    ]


def label_points(axes: Axes, labels: Sequence[Label], avoid: Sequence[Bbox] = ()) -> None:
    """Write each label beside its point, at the first place that hides no point or label.

    Call it when everything else is drawn; a label that stands away from its point gets a leader.

    Parameters
    ----------
    axes : Axes
    labels : sequence of Label
    avoid : sequence of Bbox
        What else labels keep clear of, in pixels: a legend, say.
    """
    spots = [axes.transData.transform(label.point) for label in labels]
    near = _NEAR * axes.figure.dpi / 72
    taken = [Bbox.from_bounds(x - near, y - near, 2 * near, 2 * near) for x, y in spots]
    taken += avoid
    for label in labels:
        places = [(x * label.size / _SMALL, y * label.size / _SMALL) for x, y in _PLACES]
        for shift in places:
            name = _write(axes, label, shift)
            box = name.get_window_extent()
            inside = axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max)
            if (inside and box.count_overlaps(taken) == 0) or shift == places[-1]:
                break
            name.remove()
        taken.append(box)
        if math.hypot(*shift) > _FAR * label.size / _SMALL:
            leader = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0}
            axes.annotate("", label.point, shift, textcoords="offset points", arrowprops=leader)


def _write(axes: Axes, label: Label, shift: tuple[float, float]) -> Annotation:
    return axes.annotate(
        label.text,
        label.point,
        shift,
        textcoords="offset points",
        ha="center" if shift[0] == 0 else "left" if shift[0] > 0 else "right",
        va="center",
        fontsize=label.size,
        **label.style,
    )
