from dataclasses import replace

import numpy as np
import pytest

from comparisons import table1, times
from comparisons.draw import quality
from comparisons.flops import TABLE1
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.published import published
from comparisons.study import Conditions
from hybrid.networks import Cost


def test_all_networks_of_the_paper_are_rows():
    own = [METHODS[row].label for row in table1.TABLE.rows if not METHODS[row].public]
    assert own == published()["table1"]["methods"] == [network.label for network in TABLE1]


@pytest.mark.parametrize(
    ("protocol", "others"), [("standard", "the literature"), ("paper", "the paper prints")]
)
def test_what_was_not_trained_says_so(protocol, others, monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
    asked = Conditions([PROTOCOLS[protocol]], [15.0], ["bsd68"])
    (built,) = table1.TABLE.render(asked, {}, timed=True)
    here, printed = built.sections
    assert len(here.rows) == 11
    absent = {row[0]: row[1] for row in here.rows}
    assert absent["EDSR64"] == "not trained"
    assert absent["EDSR16"] == "not measured"
    assert printed.title == others


def test_costs_beside_the_papers():
    built = times.build_table({"DnCNN, public": 4.0, "EDSR16": 1.0, "raisr best": 0.02})
    cells = {row[0]: row[1:] for section in built.sections for row in section.rows}
    assert cells["EDSR16"] == ("148.0", "145.1", "74,561", "1", "0.25")
    assert cells["DnCNN, public"][-1] == "1"
    alone = times.build_table({"EDSR16": 1.0}).sections[0].rows
    assert {row[-2:] for row in alone if row[0] == "EDSR16"} == {("1", "-")}
    assert cells["MemNet"][-2:] == ("not measured", "-")
    assert cells["raisr best"] == ("-", "-", "-", "0.02", "0.005")


def test_nothing_was_measured(tmp_path, monkeypatch):
    assert times.read_times(tmp_path) == {}
    monkeypatch.setattr(times, "count", lambda networks: {n.label: Cost(1, 1) for n in networks})
    (networks,) = times.build_table({}).sections
    assert {row[-2:] for row in networks.rows} == {("not measured", "-")}


def test_times_are_medians_of_turns(monkeypatch, tmp_path, capsys):
    turns = []

    def stand_in(network):
        return replace_denoise(lambda plane, **_: turns.append((network.label, plane.shape)))

    monkeypatch.setattr(times, "TABLE1", TABLE1[:2])
    monkeypatch.setattr(times, "_OTHERS", ())
    monkeypatch.setattr(times, "untrained", stand_in)
    clock = iter([0, 1, 0, 10, 0, 6, 0, 10, 0, 2, 0, 10])
    monkeypatch.setattr(times.time, "thread_time", lambda: next(clock))
    times.main(["--rounds", "3", "--side", "100", "--results", str(tmp_path)])
    warm_up, full = (64, 64), (100, 100)
    first, second = TABLE1[0].label, TABLE1[1].label
    assert turns == [(first, warm_up), (second, warm_up), *[(first, full), (second, full)] * 3]
    assert times.read_times(tmp_path) == {first: 200.0, second: 1000.0}
    assert "s/Mpixel" in capsys.readouterr().out


def replace_denoise(function):
    class StandIn:
        denoise = staticmethod(function)

    return StandIn()


def test_untrained_networks_denoise():
    plain, special = (
        replace(next(n for n in TABLE1 if n.label == label), options=options)
        for label, options in (
            ("EDSR16", {"blocks": 1}),
            ("CS-EDSR", {"blocks": 1, "num_classes": 72}),
        )
    )
    image = np.full((24, 20), 128, np.float32)
    for network in (plain, special):
        output = times.untrained(network).denoise(image, data_range=255)
        assert output.shape == image.shape
        assert np.isfinite(output).all()
