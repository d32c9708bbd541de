"""Pixels sorted by class: right, and once for all layers that see a map."""

import pytest
import torch

from hybrid.csconv import sorting
from hybrid.csconv.sorting import sorted_pixels


@pytest.fixture
def classes():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(6, (2, 9, 11), generator=generator, dtype=torch.uint8)


@pytest.fixture
def sorts(monkeypatch):
    """Count how often pixels are sorted."""
    calls = []
    plain = sorting._sorted
    monkeypatch.setattr(sorting, "_sorted", lambda *a: calls.append(1) or plain(*a))
    return calls


@pytest.mark.parametrize("length", [1, 5, 1000])
@pytest.mark.parametrize("kind", [torch.uint8, torch.int16, torch.int64])
def test_every_pixel_is_in_one_group_of_its_class(classes, length, kind):
    flat = classes.flatten()
    found = sorted_pixels(classes.to(kind), 8, length, 7)
    assert found.order.dtype == torch.int64
    seen = []
    for c, first, end in zip(*(part.tolist() for part in found.groups[:3]), strict=True):
        assert end - first <= length
        places = found.order[first : max(first, end)]
        assert (flat[places] == c).all()
        seen += places.tolist()
    assert sorted(seen) == list(range(len(flat)))
    ends = found.groups.first_groups
    assert ends[-1] == sum(-(-int((flat == c).sum()) // length) for c in range(8))


def test_a_map_is_sorted_once(classes, sorts):
    first = sorted_pixels(classes, 8, 16, 64)
    assert sorted_pixels(classes, 8, 16, 64) is first
    assert len(sorts) == 1


def test_another_map_or_other_values_are_sorted_anew(classes, sorts):
    sorted_pixels(classes, 8, 16, 64)
    sorted_pixels(classes.clone(), 8, 16, 64)
    classes[0, 0, 0] = 7
    found = sorted_pixels(classes, 8, 16, 64)
    assert len(sorts) == 3
    assert found.order[-1] == 0


def test_classes_out_of_range_are_refused(classes):
    with pytest.raises(ValueError, match="below num_classes = 3, got"):
        sorted_pixels(classes, 3, 16, 64)
