"""Result files: one JSON for each kind of result, protocol, noise level, set and method.

Those under `comparisons/results/` are committed: they stand behind every printed number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.measure.evaluate import ABOUT_IMAGE, Record
from raisr.provenance import environment, git_commit, read_json, write_json

Result = dict[str, Any]
Results = dict["ResultKey", Result]
COMMITTED = Path(__file__).parent.with_name("results")


@dataclass(frozen=True)
class ResultKey:
    """What a result is of.

    Attributes
    ----------
    kind : {"quality", "table3", "where", "figure7"}
        PSNR and SSIM, which several tables share; errors of the gradient statistics; squared
        errors by class; PSNR of networks of several sizes.
    protocol, dataset, method : str
        As on the command line.
    sigma : float
        In gray levels.
    """

    kind: str
    protocol: str
    sigma: float
    dataset: str
    method: str

    def path(self, root: Path) -> Path:
        """Return where the result lies under `root`."""
        level = f"{self.protocol}_{self.sigma:g}"
        return root / self.kind / level / self.dataset / f"{self.method}.json"


def load_result(root: Path, key: ResultKey) -> Result | None:
    """Return a stored result, or None where there is none."""
    return read_json(key.path(root))


def read_results(root: Path, keys: Iterable[ResultKey]) -> Results:
    """Return the stored results of those that there are."""
    found = {key: load_result(root, key) for key in keys}
    return {key: result for key, result in found.items() if result}


def save_result(
    root: Path, key: ResultKey, facts: dict[str, Any], records: Sequence[Record]
) -> Result:
    """Write and return a result.

    Parameters
    ----------
    root : Path
        Folder of results.
    key : ResultKey
    facts : dict
        What else to say about the method; goes into the metadata.
    records : sequence of Record
        From `comparisons.measure.evaluate.evaluate`.
    """
    metadata: dict[str, Any] = {
        **asdict(key),
        "seeds": sorted({record["seed"] for record in records}),
        **facts,
        **environment(),
        "git_commit": git_commit(),
    }
    result = {"metadata": metadata, **summarise(records), "images": list(records)}
    write_json(key.path(root), result)
    return result


def summarise(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return the mean of each number over the images, and its spread over the noise seeds.

    Returns
    -------
    dict
        "mean": the average over all records. "spread", with two seeds or more: the standard
        deviation (n - 1) of the averages of the single seeds.
    """
    names = [name for name in records[0] if name not in ABOUT_IMAGE]
    seeds = sorted({record["seed"] for record in records})
    by_seed = {
        name: [_mean(r[name] for r in records if r["seed"] == seed) for seed in seeds]
        for name in names
    }
    summary = {"mean": {name: _mean(values) for name, values in by_seed.items()}}
    if len(seeds) > 1:
        summary["spread"] = {
            name: float(np.std(values, ddof=1)) for name, values in by_seed.items()
        }
    return summary


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
