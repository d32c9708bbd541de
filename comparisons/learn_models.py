"""Learn the filter banks that the package ships: `python -m comparisons.learn_models`.

Every bank is learned from bsd400, gray, with float noise that is neither clipped nor rounded
(protocol `standard`), one bank for each model and each noise level of `raisr.denoising.LADDER`.
Pages of text, rules and drawings teach further classes, of contrast that photographs seldom have;
`--documents` learns these alone, for banks that are there without. The specs were chosen on images
held back from bsd400: `--hold-back` prints that measurement, and the gain on pages of other fonts.
"""

import dataclasses
import itertools
import time
from collections.abc import Iterator, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_banks import TrainingPairs, training_facts
from comparisons.measure.documents import HELD_BACK_FONTS, Documents
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.store import COMMITTED
from raisr import FilterBank, HashSpec, learn_filters
from raisr.command import Parser, run
from raisr.datasets import Dataset, load_dataset
from raisr.denoising import LADDER, MODELS, bank_path
from raisr.hashing import PRESETS
from raisr.metrics import psnr
from raisr.noise import noise_seed
from raisr.provenance import environment, git_commit, write_json
from raisr.strong_classes import with_strong_classes

HELD_BACK = COMMITTED / "hold_back.json"
HELD_BACK_IMAGES = slice(5, None, 10)
PAGES = Documents(32)
BESIDE_PAGES = 3
"""Each third of the photographs goes with the pages: 20.5 million pixels beside 2.1."""
STRONG = {"bins": 2, "weight": 0.3}
"""How many further bins, and the weight of a pixel of a page: with 1, photographs lose 0.01 dB."""
HELD_BACK_PAGES = Documents(24, seed=1, fonts=HELD_BACK_FONTS)


def spec_like(window: int, presmooth: float = 0.0, shape: tuple[int, int, int] = (16, 12, 8)):
    """Return a spec of this shape; its edges are placeholders for the learned quantiles."""
    orientations, strengths, coherences = shape
    return HashSpec(
        window=window,
        orientations=orientations,
        strength_edges=tuple(np.arange(1, strengths) * 0.01),
        coherence_edges=tuple(np.arange(1, coherences) / coherences),
        presmooth=presmooth,
    )


RECIPES = {
    "fast": {"spec": [spec_like(9, 0.15, (16, 16, 8))], "size": 11},
    "best": {"spec": [spec_like(9, 0.15), *map(spec_like, (5, 3, 21, 3, 9))], "size": 7},
}
"""Arguments of `raisr.learn_filters` for each model."""

CANDIDATES = RECIPES | {name: {"spec": name, "size": 7} for name in PRESETS}
"""What `--hold-back` can measure: the models, and one stage of each preset."""


@dataclasses.dataclass(frozen=True)
class PagePairs:
    """(noisy, clean) planes of documents, made anew in each pass."""

    pages: Documents
    sigma: float

    def __len__(self) -> int:
        return len(self.pages)

    def __iter__(self) -> Iterator[tuple[NDArray, NDArray]]:
        for index, page in enumerate(self.pages):
            seed = self.pages.noise_seed(index, self.sigma)
            sample = PROTOCOLS["standard"].prepare(page, self.sigma, seed)
            yield sample.noisy, sample.clean


def learn_model(dataset: Dataset, model: str, sigma: float) -> FilterBank:
    """Return the bank of a model for one noise level, with the facts of its training."""
    start = time.perf_counter()
    pairs = TrainingPairs(dataset, PROTOCOLS["standard"], sigma, oracle=False)
    bank = learn_filters(pairs, data_range=255, **CANDIDATES[model])
    bank.metadata |= {"model": model, **training_facts(pairs)}
    bank = with_documents(bank, dataset, sigma)
    bank.metadata["seconds"] = round(time.perf_counter() - start, 1)
    return bank


def with_documents(bank: FilterBank, dataset: Dataset, sigma: float) -> FilterBank:
    """Return a bank of photographs with further classes for the strong edges of documents."""
    some = dataclasses.replace(dataset, images=dataset.images[::BESIDE_PAGES])
    photographs = TrainingPairs(some, PROTOCOLS["standard"], sigma, oracle=False)
    pages = PagePairs(PAGES, sigma)
    bank = with_strong_classes(bank, photographs, pages, **STRONG)
    bank.metadata["documents"] = document_facts(pages, photographs)
    return bank


