"""Colour images, `python -m comparisons.photographs`: white noise, beside what users pick today.

Below stands what `python -m comparisons.real_noise` measured of other noise.
"""

from comparisons import real_noise
from comparisons.quality import QualityTable
from raisr.command import run
from raisr.provenance import read_json

TABLE = QualityTable(
    name="photographs",
    heading="Colour images",
    rows=(
        "noisy",
        "raisr_fast",
        "raisr_best",
        "hybrid_small",
        "hybrid_told",
        "hybrid",
        "hybrid_finest",
        "opencv_nl_means_colour",
        "nl_means_colour",
        "cbm3d",
    ),
    paper_rows=lambda sigma: {},
    literature=True,
    protocols=("colour",),
    known=("colour",),
    sigmas=(15, 25, 50),
    datasets=("sample_colour",),
    notes=(
        "hybrid.denoise: the mean of two results of a small U-Net behind the filters of best, one "
        "for every level, for the image as it is and turned; small takes one, finest eight. It is "
        "told the level, or estimates it.",
        "scikit-image and OpenCV: settings that are best on training images at sigma 25.",
    ),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    measured = read_json(real_noise.RESULT)
    TABLE.main(__doc__, arguments, [real_noise.table(measured)] if measured else [])


if __name__ == "__main__":
    run(main)
