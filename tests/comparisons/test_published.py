import numpy as np
import pytest

from comparisons.measure.published import (
    literature_rows,
    literature_source,
    other_images_mark,
    paper_notes,
    paper_rows,
    published,
)
from raisr.datasets import dataset_names

SETS = ("BSD68", "Urban100", "DIV2K", "Set12")


def cells(table):
    """Every (set, level or network, method) -> cell of one of the paper's tables."""
    return {
        (name, group, method): cell
        for name in SETS
        for group, row in published()[table][name].items()
        for method, cell in row.items()
    }


@pytest.mark.parametrize(
    ("table", "count"),
    [("table1", 129), ("table2", 16), ("table3", 24), ("table4", 24), ("table5", 24)],
)
def test_tables_are_complete(table, count):
    assert len(cells(table)) == count


def test_table_1_lacks_only_focnet_on_div2k():
    methods = published()["table1"]["methods"]
    assert len(methods) == len(published()["table1"]["kflops_per_pixel"]) == 11
    absent = {
        (name, sigma, method) for name in SETS for sigma in ("15", "25", "50") for method in methods
    } - cells("table1").keys()
    assert absent == {("DIV2K", sigma, "FOCNet") for sigma in ("15", "25", "50")}


@pytest.mark.parametrize("table", ["table1", "table2", "table4", "table5"])
def test_cells_are_psnr_and_ssim(table):
    for psnr, ssim in cells(table).values():
        assert 25 < psnr < 35
        assert 0.65 < ssim < 0.95


def test_spot_values():
    table = cells("table1")
    assert table["BSD68", "15", "DnCNN"] == [31.97, 0.878]
    assert table["BSD68", "50", "CS-EDSR"] == [27.31, 0.738]
    assert table["Urban100", "25", "FOCNet"] == [30.64, 0.887]
    assert table["Urban100", "50", "EDSR64"] == [26.85, 0.794]
    assert table["DIV2K", "15", "SGN"] == [34.02, 0.902]
    assert table["DIV2K", "50", "CS-CARN"] == [29.02, 0.782]
    assert table["Set12", "25", "RED"] == [30.96, 0.851]
    assert table["Set12", "50", "MemNet"] == [27.48, 0.749]
    assert published()["table1"]["kflops_per_pixel"]["FOCNet"] == 2225.7
    assert cells("table2")["Urban100", "25", "KPN+"] == [28.62, 0.851]
    assert cells("table2")["Set12", "25", "RAISR"] == [28.76, 0.782]
    assert cells("table3")["Urban100", "50", "RAISR+N"] == 0.092
    assert cells("table3")["BSD68", "50", "PCN"] == 0.035
    assert cells("table4")["DIV2K", "CARN", "RAISR+C"] == [31.87, 0.868]
    assert cells("table5")["Set12", "EDSR", "16x6x6"] == [29.67, 0.837]


@pytest.mark.parametrize(
    ("table", "psnr", "ssim"),
    [
        ("table1", 3905.06, 107.796),
        ("table2", 477.17, 13.276),
        ("table4", 732.23, 20.485),
        ("table5", 726.21, 20.338),
    ],
)
def test_sums_of_all_cells(table, psnr, ssim):
    np.testing.assert_allclose(np.sum(list(cells(table).values()), axis=0), [psnr, ssim], atol=1e-6)


def test_sum_of_table_3():
    assert sum(cells("table3").values()) == pytest.approx(1.160)


@pytest.mark.parametrize("name", SETS)
def test_the_tables_agree_with_each_other(name):
    first, third = cells("table1"), cells("table4")
    for network in ("EDSR", "CARN"):
        ours = first[name, "25", f"CS-{network}"]
        assert third[name, network, "PCN+N"] == ours
        assert cells("table5")[name, network, "8x3x3"] == ours
    assert cells("table2")[name, "25", "CS-EDSR"] == first[name, "25", "CS-EDSR"]


@pytest.mark.parametrize("name", SETS)
def test_psnr_falls_with_noise(name):
    table = cells("table1")
    for method in published()["table1"]["methods"]:
        psnr = [table[name, s, method][0] for s in ("15", "25", "50") if (name, s, method) in table]
        assert psnr == sorted(psnr, reverse=True)


def test_paper_rows_use_our_names_of_the_sets():
    rows = paper_rows("table2", 25.0)
    assert list(rows) == ["CS-EDSR", "KPN+", "KPN", "RAISR"]
    assert rows["CS-EDSR"].cells["set14m2"] == (30.97, 0.853)
    assert rows["CS-EDSR"].kflops == 148.0
    assert set(rows["RAISR"].cells) <= set(dataset_names())
    assert paper_rows("table2", 30) == {}


def test_literature_rows_have_a_source():
    rows = literature_rows("standard", 25)
    assert rows["DnCNN"].cells == {"bsd68": (29.23,), "set12": (30.44,)}
    assert rows["FFDNet"].cells["bsd68"] == (29.20,)
    assert rows["BM3D"].cells["bsd68"] == (28.57,)
    assert all(literature_source(method) for method in rows)
    assert literature_rows("standard", 30) == {}
    assert literature_rows("paper", 25) == {}
    colour = literature_rows("colour", 25)
    assert colour["CBM3D"].cells == {"cbsd68": (30.71,)}
    assert all(literature_source(method) for method in colour)


def test_sets_with_other_images_are_marked():
    assert other_images_mark("div2k10") == "†"
    assert other_images_mark("cbsd68") == ""
    assert paper_notes()[-1].endswith("AAAI 2021.")
