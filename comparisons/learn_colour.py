"""Learn what the shipped models need for colour: `python -m comparisons.learn_colour`.

Every file holds the filters of chroma and further stages for the luma, learned from bsd400 with
white noise on RGB, behind the gray bank of the noise that is left in the luma. Pages, many in
strong colours, teach further classes of chroma; `--documents` learns these alone, for banks that
are there without. The recipes were chosen on images held back from bsd400 and on pages of other
fonts: `--hold-back` prints that measurement.
`comparisons.photographs` measures what is shipped.
"""

import dataclasses
import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons import command
from comparisons.learn_models import (
    BESIDE_PAGES,
    HELD_BACK_IMAGES,
    HELD_BACK_PAGES,
    PAGES,
    document_facts,
    refuse_documents,
    spec_like,
)
from comparisons.measure.documents import HELD_BACK_FONTS, Documents
from comparisons.measure.store import COMMITTED
from raisr import FilterBank, HashSpec
from raisr.colour import LUMA_NOISE, to_opponent
from raisr.colour_bank import ColourBank
from raisr.colour_files import read_parts, write_parts
from raisr.colour_learning import add_stage, learn_chroma
from raisr.command import Parser, run
from raisr.datasets import Dataset, ImageFile, load_dataset
from raisr.edges import fixed_edges_of
from raisr.metrics import psnr
from raisr.models import COLOUR_LADDER, MODELS, bank_for, colour_bank_path
from raisr.noise import add_gaussian_noise, noise_seed
from raisr.provenance import environment, git_commit, write_json
from raisr.strong_classes import with_strong_colours
from raisr.validate import as_channels

HELD_BACK = COMMITTED / "hold_back_colour.json"
COLOURED_PAGES = Documents(32, seed=2, coloured=True)
HELD_BACK_COLOURED = Documents(24, seed=3, fonts=HELD_BACK_FONTS, coloured=True)
STRONG = {"bins": 2, "weight": 0.1}
"""As of gray banks; with a weight of 0.3 photographs lose 0.03 dB, with 0.1 less than 0.01."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Stages that are learned behind a gray model.

    Attributes
    ----------
    luma : sequence of (spec, size)
        Further stages of the luma.
    chroma : sequence of (guide, spec)
        What each stage of chroma hashes, and how; filters are 7x7.
    """

    luma: Sequence[tuple[HashSpec, int]]
    chroma: Sequence[tuple[str, HashSpec]]


_FEW, _FEW_OWN = (
    ("luma", spec_like(5, shape=(8, 5, 2))),
    ("own", spec_like(5, shape=(8, 5, 3))),
)
_LUMA, _OWN = (
    ("luma", spec_like(5, shape=(16, 8, 4))),
    ("own", spec_like(9, shape=(16, 8, 4))),
)
RECIPES = {
    "fast": Recipe([(spec_like(5), 5)], [_FEW, _FEW_OWN]),
    "best": Recipe([(spec_like(5), 7)], [_LUMA, _OWN] * 3),
}
"""Of "fast", few classes take the time that the hash of two planes costs, and lose 0.01 dB."""


def _every(dataset: Dataset, step: int) -> Dataset:
    return dataclasses.replace(dataset, images=dataset.images[::step])


def _rgb(image: ImageFile) -> NDArray[np.uint8]:
    pixels = image.read()
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def noisy_planes(dataset: Dataset, sigma: float, run: int = 0):
    """Return the opponent planes of every image, noisy and clean."""
    seeds = [noise_seed(dataset.folder, image.name, sigma, run) for image in dataset]
    return [_planes(_rgb(image), sigma, seed) for image, seed in zip(dataset, seeds, strict=True)]


def noisy_pages(pages: Documents, sigma: float):
    """Return the opponent planes of every page, noisy and clean."""
    return [_planes(page, sigma, pages.noise_seed(i, sigma)) for i, page in enumerate(pages)]


def _planes(clean: NDArray[np.uint8], sigma: float, seed: int):
    pair = add_gaussian_noise(clean, sigma, seed), clean.astype(np.float32)
    return [to_opponent(as_channels(rgb, -1, 255), 1) for rgb in pair]


def learn_colour(
    dataset: Dataset, beside: Dataset, model: str, sigma: float, threads: int = 1
) -> ColourBank:
    """Return the colour bank of a model for one noise level; its luma begins with the gray bank.

    `beside` are the photographs that go with the pages.
    """
    start = time.perf_counter()
    recipe, planes = RECIPES[model], noisy_planes(dataset, sigma)
    luma = gray = bank_for(model, sigma * LUMA_NOISE)
    filtered = [_apply(luma, noisy[0], threads) for noisy, _ in planes]
    for spec, size in recipe.luma:
        samples = [
            (noisy[0], out, clean[0]) for (noisy, clean), out in zip(planes, filtered, strict=True)
        ]
        luma = add_stage(luma, samples, spec, size, num_threads=threads)
        filtered = [_apply(luma, noisy[0], threads) for noisy, _ in planes]
    samples = [
        (noisy[1:], clean[1:], out) for (noisy, clean), out in zip(planes, filtered, strict=True)
    ]
    guides, specs = zip(*recipe.chroma, strict=True)
    chroma = learn_chroma(samples, specs, guides, 7, num_threads=threads)
    bank = ColourBank(luma, chroma, guides)
    bank = with_documents(bank, beside, sigma, threads)
    parts = {"luma": luma, "chroma0": chroma[0], "chroma1": chroma[1]}
    facts = {
        "model": model,
        "sigma": sigma,
        "fixed_edges": fixed_edges_of({name: bank.metadata for name, bank in parts.items()}),
        "noise": "white, on RGB, one draw an image, seeded by the names of set, image and level",
        "training_set": dataset.name,
        "training_images": len(dataset),
        "gray_stages": len(gray.stages),
        "terms": "learned from BSDS500, which is for non-commercial research and education",
        "seconds": round(time.perf_counter() - start, 1),
        "git_commit": git_commit(),
        **environment(),
    }
    return ColourBank(bank.luma, bank.chroma, guides, bank.metadata | facts)


