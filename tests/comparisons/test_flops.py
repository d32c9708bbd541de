import json

import pytest

from comparisons import flops
from comparisons.measure.published import paper_kflops, published


@pytest.fixture(scope="module")
def costs():
    torch = pytest.importorskip("torch", reason="torch is optional")
    torch.set_num_threads(1)  # as for all networks of the tests
    return flops.count((*flops.TABLE1, *flops.rows_of_others()))


def test_table_1_is_complete():
    assert [network.label for network in flops.TABLE1] == published()["table1"]["methods"]


def test_where_the_cost_is_not_the_papers_it_is_said_why(costs):
    for network in flops.TABLE1:
        printed = paper_kflops(network.label)
        differs = abs(costs[network.label].kflops / printed - 1) > 1e-3
        assert bool(network.note) == differs, network.label


def test_class_specific_networks_pay_for_their_classes(costs):
    pcn = costs["PCN"]
    assert costs["CS-EDSR"].kflops == pytest.approx(costs["EDSR16"].kflops + pcn.kflops)
    assert costs["CS-CARN"].kflops == pytest.approx(costs["CARN16"].kflops + pcn.kflops)
    assert costs["CS-EDSR"].parameters == 2710081 + pcn.parameters
    # What the notes say of the paper's numbers.
    assert paper_kflops("CS-EDSR") == pytest.approx(costs["EDSR16"].kflops, abs=0.05)
    assert paper_kflops("CS-CARN") == pytest.approx(costs["CARN16"].kflops, abs=0.05)
    for name in ("EDSR16", "CARN16"):
        assert costs[name].kflops - paper_kflops(name) == pytest.approx(pcn.kflops, abs=0.14)


def test_the_command_prints_and_writes_the_table(costs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(flops, "count", lambda _: costs)
    flops.main(["--output", str(tmp_path)])
    printed = capsys.readouterr().out
    for text in ("CS-EDSR", "150.83", "148.0", "78.26", "405.50", "429.1", "PCN", "+1.91 %"):
        assert text in printed
    assert {path.name for path in tmp_path.iterdir()} == {"flops.md", "flops.tex", "flops.json"}


def test_the_command_prints_json(costs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(flops, "count", lambda _: costs)
    monkeypatch.chdir(tmp_path)
    flops.main(["--json"])
    from hybrid.networks import NETWORKS

    rows = {row["network"]: row for row in json.loads(capsys.readouterr().out)}
    assert len(rows) == 17
    assert {known.label for known in NETWORKS.values()} - {"EDSR", "CARN"} <= set(rows)
    assert rows["DnCNN"]["kflops_per_pixel"] == 1108.224
    assert rows["DnCNN"]["paper_kflops_per_pixel"] == 1108.2
    assert rows["KPN"]["paper_kflops_per_pixel"] is None
    assert rows["EDSR16"]["parameters"] == 74561
    assert not list(tmp_path.iterdir())
