"""Learned filters as denoisers: the banks of the paper's rows, and the shipped models."""

from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from comparisons.measure.denoisers import Denoiser, fingerprint_of
from comparisons.measure.protocol import COLOUR, Protocol
from raisr.noise import Sample

if TYPE_CHECKING:
    from raisr import FilterBank

BANKS = Path(__file__).parent.with_name("banks")


def bank_path(protocol: Protocol, sigma: float, row: str) -> Path:
    """Return where the filter bank of a row lies; `comparisons.learn_banks` writes it."""
    return BANKS / f"{protocol.name}_{sigma:g}_{row}.safetensors"


def bank_kflops(bank: "FilterBank") -> float:
    """Return what a filter bank costs, in kFLOPs per pixel; the hash is not counted."""
    return sum(2 * stage["macs_per_pixel"] for stage in bank.info()["stages"]) / 1000


def learned_bank(row: str, oracle: bool, protocol: Protocol, sigma: float) -> Denoiser | None:
    """Return the bank of a row; an oracle hashes the clean image."""
    path = bank_path(protocol, sigma, row)
    if not path.is_file():
        return None
    from raisr import FilterBank

    bank = FilterBank.load(path)

    def run(sample: Sample, threads: int) -> NDArray:
        guide = sample.clean if oracle else None
        return bank.apply(sample.noisy, guide, data_range=sample.data_range, num_threads=threads)

    return Denoiser(run, fingerprint_of(path), bank_kflops(bank))


def shipped_model(model: str, protocol: Protocol, sigma: float) -> Denoiser | None:
    """Return a model of `raisr.denoise`; None beyond the levels that it has banks for."""
    import raisr
    from raisr.denoising import LADDER, bank_for

    level = sigma * 255 / protocol.data_range
    if level > LADDER[-1]:
        return None
    kflops = None if protocol is COLOUR else bank_kflops(bank_for(model, level))

    def run(sample: Sample, threads: int) -> NDArray:
        return raisr.denoise(
            sample.noisy,
            sample.sigma,
            model=model,
            channel_axis=sample.channel_axis,
            data_range=sample.data_range,
            num_threads=threads,
        )

    return Denoiser(run, fingerprint_of(), kflops)
