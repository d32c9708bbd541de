"""The training runs that have ended, `python -m comparisons.training_runs`, and what they teach.

Facts come from the headers of the weights. The remedies are short runs from the same plain network,
scored on the images of bsd400 that are held back from training; `docs/findings.md` discusses them.
"""

from pathlib import Path
from typing import Any

from comparisons import command
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.store import COMMITTED
from raisr.command import Parser, run
from raisr.provenance import read_json, write_json

CONFIGS = Path(__file__).with_name("runs")
PATH = COMMITTED / "runs.json"
_REMEDIES = {  # the plain network first
    "remedy_plain": "EDSR16, no classes",
    "remedy_none": "PCN+N, 8x3x3: the paper's classes",
    "remedy_denoised_even": "RAISR+D, 8x3x3 in evenly filled bins",
    "remedy_shared": "PCN+N, 8x3x3, a shared part of filters",
    "remedy_draw": "PCN on another noisy version (a leak)",
}
_LEAKS = {
    "edsr16_standard_50": "EDSR16, no classes",
    "cs_edsr16_pcn_standard_50": "PCN+N: PCN sees the image that is denoised",
    "cs_edsr16_draw_standard_50": "PCN on another noisy version, sigma 50",
    "cs_edsr16_draw25_standard_50": "PCN on another noisy version, sigma 25",
}
_PAIRS = {  # the plain network, and its class-specific twin
    **{
        f"EDSR, {blocks} blocks of {features} features, short": (
            f"figure7_b{blocks}f{features}_standard_25",
            f"figure7_cs_b{blocks}f{features}_standard_25",
        )
        for blocks, features in ((16, 8), (8, 16), (16, 16), (32, 16), (16, 32))
    },
    "CARN16": ("carn16_standard_25", "cs_carn16_pcn_standard_25"),
    "CARN16, seed 1": ("carn16_seed1_standard_25", "cs_carn16_pcn_seed1_standard_25"),
    "EDSR16": ("edsr16_standard_25", "cs_edsr16_pcn_standard_25"),
    "EDSR16, seed 1": ("edsr16_seed1_standard_25", "cs_edsr16_pcn_seed1_standard_25"),
}
_UNETS = {
    "small, the noisy image alone": "unet_small_start",
    "the same for longer": "unet_small_alone",
    "with the filters' result": "unet_small_plain",
    "with that, and classes of its hash": "unet_small",
    "the same for longer, by PSNR": "unet_small_longer",
    "base, the noisy image alone": "unet_base_start",
    "base, with the filters' result": "unet_base",
    "base, with that, and classes of its hash": "unet_base_classes",
    "base, with the filters' result, for longer, by PSNR": "unet_base_longer",
    "the same with pictures of ImageNet, too": "unet_base_more",
    "small for colours, the noisy image alone": "unet_small_colour_start",
    "small for colours, with the filters' result": "unet_small_colour",
    "small for colours, for longer, by PSNR": "unet_small_colour_longer",
    "small for colours, the same at half the rate": "unet_small_colour_psnr",
    "small for colours, the first with classes": "unet_small_colour_classes",
    "base for colours, begun as small": "unet_base_colour",
}
_HELD_BACK = "16 images of bsd400 that these networks are not trained on; one run each."
_FACTS = (
    *("noise", "noisy", "sigma", "sigma_min", "init", "steps", "total_steps", "seed"),
    *("seconds", "scores", "git_commit", "cpu", "device_name"),
)

Runs = dict[str, dict[str, Any]]  # name -> facts


def collect(folder: Path) -> Runs:
    """Return the facts of the runs that have ended.

    Parameters
    ----------
    folder : Path
        Holds a folder of `hybrid.train` for each run.
    """
    from hybrid.weights import load_tensors, steps_in_all

    found = {}
    for config in sorted(CONFIGS.glob("*.toml")):
        path = folder / config.stem / "weights.safetensors"
        if path.is_file():
            header = load_tensors(path)[1]
            header = {
                "sigma_min": None,
                "noisy": None,
                "device_name": header.get("gpu", "cpu"),
            } | header
            header["total_steps"] = steps_in_all(header)
            found[config.stem] = {key: header[key] for key in _FACTS}
    return found


def runs_table(runs: Runs) -> Table:
    """Return the table of all runs."""
    rows = [
        (
            f"`{name}`",
            *_noise(facts),
            "nothing" if facts["init"] is None else f"`{_origin(facts['init'])}`",
            f"{facts['steps']:,}",
            f"{facts['total_steps']:,}",
            f"{facts['seconds']:,}",
            facts.get("device_name", "cpu"),  # files of before do not tell
            _psnr(facts),
        )
        for name, facts in runs.items()
    ]
    return Table(
        "Runs that have ended",
        (
            "run",
            "noise",
            "sigma",
            "starts from",
            "steps",
            "steps in all",
            "seconds",
            "device",
            "PSNR (dB), held back",
        ),
        (Section("measured here", tuple(rows)),),
    )


def plan_table(runs: Runs) -> Table:
    """Return the table of the runs that are described, and have not ended as they are."""
    from hybrid.training.config import TrainingConfig

    configs = [TrainingConfig.read(path) for path in sorted(CONFIGS.glob("*.toml"))]
    rows = [
        (
            f"`{config.name}`",
            *_noise(config.to_dict()),
            "nothing" if config.init is None else f"`{_origin(config.init)}`",
            f"{config.steps:,}",
            f"{config.batch} of {config.crop}x{config.crop}",
        )
        for config in configs
        if (facts := runs.get(config.name)) is None
        or facts["init"] != config.init
        or not config.is_last(facts["steps"], facts["seconds"])
    ]
    return Table(
        "Runs that are planned",
        ("run", "noise", "sigma", "starts from", "steps", "crops a step"),
        (Section("not trained", tuple(rows or [("none", *[EMPTY] * 5)])),),
    )


