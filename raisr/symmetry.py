"""The eight rotations and flips of an image: what they do to patches, classes and filters."""

import numpy as np

__all__ = ["canonical_classes", "dihedral_views", "expand"]


def dihedral_views(spec):
    """Return the eight views of an image, the identity first.

    Parameters
    ----------
    spec : HashSpec

    Returns
    -------
    list of (transform, destination)
        `transform` turns an array over its last two axes; `destination`, (num_classes,) int64,
        is the class of a turned pixel. A quarter turn moves the orientation by half the bins, a
        flip mirrors the bins; strength and coherence stay. Places in a block turn with it.
    """
    classes = np.arange(spec.num_classes)
    bins = orientation_bins(spec)
    step, count = spec.strides[0], spec.orientations
    places = np.arange(spec.period**2).reshape(spec.period, spec.period)
    hashed = spec.num_classes // places.size

    def view(turns, flip):
        def transform(array):
            turned = np.rot90(array, turns, axes=(-2, -1))
            return np.flip(turned, -1) if flip else turned

        moved = (bins + turns * (count // 2)) % count
        moved = count - 1 - moved if flip else moved
        reached = np.argsort(transform(places), axis=None).repeat(hashed)
        shift = (reached - classes // hashed) * hashed
        return transform, classes + (moved - bins) * step + shift

    return [view(turns, flip) for flip in (False, True) for turns in range(4)]


def orientation_bins(spec):
    """Return the orientation bin of every class, (num_classes,) int64."""
    return np.arange(spec.num_classes) // spec.strides[0] % spec.orientations


def canonical_classes(spec):
    """Return the first class of each set that the views turn into each other.

    Without blocks, these are the classes of the first quarter of the orientations.
    """
    reached = np.stack([destination for _, destination in dihedral_views(spec)])
    return np.flatnonzero(reached.min(axis=0) == np.arange(spec.num_classes))


def expand(spec, filters, bias):
    """Return the symmetric bank that the canonical classes of `filters` and `bias` define.

    Parameters
    ----------
    spec : HashSpec
    filters : (num_classes, planes, size, size) array
    bias : (num_classes,) array
        Values of other classes are not used.

    Returns
    -------
    filters, bias
        Turning an image turns the output of this bank, up to ties of the hash, if the canonical
        filters look the same from the views that keep their class (half a turn), as learned ones.
    """
    if len(filters) != spec.num_classes or bias.shape != (spec.num_classes,):
        raise ValueError(
            f"filters and bias must be of {spec.num_classes} classes, "
            f"got shapes {filters.shape} and {bias.shape}"
        )
    filters, bias = filters.copy(), bias.copy()
    canonical = canonical_classes(spec)
    missing = np.ones(spec.num_classes, bool)
    for transform, destination in dihedral_views(spec):
        source = canonical[missing[destination[canonical]]]
        filters[destination[source]] = transform(filters[source])
        bias[destination[source]] = bias[source]
        missing[destination[source]] = False
    return filters, bias
