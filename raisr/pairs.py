"""Some of a sequence of training pairs."""

__all__ = ["is_sequence", "some_of"]


def is_sequence(pairs):
    """Return whether pairs can be taken in any order."""
    return hasattr(pairs, "__getitem__") and hasattr(pairs, "__len__")


def some_of(pairs, places):
    """Return the pairs at some places; but for a list or tuple, each is taken when it is needed.

    Parameters
    ----------
    pairs : sequence
    places : range
    """
    if isinstance(pairs, list | tuple):
        return [pairs[place] for place in places]
    return _Some(pairs, places)


class _Some:
    def __init__(self, pairs, places):
        self.pairs, self.places = pairs, places

    def __len__(self):
        return len(self.places)

    def __getitem__(self, place):
        return self.pairs[self.places[place]]

    def __iter__(self):
        return (self.pairs[place] for place in self.places)
