"""Learn the filter banks of the rows RAISR+N and RAISR+C: `python -m comparisons.learn_banks`.

Each is 8x3x3 classes with quantile edges and 7x7 filters, learned from bsd400 under the protocol
and at the noise level it is measured with. RAISR+N hashes the noisy image, RAISR+C the clean one.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from comparisons import command
from comparisons.measure.filters import bank_path
from comparisons.measure.protocol import PROTOCOLS, Protocol
from raisr.command import Parser, run
from raisr.datasets import Dataset, load_dataset
from raisr.noise import noise_seed
from raisr.provenance import environment, git_commit

if TYPE_CHECKING:
    from raisr import FilterBank

ROWS = {"raisr_n": False, "raisr_c": True}  # row -> does the hash see the clean image


class TrainingPairs:
    """(noisy, clean) planes of a set, made anew in each pass; with the clean plane as guide."""

    def __init__(self, dataset: Dataset, protocol: Protocol, sigma: float, *, oracle: bool) -> None:
        self.dataset, self.protocol, self.sigma, self.oracle = dataset, protocol, sigma, oracle

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[tuple[NDArray, ...]]:
        for image in self.dataset:
            seed = noise_seed(self.dataset.folder, image.name, self.sigma)
            sample = self.protocol.prepare(image.read(), self.sigma, seed)
            guide = (sample.clean,) if self.oracle else ()
            yield (sample.noisy, sample.clean, *guide)


def learn_bank(dataset: Dataset, protocol: Protocol, sigma: float, row: str) -> "FilterBank":
    """Return the filter bank of one row, with the facts of its training in the metadata."""
    from raisr import learn_filters

    pairs = TrainingPairs(dataset, protocol, sigma, oracle=ROWS[row])
    bank = learn_filters(pairs, "csconv", size=7, data_range=protocol.data_range)
    bank.metadata |= {"row": row, **training_facts(pairs)}
    return bank


def training_facts(pairs: TrainingPairs) -> dict[str, Any]:
    """Return what the header of a bank says about its training."""
    return {
        "protocol": pairs.protocol.name,
        "sigma": pairs.sigma,
        "training_set": pairs.dataset.name,
        "training_images": len(pairs),
        "noise": "one draw an image, seeded by the names of set, image and level",
        "terms": "learned from BSDS500, which is for non-commercial research and education",
        "git_commit": git_commit(),
        **environment(),
    }


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the banks that the options name."""
    parser = Parser(prog="python -m comparisons.learn_banks", description=__doc__.split("\n\n")[0])
    command.add_protocol_options(parser, protocols=list(PROTOCOLS), sigmas=[15, 25, 50])
    command.add_data_options(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    for protocol in (PROTOCOLS[name] for name in options.protocol):
        for sigma in options.sigma:
            for row in ROWS:
                path = bank_path(protocol, sigma, row)
                path.parent.mkdir(exist_ok=True)
                learn_bank(dataset, protocol, sigma, row).save(path)
                print(f"wrote {path.name}")


if __name__ == "__main__":
    run(main)
