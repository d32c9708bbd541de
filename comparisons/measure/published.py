"""The numbers that the paper and the literature print, from `published.toml`."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_OTHER_IMAGES = "†"


@dataclass(frozen=True)
class Row:
    """One printed method.

    Attributes
    ----------
    cells : dict
        Our name of a set -> the printed numbers: PSNR and SSIM, PSNR alone, or one error.
    kflops : float or None
        Printed cost in kFLOPs per pixel.
    """

    kflops: float | None = None
    cells: dict[str, tuple[float, ...]] = field(default_factory=dict)


@cache
def published() -> dict[str, Any]:
    """Return the content of `published.toml`."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def paper_rows(table: str, sigma: float) -> dict[str, Row]:
    """Return the rows of "table1", "table2" or "table3" at a noise level, by method.

    There is none at a level that the table does not have.
    """
    costs = published()["table1"]["kflops_per_pixel"]
    rows = _paper_rows(table, f"{sigma:g}")
    return {method: Row(costs.get(method), cells) for method, cells in rows.items()}


def paper_network_rows(table: str, network: str, sigma: float) -> dict[str, Row]:
    """Return the rows of "table4" or "table5" of a network, "EDSR" or "CARN", by label.

    There is none at a level that the table does not have.
    """
    if published()[table]["sigma"] != sigma:
        return {}
    rows = _paper_rows(table, network)
    return {f"CS-{network}, {kind}": Row(cells=cells) for kind, cells in rows.items()}


def _paper_rows(table: str, group: str) -> dict[str, dict[str, tuple[float, ...]]]:
    rows: dict[str, dict[str, tuple[float, ...]]] = {}
    for theirs, ours in published()["paper"]["datasets"].items():
        for label, printed in published()[table][theirs].get(group, {}).items():
            numbers = printed if isinstance(printed, list) else [printed]
            rows.setdefault(label, {})[ours] = tuple(numbers)
    return rows


def paper_kflops(method: str) -> float | None:
    """Return the cost that the paper prints for a method, in kFLOPs per pixel, if it does."""
    table = published()["table1"]
    return (table["kflops_per_pixel"] | table["caption_kflops_per_pixel"]).get(method)


def other_images_mark(dataset: str) -> str:
    """Return the mark of the paper's numbers on a set whose images are not quite ours."""
    return _OTHER_IMAGES if dataset in published()["paper"]["other_images"] else ""


def paper_notes() -> list[str]:
    """Return what to say under a table with numbers of the paper."""
    paper = published()["paper"]
    return [
        f"{_OTHER_IMAGES} the paper measured whole images, we have crops: do not compare.",
        f"The paper: {paper['authors']}, {paper['title']}, {paper['venue']}.",
    ]


def literature_rows(protocol: str, sigma: float) -> dict[str, Row]:
    """Return the literature's rows (PSNR alone) under a protocol at a noise level, by method."""
    rows: dict[str, Row] = {}
    for dataset, levels in published()["literature"]["psnr"].get(protocol, {}).items():
        for method, psnr in levels.get(f"{sigma:g}", {}).items():
            rows.setdefault(method, Row()).cells[dataset] = (psnr,)
    return rows


def literature_source(method: str) -> str:
    """Return where the literature's numbers of a method come from."""
    return published()["literature"]["sources"][method]
