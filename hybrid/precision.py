"""Whether a network computes in bfloat16."""

import torch

PRECISIONS = ("auto", "float32", "bfloat16")
"""Of activations, under autocast; "auto" is bfloat16 where the processor multiplies it."""


def check_precision(precision: str) -> None:
    """Raise ValueError where there is no such precision."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")


def in_bfloat16(precision: str, device: torch.device) -> bool:
    """Return whether that is what a precision means on a device.

    Raises
    ------
    ValueError
        There is no such precision.
    """
    check_precision(precision)
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported()
