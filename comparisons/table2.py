"""Table 2, `python -m comparisons.table2`: learned filters on real images, beside the paper."""

from functools import partial

from comparisons.measure.published import paper_rows
from comparisons.quality import QualityTable
from raisr.command import run

TABLE = QualityTable(
    name="table2",
    heading="Table 2",
    rows=(
        "noisy",
        "raisr_n",
        "raisr_c",
        "raisr_fast",
        "raisr_best",
        "kpn",
        "kpn_plus",
        "kpn_plus_longer",
        "edsr16",
        "cs_edsr",
        "cs_edsr_denoised",
        "hybrid",
        "carn16",
        "cs_carn",
        "dncnn",
        "ffdnet",
    ),
    paper_rows=partial(paper_rows, "table2"),
    literature=True,
    notes=(
        "RAISR+N is the paper's RAISR: 72 filters of 7x7, classes of the noisy image.",
        "hybrid.denoise: a U-Net behind the filters of best, for every level, which it estimates.",
        "KPN+, longer: KPN+ after 615 more steps, those of 16 crops of 96x96.",
        "RAISR+C is an oracle: the same, with the classes of the clean image.",
    ),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    TABLE.main(__doc__, arguments)


if __name__ == "__main__":
    run(main)
