"""Networks for every noise level, `python -m comparisons.networks`, beside FFDNet and DnCNN.

What the filters' result and the classes of its hash add to a small U-Net: twins that were trained
for equal times on one GPU.
"""

from comparisons.quality import QualityTable
from raisr.command import run

TABLE = QualityTable(
    name="networks",
    heading="Networks for every noise level",
    rows=(
        "noisy",
        "raisr_best",
        "hybrid_told",
        "hybrid_finest",
        "unet_small",
        "unet_small_bfloat16",
        "unet_small_plain",
        "unet_small_alone",
        "unet_base",
        "unet_base_bfloat16",
        "unet_base_classes",
        "unet_small_colour",
        "unet_small_colour_bfloat16",
        "unet_small_colour_longer",
        "unet_small_colour_classes",
        "unet_base_colour",
        "blind_edsr",
        "dncnn",
        "ffdnet",
    ),
    paper_rows=lambda sigma: {},
    literature=True,
    protocols=("standard",),
    known=("standard", "colour"),
    sigmas=(15, 25, 50),
    notes=(
        "All are told the noise level. Each U-Net had 9 minutes on an H100 that four to eight "
        "runs shared: twins had equal times, and those without classes or filters more steps. Then "
        "base went on for 50 minutes of most of a core, small for 75, their twins did not, and the "
        "small one for colours for 45. From what this was before others had started: the larger "
        "one, with 110 minutes of a core, and twins, longer and classes, with 50 each.",
        "hybrid.denoise takes the U-Net base, for colours the mean of two results of the small "
        "one, for the image as it is and turned; finest takes the mean of eight.",
        "kFLOPs are those of the networks; the filters of best cost 1.1 more.",
        "DnCNN's public weights are for one level each.",
    ),
)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables and write the files."""
    TABLE.main(__doc__, arguments)


if __name__ == "__main__":
    run(main)
