"""Pictures of filter banks."""

from comparisons.measure.filters import bank_path
from comparisons.report.pictures import Picture, from_figure
from comparisons.report.scenes import PROTOCOL, SIGMA
from raisr import FilterBank
from raisr.denoising import MODELS, bank_for


def by_noise() -> list[Picture]:
    """Return the banks of RAISR+N, the paper's 72 filters, at its three noise levels."""
    pictures = []
    for sigma in (15, 25, 50):
        bank = FilterBank.load(bank_path(PROTOCOL, sigma, "raisr_n"))
        pictures.append(Picture(f"RAISR+N, sigma {sigma}", from_figure(bank.plot())))
    return pictures


def shipped() -> list[Picture]:
    """Return every stage of the shipped models."""
    pictures = []
    for model in MODELS:
        bank = bank_for(model, SIGMA)
        for index, stage in enumerate(bank.stages):
            label = f"raisr {model}, stage {index + 1} of {len(bank.stages)}"
            about = f"{stage.spec.num_classes:,} filters of {stage.size} x {stage.size}"
            pictures.append(Picture(label, from_figure(bank.plot(index)), about))
    return pictures
