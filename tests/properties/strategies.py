"""Images and specs that hypothesis makes up."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from raisr import HashSpec
from tests.reference.classes import AXES

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=16)


@st.composite
def byte_images(draw, max_value=255):
    """8-bit images: any at all (hypothesis prefers few distinct values) or noise."""
    if draw(st.booleans()):
        return draw(hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, max_value)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, max_value + 1, draw(SHAPES)).astype(np.uint8)


def finite_images():
    """Float images of any finite values, in any float type."""

    def images(dtype):
        values = hnp.from_dtype(np.dtype(dtype), allow_nan=False, allow_infinity=False)
        if dtype is np.float64:
            values = st.floats(-1e38, 1e38)
        return hnp.arrays(dtype, SHAPES, elements=values)

    return st.sampled_from([np.float16, np.float32, np.float64]).flatmap(images)


def edges(top):
    return st.lists(st.floats(1e-3, top), max_size=5, unique=True).map(sorted).map(tuple)


def specs(**fixed):
    """Specs of any kind, but for the `fixed` fields."""
    fields = {
        "window": st.integers(1, 7).map(lambda n: 2 * n + 1),
        "weighting": st.sampled_from(["box", "gaussian"]),
        "gaussian_sigma": st.floats(0.3, 5),
        "strength": st.sampled_from(["sqrt", "eigenvalue"]),
        "strength_scale": st.floats(0.1, 10),
        "orientations": st.sampled_from([1, 2, 4, 6, 8, 10, 16, 24]),
        "strength_edges": edges(0.5),
        "coherence_edges": edges(1),
        "index_order": st.permutations(AXES).map(tuple),
        "presmooth": st.sampled_from([0.0, 0.1, 0.25]),
    }
    return st.builds(HashSpec, **(fields | {name: st.just(v) for name, v in fixed.items()}))


def box_specs():
    """Specs whose structure tensor of an 8-bit image is exact."""
    return specs(weighting="box", presmooth=0.0)
