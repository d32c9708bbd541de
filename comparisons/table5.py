"""Table 5, `python -m comparisons.table5`: CS-EDSR and CS-CARN with more and fewer classes."""

from comparisons.measure.published import Row, paper_network_rows, paper_rows
from comparisons.quality import QualityTable
from raisr.command import run


def printed(sigma: float) -> dict[str, Row]:
    """Return the paper's rows: those of its table 5, at sigma 25, below its plain networks."""
    plain = paper_rows("table1", sigma)
    rows = {}
    for network in ("EDSR", "CARN"):
        if f"{network}16" in plain:
            rows[f"{network}16"] = plain[f"{network}16"]
        rows |= paper_network_rows("table5", network, sigma)
    return rows


TABLE = QualityTable(
    name="table5",
    heading="Table 5 (number of classes)",
    rows=(
        "edsr16",
        "cs_edsr_4x2x2",
        "cs_edsr",
        "cs_edsr_16x6x6",
        "carn16",
        "cs_carn_4x2x2",
        "cs_carn",
        "cs_carn_16x6x6",
    ),
    paper_rows=printed,
    notes=(
        "4x2x2: bins of orientation, strength and coherence; CS-EDSR and CS-CARN have 8x3x3.",
        "All classes are those that PCN predicts from the noisy image.",
    ),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    TABLE.main(__doc__, arguments)


if __name__ == "__main__":
    run(main)
