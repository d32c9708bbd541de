"""What makes fair classes worth more, `python -m comparisons.remedies`: equal runs from one start.

Every run starts from the same plain network and is scored on the images of bsd400 that are held
back from training; `comparisons/runs` has their files. `docs/findings.md` tells what was learned.
"""

from pathlib import Path

from comparisons import command
from comparisons.provenance import content_digest, read_json, write_json
from comparisons.store import COMMITTED
from comparisons.tables import Section, Table

PATH = COMMITTED / "remedies.json"
_PLAIN = "remedy_plain"
RUNS = {
    _PLAIN: "EDSR16, no classes",
    "remedy_none": "PCN+N, 8x3x3: the paper's classes",
    "remedy_denoised_even": "RAISR+D, 8x3x3 in evenly filled bins",
    "remedy_4x2x2": "PCN+N, 4x2x2",
    "cs_edsr16_draw_standard_25": "PCN on another noisy version (a leak)",
}
_FACTS = ("classes", "bins", "class_sigma", "init", "steps", "total_steps", "seed", "seconds")


def collect(folder: Path) -> dict[str, dict]:
    """Return the facts of the runs that have ended, from the headers of their weights.

    Parameters
    ----------
    folder : Path
        Holds a folder of `hybrid.train` for each run.
    """
    from hybrid.weights import load_tensors

    found = {}
    for run in RUNS:
        path = folder / run / "weights.safetensors"
        if path.is_file():
            header = load_tensors(path)[1]
            facts = {key: header[key] for key in (*_FACTS, "scores", "git_commit", "cpu")}
            found[run] = facts | {"sha256": content_digest([path])}
    return found


def build_table(results: dict[str, dict]) -> Table:
    """Return the table of the runs."""
    plain = results[_PLAIN]["scores"]["psnr"] if _PLAIN in results else None
    rows = []
    for run, label in RUNS.items():
        if run not in results:
            rows.append((label, "not trained", "", "", ""))
            continue
        facts = results[run]
        psnr = facts["scores"]["psnr"]
        gain = "" if plain is None or run == _PLAIN else f"{psnr - plain:+.3f}"
        rows.append(
            (label, f"{psnr:.3f}", gain, f"{facts['steps']:,}", f"{facts['total_steps']:,}")
        )
    return Table(
        "Classes and remedies, protocol standard, sigma 25: PSNR (dB) on held-back images",
        ("classes", "PSNR", "gain", "steps", "steps in all"),
        (Section("measured here", tuple(rows)),),
        ("16 images of bsd400 that are not trained on; one run each, one seed.",),
    )


def main(arguments: list[str] | None = None) -> None:
    """Print the table; first read the runs, if a folder is given."""
    parser = command.Parser(
        prog="python -m comparisons.remedies", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument(
        "--runs", type=Path, metavar="DIR", help="read the runs again from here, such as runs"
    )
    options = parser.parse_args(arguments)
    if options.runs:
        write_json(PATH, (read_json(PATH) or {}) | collect(options.runs))
        command.announce([PATH])
    build_table(read_json(PATH) or {}).print()


if __name__ == "__main__":
    command.run(main)
