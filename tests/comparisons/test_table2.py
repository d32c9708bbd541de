import json

import imageio.v3 as iio
import numpy as np
import pytest

from comparisons import table2
from comparisons.crops import Panel, Window, draw_crops, draw_example, middle_windows, save_figure
from comparisons.datasets import load_dataset
from comparisons.methods import METHODS
from comparisons.protocol import PROTOCOLS
from comparisons.store import ResultKey, load_result


@pytest.fixture
def tiny(monkeypatch, tiny_dataset, stand_ins):
    """Put the two small images in place of every set, and stand-ins in place of the methods."""
    monkeypatch.setattr(table2, "load_dataset", lambda name, **_: tiny_dataset)
    monkeypatch.setattr(table2, "COMMITTED", tiny_dataset.images[0].path.parent / "none")


def table(protocol, results=None, methods=tuple(METHODS), names=("sample",), sigma=25.0):
    return table2.build_table(PROTOCOLS[protocol], sigma, names, methods, results or {})


METADATA = {"kflops_per_pixel": 0.1, "cpu": "x", "seeds": [0]}


def result(psnr=30.0, **more):
    mean = {"psnr": psnr, "ssim": 0.9, "seconds_per_megapixel": 0.25}
    return {"mean": mean, "metadata": METADATA, **more}


def cells(table, section, label):
    rows = next(s.rows for s in table.sections if s.title == section)
    row = next(row for row in rows if row[0] == label)
    return dict(zip(table.columns, row, strict=True))


def test_a_run_writes_every_format(tiny, tmp_path, capsys):
    table2.main(["--output", str(tmp_path / "out"), "--seeds", "0", "1"])
    printed = capsys.readouterr().out
    for text in ("protocol standard", "protocol paper", "RAISR+N", "not trained", "30.97/0.853"):
        assert text in printed
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert names == {
        "table2.md",
        "table2.tex",
        "table2.json",
        "table2_standard_25.png",
        "table2_paper_25.png",
    }
    key = ResultKey("table2", "paper", 25.0, "tiny", "raisr_n")
    stored = load_result(tmp_path / "out" / "results", key)
    assert len(stored["images"]) == 4
    assert stored["metadata"]["kflops_per_pixel"] == 0.018
    content = json.loads((tmp_path / "out" / "table2.json").read_text())
    assert [t["title"].split(",")[1] for t in content] == [" protocol standard", " protocol paper"]


def test_stored_results_render_without_computing(tiny, tmp_path, monkeypatch, capsys):
    arguments = ["--protocol", "paper", "--methods", "noisy,raisr_n", "--output"]
    table2.main([*arguments, str(tmp_path / "one")])
    # The stand-in set calls itself tiny: store it under the name that is asked for.
    folder = tmp_path / "one" / "results" / "table2" / "paper_25"
    (folder / "tiny").rename(folder / "sample")
    monkeypatch.setattr(table2, "load_dataset", lambda *_, **__: pytest.fail("computes"))
    monkeypatch.setattr(table2, "evaluate", lambda *_, **__: pytest.fail("computes"))
    stored = str(tmp_path / "one" / "results")
    table2.main([*arguments, str(tmp_path / "two"), "--from-results", stored])
    content = json.loads((tmp_path / "two" / "table2.json").read_text())
    row = content[0]["sections"][0]["rows"][1]
    psnr = json.loads((folder / "sample" / "raisr_n.json").read_text())["mean"]["psnr"]
    assert row[0] == "RAISR+N"
    assert row[1].startswith(f"{psnr:.2f}/")
    assert not list((tmp_path / "two").glob("*.png"))


def test_rows_without_a_result_print_not_trained():
    assert cells(table("paper"), "measured here", "KPN+")["sample"] == "not trained"


def test_measured_cells(monkeypatch):
    monkeypatch.setattr(table2, "read_results", lambda *_: {})
    spread = {"psnr": 0.013, "ssim": 0.0}
    results = {
        ("raisr_n", "sample"): result(28.154),
        ("raisr_n", "bsd68"): result(27.0, spread=spread),
    }
    built = table("standard", results, ["raisr_n"], ("sample", "bsd68"))
    row = cells(built, "measured here", "RAISR+N")
    assert row["sample"] == "28.15/0.900"
    assert row["BSD68"] == "27.00±0.01/0.900"
    assert row["Set12"] == "-"
    assert (row["s/Mpixel"], row["kFLOPs/pixel"]) == ("0.250", "0.1")


