"""Take over weights that a run left elsewhere: `python -m comparisons.adopt WEIGHTS RUN`.

They go to `runs/RUN`, where the tables look for them, and are scored on the images that its file
in `comparisons/runs` holds back. Batch normalisation is measured again: before commit 982994a
training left the statistics of its last weights beside the average of many.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparisons import command
from comparisons.draw.tables import EMPTY, Section, Table
from comparisons.measure.networks import RUNS
from comparisons.measure.store import COMMITTED
from comparisons.training_runs import CONFIGS
from raisr.command import Parser, run
from raisr.provenance import environment, git_commit, read_json, write_json

if TYPE_CHECKING:
    from hybrid.training.config import TrainingConfig

PATH = COMMITTED / "adopted.json"
_BATCHES = 16  # that statistics of batch normalisation are measured on
_FREE = ("name", "spec", "validate_every", "checkpoint_seconds")


def adopt(source: Path, config: TrainingConfig, target: Path) -> dict[str, Any]:
    """Write weights with statistics that belong to them, and the scores that they have.

    Parameters
    ----------
    source : Path
        File of weights that a training run exported.
    config : TrainingConfig
        What that run is said to be.
    target : Path
        File to write.

    Returns
    -------
    dict
        The PSNR on held-back images: "told" by the header of the source, "found" here, and "again"
        after batch normalisation was measured, None where there is none; and where they are from.

    Raises
    ------
    FileNotFoundError
        `source` or training images are missing.
    ValueError
        `source` is no such file, or was trained in another way than `config` tells.
    """
    import torch

    from hybrid import zoo
    from hybrid.training.norms import measure_again
    from hybrid.training.tasks import task_of
    from hybrid.weights import save_tensors

    network, header = zoo.load_network(str(source))
    wanted = config.to_dict().items()
    if header.get("sigma_min") is not None:
        raise ValueError(f"{source} is for many noise levels; this is for one noise level only")
    other = [key for key, value in wanted if key not in _FREE and header.get(key, value) != value]
    if other:
        raise ValueError(f"{source}: its {', '.join(other)} differ from those of {config.name}")
    task = task_of(config, torch.device("cpu"))
    batch_of, samples, _ = task.load(0)
    found = scores = task.validate(network, samples)
    if normalised := measure_again(network, task, map(batch_of, range(_BATCHES))):
        scores = task.validate(network, samples)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(target, network.state_dict(), {**header, "name": config.name, "scores": scores})
    return {
        "sha256": zoo.digest(source),
        "steps": header["steps"],
        "told": header["scores"]["psnr"],
        "found": found["psnr"],
        "again": scores["psnr"] if normalised else None,
        "batches": _BATCHES if normalised else None,
        "seed": config.seed,
        "metadata": {"torch": torch.__version__, **environment(), "git_commit": git_commit()},
    }


def build_table(adopted: dict[str, dict[str, Any]]) -> Table:
    """Return the scores on held-back images by run."""
    rows = []
    for name, facts in adopted.items():
        scores = (facts[key] for key in ("told", "found", "again"))
        cells = (EMPTY if score is None else f"{score:.3f}" for score in scores)
        rows.append((f"`{name}`", f"{facts['steps']:,}", *cells))
    return Table(
        "Weights from another machine: PSNR (dB) on held-back images",
        ("run", "steps", "told by the file", "found here", "statistics measured again"),
        (Section("measured here", tuple(rows)),),
        (
            f"statistics: of batch normalisation, over the first {_BATCHES} batches of the run; "
            "the tables have the networks with these.",
        ),
    )


def main(arguments: list[str] | None = None) -> None:
    """Take over what the options name, and print what is known of all such weights."""
    parser = Parser(prog="python -m comparisons.adopt", description=__doc__.split("\n\n")[0])
    parser.add_argument("source", type=Path, metavar="WEIGHTS")
    parser.add_argument("run", metavar="RUN", help="name of a file in comparisons/runs")
    options = parser.parse_args(arguments)
    from hybrid.training.config import TrainingConfig

    config = TrainingConfig.read(CONFIGS / f"{options.run}.toml")
    target = RUNS / config.name / "weights.safetensors"
    facts = adopt(options.source, config, target)
    adopted = (read_json(PATH) or {}) | {config.name: facts}
    write_json(PATH, adopted)
    build_table(adopted).print()
    command.announce([target, PATH])


if __name__ == "__main__":
    run(main)
