"""What a step tells of itself, whatever it is made of."""

import pytest

from raisr.step_facts import kind_of, levels_in, one_of

WHITE = {"step": "white", "model": "fast", "level": 7}
COPY = {"step": "copy"}


@pytest.mark.parametrize(
    ("about", "kind", "levels"),
    [
        (COPY, "none", [0]),
        (WHITE, "white", [7]),
        ({"step": "gray", "of": WHITE}, "white", [7]),
        ({"step": "white", "planes": [3, 4, 4]}, "white", [3 * 3**0.5]),
        ({"step": "camera", "planes": [3, 4, 4], "share": 0.5}, "camera", [3 * 3**0.5]),
        ({"step": "few values", "levels": [4, 5, 6]}, "few values", [4, 5, 6]),
        ({"step": "photon", "noise": [1, 2, 0]}, "photon", []),
        ({"step": "bank", "bank": "00"}, "bank", []),
        ({"step": "each", "of": [COPY, WHITE, WHITE]}, "white", [0, 7, 7]),
        ({"step": "each", "of": [COPY, COPY]}, "none", [0, 0]),
    ],
)
def test_kind_and_levels(about, kind, levels):
    assert kind_of(about) == kind
    assert levels_in(about) == pytest.approx(levels)


def test_three_equal_channels_are_one():
    assert one_of({"step": "gray", "of": WHITE}) is WHITE
    assert one_of(WHITE) is WHITE