def remedies_table(runs: Runs) -> Table:
    """Return the table of the runs for sigma 25 that start alike."""
    flattered = (
        "The filters of raisr.denoise, which RAISR+D hashes the output of, were learned on all of "
        "bsd400, so its row is flattered; table 4 has it on test images."
    )
    return _gains_table("Classes and remedies", 25, _REMEDIES, runs, (_HELD_BACK, flattered))


def leak_table(runs: Runs) -> Table:
    """Return the table of what PCN sees at sigma 50."""
    return _gains_table("What PCN sees", 50, _LEAKS, runs, (_HELD_BACK,))


def pairs_table(runs: Runs) -> Table:
    """Return the table of plain networks of several sizes beside their class-specific twins."""
    rows = []
    for label, pair in _PAIRS.items():
        if not all(run in runs for run in pair):
            rows.append((label, *["not trained"] * 2, EMPTY, EMPTY))
            continue
        plain, special = (runs[run]["scores"]["psnr"] for run in pair)
        steps = f"{runs[pair[1]]['total_steps']:,}"
        rows.append((label, f"{plain:.3f}", f"{special:.3f}", f"{special - plain:+.3f}", steps))
    return Table(
        "PCN+N by size, protocol standard, sigma 25: PSNR (dB) on held-back images",
        ("network", "plain", "class-specific", "gain", "steps in all"),
        (Section("measured here", tuple(rows)),),
        (
            _HELD_BACK,
            "short: steps of 4 crops of 48x48 instead of 96x96.",
            "seed 1: other crops and noise for the last 10,000 steps, from the same trunk.",
        ),
    )


def unets_table(runs: Runs) -> Table:
    """Return the table of what the filters' result and classes add to U-Nets for every level."""
    sigmas = 15, 25, 50
    rows = []
    for label, name in _UNETS.items():
        facts = runs.get(name)
        if facts is None:
            rows.append((label, "not trained", *[EMPTY] * (len(sigmas) + 1)))
            continue
        scores = [f"{facts['scores'][f'psnr {sigma}']:.3f}" for sigma in sigmas]
        rows.append((label, *scores, f"{facts['steps']:,}", f"{facts['seconds']:,}"))
    return Table(
        "U-Nets for every noise level: PSNR (dB) on held-back images",
        ("network", *(f"sigma {sigma}" for sigma in sigmas), "steps", "seconds"),
        (Section("measured here", tuple(rows)),),
        (
            "16 images of bsd400 that these networks are not trained on, five or six at each "
            "level; one run each. The shipped filters saw these images.",
            "All but those on the noisy image alone start from it; steps are their own, of 32 "
            "crops of 128x128 on a GPU. Those that went on from such runs, by PSNR or as base for "
            "colours, had 8 of 96x96 on a core, beside others.",
        ),
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the tables; first read the runs, if a folder is given."""
    parser = Parser(
        prog="python -m comparisons.training_runs", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument(
        "--runs", type=Path, metavar="DIR", help="add the runs of this folder, such as runs"
    )
    options = parser.parse_args(arguments)
    runs = read_json(PATH) or {}
    if options.runs:
        runs |= collect(options.runs)
        write_json(PATH, runs)
        command.announce([PATH])
    tables = runs_table, plan_table, remedies_table, leak_table, pairs_table, unets_table
    for table in (build(runs) for build in tables):
        table.print()


def _gains_table(
    heading: str, sigma: int, labels: dict[str, str], runs: Runs, notes: tuple[str, ...]
) -> Table:
    first = runs.get(next(iter(labels)))
    rows = []
    for name, label in labels.items():
        if name not in runs:
            rows.append((label, "not trained", EMPTY, EMPTY, EMPTY))
            continue
        facts = runs[name]
        psnr = facts["scores"]["psnr"]
        gain = EMPTY if first in (None, facts) else f"{psnr - first['scores']['psnr']:+.3f}"
        rows.append(
            (label, f"{psnr:.3f}", gain, f"{facts['steps']:,}", f"{facts['total_steps']:,}")
        )
    return Table(
        f"{heading}, protocol standard, sigma {sigma}: PSNR (dB) on held-back images",
        ("classes", "PSNR", "gain", "steps", "steps in all"),
        (Section("measured here", tuple(rows)),),
        notes,
    )


def _noise(facts: dict[str, Any]) -> tuple[str, str]:
    """Return what noise a run was trained for, and its levels."""
    if facts.get("noisy") is not None:
        return "of the pictures", EMPTY
    lowest, sigma = facts["sigma_min"], f"{facts['sigma']:g}"
    return facts["noise"], sigma if lowest is None else f"{lowest:g} to {sigma}"


def _psnr(facts: dict[str, Any]) -> str:
    """Return the score of one noise level; the mean over many has no meaning beside it."""
    one = facts["sigma_min"] is None and "psnr" in facts["scores"]
    return f"{facts['scores']['psnr']:.3f}" if one else EMPTY


def _origin(init: str) -> str:
    path = Path(init)
    return path.parent.name if path.suffix == ".safetensors" else init


if __name__ == "__main__":
    run(main)