def with_documents(bank: ColourBank, beside: Dataset, sigma: float, threads: int = 1) -> ColourBank:
    """Return a colour bank with further classes for the strong edges of documents."""
    photographs = noisy_planes(beside, sigma)
    pages = [pair for kind in (PAGES, COLOURED_PAGES) for pair in noisy_pages(kind, sigma)]
    bank = with_strong_colours(bank, photographs, pages, num_threads=threads, **STRONG)
    bank.metadata["documents"] = document_facts(pages, photographs)
    return bank


def _apply(bank: FilterBank, plane, threads):
    return bank.apply(plane, data_range=255, num_threads=threads)


def mean_psnr(dataset: Dataset, bank: ColourBank, sigma: float) -> float:
    """Return the mean PSNR over RGB of a bank on a set, with noise not learned from."""
    found = []
    for image in dataset:
        clean = _rgb(image)
        seed = noise_seed(dataset.folder, image.name, sigma, run=1)
        out = bank.apply(add_gaussian_noise(clean, sigma, seed), data_range=255)
        found.append(psnr(out.clip(0, 255), clean))
    return float(np.mean(found))


def documents_gain(bank: ColourBank, pages: Documents, sigma: float) -> float:
    """Return how many dB nearer a bank brings pages that it has not learned from, on average."""
    found = []
    for index, page in enumerate(pages):
        noisy = add_gaussian_noise(page, sigma, pages.noise_seed(index, sigma))
        out = bank.apply(noisy, data_range=255)
        found.append(psnr(out.clip(0, 255), page) - psnr(noisy, page))
    return float(np.mean(found))


def hold_back(dataset: Dataset, models: Sequence[str], sigmas: Sequence[float]) -> dict[str, Any]:
    """Learn from 9 of 10 images, score the tenth."""
    held_back = dataclasses.replace(dataset, images=dataset.images[HELD_BACK_IMAGES])
    rest = tuple(image for image in dataset if image not in held_back.images)
    found = []
    learned = dataclasses.replace(dataset, images=rest)
    for model, sigma in itertools.product(models, sigmas):
        bank = learn_colour(learned, _every(learned, BESIDE_PAGES), model, sigma)
        decibels = mean_psnr(held_back, bank, sigma)
        gain, coloured = (
            documents_gain(bank, pages, sigma) for pages in (HELD_BACK_PAGES, HELD_BACK_COLOURED)
        )
        print(
            f"{model} sigma {sigma:g}: {decibels:.3f} dB on {len(held_back)} images; "
            f"{gain:+.2f} dB on {len(HELD_BACK_PAGES)} pages, "
            f"{coloured:+.2f} on {len(HELD_BACK_COLOURED)} in strong colours"
        )
        entry = {"model": model, "sigma": sigma, "psnr": decibels, "images": len(held_back)}
        entry |= {"pages": len(HELD_BACK_PAGES), "pages_gain": gain}
        found.append(entry | {"coloured": len(HELD_BACK_COLOURED), "coloured_gain": coloured})
    return {"commit": git_commit(), **environment(), "found": found}


def save(bank: ColourBank, model: str, sigma: float) -> None:
    """Write what a file of a shipped model holds: the gray stages are shipped once."""
    new = bank.luma.stages[bank.metadata["gray_stages"] :]
    wide, narrow = (plane.stages for plane in bank.chroma)
    parts = {"luma": new, "wide": wide, "narrow": narrow}
    write_parts(colour_bank_path(model, sigma), parts, bank.guides, bank.metadata, "float16")


def _shipped(model: str, sigma: float) -> ColourBank:
    """Return what a file holds that has no classes of documents yet, behind the gray bank."""
    path = colour_bank_path(model, sigma)
    parts, guides, facts = read_parts(path)
    refuse_documents(facts, path)
    gray = bank_for(model, sigma * LUMA_NOISE).stages
    chroma = FilterBank(parts["wide"]), FilterBank(parts["narrow"])
    return ColourBank(FilterBank([*gray, *parts["luma"]]), chroma, guides, facts)


def main(arguments: list[str] | None = None) -> None:
    """Learn and write the files that the options name, or measure the recipes on bsd400."""
    parser = Parser(prog="python -m comparisons.learn_colour", description=__doc__.split("\n\n")[0])
    command.add_choices_option(parser, "--model", MODELS)
    command.add_sigma_option(parser, list(COLOUR_LADDER))
    command.add_learning_options(parser)
    command.add_every_option(parser)
    command.add_documents_option(parser)
    options = parser.parse_args(arguments)
    dataset = load_dataset("bsd400", download=options.download)
    if options.hold_back:
        write_json(HELD_BACK, hold_back(dataset, options.model, options.sigma))
        print(f"wrote {HELD_BACK.name}")
        return
    photographs, beside = _every(dataset, options.every), _every(dataset, BESIDE_PAGES)
    for sigma, model in itertools.product(options.sigma, options.model):
        if options.documents:
            save(with_documents(_shipped(model, sigma), beside, sigma), model, sigma)
        else:
            save(learn_colour(photographs, beside, model, sigma), model, sigma)
        print(f"wrote {colour_bank_path(model, sigma).name}", flush=True)


if __name__ == "__main__":
    run(main)
