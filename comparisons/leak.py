"""The leak, `python -m comparisons.leak`: classes from another noisy version of the same image.

In the paper's public code PCN sees an independent draw of the noise, of sigma 25 by default: a
second observation of the clean image, which no denoiser has. These rows tell what that is worth,
beside what the paper gains by classes. They are no results of the method.
"""

from comparisons.draw.tables import Section, Table
from comparisons.measure.published import Row, other_images_mark, paper_notes, paper_rows
from comparisons.quality import QualityTable
from raisr.command import run
from raisr.datasets import dataset_label

_PLAIN, _CLASS_SPECIFIC = "EDSR16", "CS-EDSR"
_PAPER_SIGMAS = (15, 25, 50)


def printed(sigma: float) -> dict[str, Row]:
    """Return the paper's rows of EDSR16 and CS-EDSR, from its table 1."""
    rows = paper_rows("table1", sigma)
    return {label: rows[label] for label in (_PLAIN, _CLASS_SPECIFIC) if label in rows}


def paper_gains() -> Table:
    """Return what classes gain in the paper's table 1, by noise level."""
    sets = list(printed(_PAPER_SIGMAS[0])[_PLAIN].cells)
    rows = []
    for sigma in _PAPER_SIGMAS:
        plain, class_specific = printed(sigma).values()
        gains = [class_specific.cells[name][0] - plain.cells[name][0] for name in sets]
        cells = [
            f"{gain:+.2f}{other_images_mark(name)}" for gain, name in zip(gains, sets, strict=True)
        ]
        rows.append((f"sigma {sigma}", *cells))
    return Table(
        f"The paper's gain, protocol paper: PSNR (dB) of {_CLASS_SPECIFIC} less {_PLAIN}",
        ("noise", *map(dataset_label, sets)),
        (Section("computed from the paper's table 1", tuple(rows)),),
        tuple(paper_notes()),
    )


TABLE = QualityTable(
    name="leak",
    heading="Leak (what PCN sees)",
    rows=("edsr16", "cs_edsr", "cs_edsr_draw", "cs_edsr_draw25"),
    paper_rows=printed,
    sigmas=(25, 50),
    notes=(
        "CS-EDSR: PCN sees the noisy image that is denoised, as everywhere else.",
        "another draw: PCN sees the clean image with independent noise, in training and here, as "
        "in the paper's public code: no denoiser has that.",
    ),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    TABLE.main(__doc__, arguments, more=[paper_gains()])


if __name__ == "__main__":
    run(main)