def document_facts(pages: Sized, photographs: Sized) -> dict[str, Any]:
    """Return what the header of a bank says about the classes of documents."""
    counts = {"pages": len(pages), "photographs": len(photographs)}
    return {**counts, "git_commit": git_commit(), **environment()}


def refuse_documents(metadata: dict[str, Any], path: Path) -> None:
    """Refuse a bank that has classes of documents."""
    if "documents" in metadata:
        raise ValueError(f"{path.name} has the classes of documents")


def mean_psnr(dataset: Dataset, bank: FilterBank, sigma: float) -> float:
    """Return the mean PSNR of a bank on a set under `standard`, with noise not learned from."""
    protocol = PROTOCOLS["standard"]
    found = []
    for image in dataset:
        seed = noise_seed(dataset.folder, image.name, sigma, run=1)
        sample = protocol.prepare(image.read(), sigma, seed)
        output = bank.apply(sample.noisy, data_range=255)
        found.append(protocol.score(output, sample.clean)[0])
    return float(np.mean(found))


def documents_gain(bank: FilterBank, sigma: float) -> float:
    """Return how many dB nearer a bank brings pages that it has not learned from, on average."""
    found = []
    for noisy, clean in PagePairs(HELD_BACK_PAGES, sigma):
        output = bank.apply(noisy, data_range=255)
        found.append(psnr(output.clip(0, 255), clean) - psnr(noisy, clean))
    return float(np.mean(found))


def hold_back(dataset: Dataset, models: Sequence[str], sigmas: Sequence[float]) -> dict[str, Any]:
    """Measure what the choice of specs rests on: learn from 9 of 10 images, score the tenth."""
    held_back = dataclasses.replace(dataset, images=dataset.images[HELD_BACK_IMAGES])
    rest = tuple(image for image in dataset if image not in held_back.images)
    found = []
    for model, sigma in itertools.product(models, sigmas):
        bank = learn_model(dataclasses.replace(dataset, images=rest), model, sigma)
        decibels, gain = mean_psnr(held_back, bank, sigma), documents_gain(bank, sigma)
        print(
            f"{model} sigma {sigma:g}: {decibels:.3f} dB on {len(held_back)} images; "
            f"{gain:+.2f} dB on {len(HELD_BACK_PAGES)} pages"
        )
        entry = {"model": model, "sigma": sigma, "images": len(held_back), "psnr": decibels}
        found.append(entry | {"pages": len(HELD_BACK_PAGES), "pages_gain": gain})
    return {"protocol": "standard", "commit": git_commit(), **environment(), "found": found}


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the banks that the options name, or measure the recipes on bsd400."""
    parser = Parser(prog="python -m comparisons.learn_models", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--model",
        action=command.ListOf,
        item=command.one_of(list(CANDIDATES)),
        default=list(MODELS),
        metavar="NAME",
        help=f"one or more of {', '.join(MODELS)} (default: all); with --hold-back also a preset: "
        f"{', '.join(PRESETS)}",
    )
    command.add_sigma_option(parser, list(LADDER))
    command.add_learning_options(parser)
    command.add_documents_option(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    if options.hold_back:
        write_json(HELD_BACK, hold_back(dataset, options.model, options.sigma))
        print(f"wrote {HELD_BACK.name}")
    elif presets := set(options.model) - set(MODELS):
        parser.error(f"{', '.join(sorted(presets))}: only --hold-back measures presets")
    else:
        for model, sigma in itertools.product(options.model, options.sigma):
            path = bank_path(model, sigma)
            path.parent.mkdir(exist_ok=True)
            if options.documents:
                bank = with_documents(_without_documents(path), dataset, sigma)
            else:
                bank = learn_model(dataset, model, sigma)
            bank.save(path, dtype="float16")
            print(f"wrote {path.name}", flush=True)


def _without_documents(path: Path) -> FilterBank:
    bank = FilterBank.load(path)
    refuse_documents(bank.metadata, path)
    return bank


if __name__ == "__main__":
    run(main)
