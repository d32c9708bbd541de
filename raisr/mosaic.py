"""Traces of a mosaic of colours whose gaps were filled in by means."""

import numpy as np

__all__ = ["mosaic_of"]


def mosaic_of(green):
    """Return how unlike both halves of a chessboard are, in what bends across each pixel."""
    if min(green.shape) < 4:
        return 0.0
    inner = green[1:-1, 1:-1]
    beside = green[:-2, 1:-1] + green[2:, 1:-1] + green[1:-1, :-2] + green[1:-1, 2:]
    bend = np.abs(4 * inner - beside)
    bend = np.minimum(bend, 3 * np.median(bend))  # edges count as noise does
    even = bend[::2, ::2].mean() + bend[1::2, 1::2].mean()
    odd = bend[::2, 1::2].mean() + bend[1::2, ::2].mean()
    return float(abs(np.log(even / odd))) if even > 0 and odd > 0 else 0.0
