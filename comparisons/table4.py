"""Table 4, `python -m comparisons.table4`: CS-EDSR with classes of several origins."""

from comparisons.measure.published import Row, paper_network_rows, paper_rows
from comparisons.quality import QualityTable
from raisr.command import run


def printed(sigma: float) -> dict[str, Row]:
    """Return the paper's rows: CS-EDSR of its table 4, at sigma 25, below EDSR16 of its table 1."""
    plain = paper_rows("table1", sigma).get("EDSR16")
    class_specific = paper_network_rows("table4", "EDSR", sigma)
    return ({"EDSR16": plain} if plain else {}) | class_specific


TABLE = QualityTable(
    name="table4",
    heading="Table 4 (where classes come from)",
    rows=("edsr16", "cs_edsr_noisy", "cs_edsr", "cs_edsr_denoised", "cs_edsr_clean"),
    paper_rows=printed,
    notes=(
        "CS-EDSR: classes that PCN predicts from the noisy image (PCN+N).",
        "CS-EDSR, RAISR+N: classes of the noisy image itself, without PCN.",
        "CS-EDSR, RAISR+D: classes of what raisr.denoise makes of the noisy image, in bins that it "
        "fills evenly, and filters that share a part while they are learned; not in the paper.",
        "CS-EDSR, RAISR+C is an oracle: classes of the clean image.",
    ),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    TABLE.main(__doc__, arguments)


if __name__ == "__main__":
    run(main)