def test_committed_results_fill_the_published_sets_with_a_mark(monkeypatch):
    stored = {
        (method, "set14m2"): result(28.7, metadata={**METADATA, "cpu": "other"})
        for method in ("raisr_n", "raisr_c")
    }
    stored["raisr_n", "set14m2"]["mean"]["seconds_per_megapixel"] = 9
    monkeypatch.setattr(table2, "read_results", lambda *_: stored)
    built = table("paper", {("raisr_n", "sample"): result()}, ["raisr_n", "raisr_c"])
    row = cells(built, "measured here", "RAISR+N")
    assert row["Set14-2"] == "28.70/0.900*"
    assert row["sample"] == "30.00/0.900"
    assert row["s/Mpixel"] == "0.250", "of this run alone"
    assert cells(built, "measured here", "RAISR+C")["s/Mpixel"] == "0.250*"
    assert "s/Mpixel: CPU seconds of one thread on x." in built.notes
    assert any(note.startswith("* committed") for note in built.notes)


def test_the_training_of_networks_is_told_once():
    trained = result() | {"metadata": METADATA | {"label": "EDSR16", "training": "5 steps"}}
    found = {("edsr16", name): trained for name in ("sample", "bsd68")}
    built = table("standard", found, ["edsr16"], ["sample", "bsd68"])
    assert built.notes.count("EDSR16: 5 steps.") == 1


def test_numbers_of_the_paper_stand_under_its_protocol_only():
    paper, standard = table("paper"), table("standard")
    assert cells(paper, "the paper prints", "RAISR")["Set14-2"] == "28.76/0.782"
    assert cells(paper, "the paper prints", "CS-EDSR")["kFLOPs/pixel"] == "148"
    assert cells(paper, "the paper prints", "KPN")["DIV2K-10 crops"] == "31.51/0.857†"
    assert cells(standard, "the literature", "DnCNN")["BSD68"] == "29.23"
    assert [s.title for s in standard.sections] == ["measured here", "the literature"]
    assert [s.title for s in paper.sections] == ["measured here", "the paper prints"]


def test_a_level_without_published_numbers_has_one_section():
    assert [s.title for s in table("paper", sigma=30.0).sections] == ["measured here"]


def test_crops_are_drawn_for_every_panel(tmp_path):
    image = np.tile(np.linspace(0, 255, 120, dtype=np.float32), (100, 1))
    outer, inner = middle_windows(image.shape)
    figure = draw_crops([Panel("a", image), Panel("b", image)], outer, inner, "Title")
    assert [axis.get_xlabel() for axis in figure.axes] == ["", "", "a", "b"]
    upper, lower = figure.axes[0].images[0].get_array(), figure.axes[2].images[0].get_array()
    np.testing.assert_array_equal(upper, image[:, 10:110])
    np.testing.assert_array_equal(lower, image[33:66, 43:76])
    save_figure(figure, tmp_path / "new" / "x.png")
    assert iio.imread(tmp_path / "new" / "x.png").ndim == 3


def test_an_image_with_a_chosen_part_is_preferred(tiny_dataset, box_filter):
    denoisers = {"noisy": box_filter, "kpn": None}
    sets = [tiny_dataset, load_dataset("sample")]
    figure = draw_example(sets, denoisers, PROTOCOLS["standard"], 25.0)
    assert figure.get_suptitle() == "sample chelsea.png, protocol standard, sigma 25"
    assert len(figure.axes) == 4, "clean and one trained method"
    figure = draw_example(sets[:1], denoisers, PROTOCOLS["standard"], 25.0)
    assert figure.get_suptitle().startswith("Tiny gray.png")


def test_windows_fit_small_images():
    outer, inner = middle_windows((2, 5))
    assert outer == Window(0, 1, 2)
    assert inner.cut(outer.cut(np.zeros((2, 5)))).shape == (1, 1)
