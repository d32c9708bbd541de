"""Table 1, `python -m comparisons.table1`: all networks, three noise levels; and what they cost.

Its sets are bsd68, urban100, div2k10 and set12 under the protocol `standard`, cbsd68, urban100,
div2k10 and set14m2 under `paper`. The times are those of `comparisons.times`.
"""

from functools import partial

from comparisons.measure.published import paper_rows
from comparisons.quality import QualityTable
from comparisons.times import build_table, read_times
from raisr.command import run

TABLE = QualityTable(
    name="table1",
    heading="Table 1 (all networks)",
    rows=(
        "dncnn_trained",
        "carn16",
        "edsr16",
        "carn64",
        "edsr64",
        "red",
        "memnet",
        "focnet",
        "sgn",
        "cs_carn",
        "cs_edsr",
        "dncnn",
        "ffdnet",
    ),
    paper_rows=partial(paper_rows, "table1"),
    literature=True,
    notes=(
        "At sigma 25 under standard DnCNN, CARN64, EDSR64, RED, MemNet, FOCNet and SGN had seven "
        "minutes each of a GPU that eight or nine runs shared: their order tells of a short "
        "training, not of design.",
        "The second convolutions of that CARN64 have one group (1,200 kFLOPs), those of the "
        "paper's four (703).",
    ),
    sigmas=(15, 25, 50),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    TABLE.main(__doc__, arguments, more=[build_table(read_times())])


if __name__ == "__main__":
    run(main)
