"""Arrays as nobody should give them: any shape, type, layout and value that NumPy knows."""

import numpy as np
from hypothesis import strategies as st

__all__ = ["DTYPES", "LAYOUTS", "images", "layouts"]

DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
_FOREIGN = ("bool", "int8", "int32", "uint32", "int64", "complex64", "longdouble", "S1", "object")
_VALUES = ("noise", "constant", "steps", "huge", "tiny", "negative", "far", "infinite", "nan")
LAYOUTS = ("plain", "fortran", "reversed", "strided", "broadcast", "read-only", "swapped", "odd")


@st.composite
def images(draw, *, dims=(2, 2, 2, 2, 3, 0, 1, 4), dtypes=(*DTYPES, *DTYPES, *_FOREIGN)):
    """Arrays of any kind; most are images of a known type."""
    ndim = draw(st.sampled_from(dims))
    sides = (
        st.sampled_from([1, 1, 2, 3, 5, 8, 9, 17, 0]) if ndim != 3 else st.sampled_from([1, 3, 9])
    )
    shape = tuple(draw(sides) for _ in range(ndim))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    array = _filled(rng, shape, dtype, draw(st.sampled_from(_VALUES)))
    return layouts(array, draw(st.sampled_from(LAYOUTS)))


def _filled(rng, shape, dtype, kind):
    """Values of one kind, as far as the type has them."""
    noise = np.array(rng.random(shape))
    if dtype.kind not in "uf":
        return np.asarray(9 * noise).astype(dtype)
    top = np.iinfo(dtype).max if dtype.kind == "u" else 1.0
    values = {
        "noise": noise * top,
        "constant": np.full(shape, 0.4 * top),
        "steps": np.where(noise < 0.5, 0, top),
        "huge": noise * 0.9 * (top if dtype.kind == "u" else min(float(np.finfo(dtype).max), 1e38)),
        "tiny": noise * (1 if dtype.kind == "u" else 100 * np.finfo(dtype).smallest_subnormal),
        "negative": noise * top - (0 if dtype.kind == "u" else top),
        "far": noise * top * 0.01 + (0.9 * top if dtype.kind == "u" else 300),
        "infinite": np.where(noise < 0.9, noise, np.inf if dtype.kind == "f" else 0),
        "nan": np.where(noise < 0.9, noise, np.nan if dtype.kind == "f" else 0),
    }[kind]
    return np.asarray(values).astype(dtype)


def layouts(array, kind):
    """Return an array of the same values, laid out in another way."""
    if kind == "read-only":
        array = np.array(array)
        array.flags.writeable = False
    elif kind == "fortran":
        array = np.asfortranarray(array)
    elif kind == "reversed" and array.ndim:
        array = array[::-1].copy()[::-1]
    elif kind == "strided" and array.ndim:
        wide = np.repeat(array, 2, axis=-1)
        array = wide[..., ::2]
    elif kind == "broadcast" and array.ndim and array.shape[0]:
        array = np.broadcast_to(array[:1], array.shape)
    elif kind == "swapped":
        array = array.astype(array.dtype.newbyteorder())
    elif kind == "odd" and array.dtype.kind in "uf":  # not on a boundary of its type
        memory = np.empty(array.nbytes + 1, np.uint8)
        moved = np.ndarray(array.shape, array.dtype, memory, offset=1)
        moved[...] = array
        array = moved
    return array
