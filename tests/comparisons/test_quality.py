import json
from dataclasses import replace

import pytest

from comparisons import leak, study, table2, table4, table5
from comparisons.draw import quality
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.store import ResultKey, load_result

MODULES = [table2, table4, table5, leak]
every_table = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.TABLE.name)


@pytest.fixture
def tiny(monkeypatch, tiny_dataset, stand_ins):
    """Put the two small images in place of every set, and stand-ins in place of the methods."""
    monkeypatch.setattr(study, "load_dataset", lambda name, **_: tiny_dataset)
    monkeypatch.setattr(quality, "COMMITTED", tiny_dataset.images[0].path.parent / "none")


def table(
    protocol,
    results=None,
    methods=None,
    names=("sample",),
    sigma=25.0,
    of=table2.TABLE,
    timed=True,
):
    if methods is not None:
        of = replace(of, rows=methods)
    found = {
        ResultKey("quality", protocol, sigma, name, method): result
        for (method, name), result in (results or {}).items()
    }
    asked = study.Conditions([PROTOCOLS[protocol]], [sigma], names)
    (built,) = of.render(asked, found, timed=timed)
    return built


METADATA = {"method": "raisr_n", "kflops_per_pixel": 0.1, "cpu": "x", "seeds": [0]}


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
    key = ResultKey("quality", "paper", 25.0, "tiny", "raisr_n")
    stored = load_result(tmp_path / "out" / "results", key)
    assert len(stored["images"]) == 4
    assert stored["metadata"]["kflops_per_pixel"] == 0.018
    content = json.loads((tmp_path / "out" / "table2.json").read_text())
    assert [t["title"].split(",")[1] for t in content] == [" protocol standard", " protocol paper"]


def test_stored_results_render_without_computing(tiny, tmp_path, monkeypatch, capsys):
    arguments = ["--protocol", "paper", "--methods", "noisy,raisr_n", "--output"]
    table2.main([*arguments, str(tmp_path / "one")])
    # The stand-in set calls itself tiny: store it under the name that is asked for.
    folder = tmp_path / "one" / "results" / "quality" / "paper_25"
    (folder / "tiny").rename(folder / "sample")
    monkeypatch.setattr(study, "load_dataset", lambda *_, **__: pytest.fail("computes"))
    monkeypatch.setattr(study, "evaluate", lambda *_, **__: pytest.fail("computes"))
    stored = str(tmp_path / "one" / "results")
    table2.main([*arguments, str(tmp_path / "two"), "--from-results", stored])
    content = json.loads((tmp_path / "two" / "table2.json").read_text())
    row = content[0]["sections"][0]["rows"][1]
    psnr = json.loads((folder / "sample" / "raisr_n.json").read_text())["mean"]["psnr"]
    assert row[0] == "RAISR+N"
    assert row[1].startswith(f"{psnr:.2f}/")
    assert not list((tmp_path / "two").glob("*.png"))


def test_rows_without_a_result_print_not_trained(monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
    untrained = replace(METHODS["kpn_plus"], build=lambda *_: None)
    monkeypatch.setitem(METHODS, "kpn_plus", untrained)
    assert cells(table("paper"), "measured here", "KPN+")["sample"] == "not trained"


def test_measured_cells(monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
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
    assert "-: not measured here, or not printed there." in built.notes
    assert (row["s/Mpixel"], row["kFLOPs/pixel"]) == ("0.250", "0.1")


def test_committed_results_fill_the_published_sets_with_a_mark(monkeypatch):
    stored = {
        ResultKey("quality", "paper", 25.0, "set14m2", method): result(
            28.7, metadata={**METADATA, "cpu": "other"}
        )
        for method in ("raisr_n", "raisr_c")
    }
    next(iter(stored.values()))["mean"]["seconds_per_megapixel"] = 9
    monkeypatch.setattr(quality, "read_results", lambda *_: stored)
    built = table("paper", {("raisr_n", "sample"): result()}, ["raisr_n", "raisr_c"])
    row = cells(built, "measured here", "RAISR+N")
    assert row["Set14-2"] == "28.70/0.900*"
    assert row["sample"] == "30.00/0.900"
    assert row["s/Mpixel"] == "0.250", "of this run alone"
    assert cells(built, "measured here", "RAISR+C")["s/Mpixel"] == "-"
    assert "s/Mpixel: CPU seconds of one thread on x." in built.notes
    assert any(note.startswith("* committed") for note in built.notes)


def test_images_with_other_pixels_are_named():
    key = ResultKey("quality", "standard", 25, "set12", "noisy")
    images = load_result(quality.COMMITTED, key)["images"]
    right = result(images=images)
    wrong = result(images=[*images[:3], {**images[3], "sha256": "0"}, *images[4:]])
    note = "Set12: do not compare, 1 of 12 images are not those of the committed results;"

    def notes(noisy, raisr_n):
        results = {("noisy", "set12"): noisy, ("raisr_n", "set12"): raisr_n}
        return " ".join(table("standard", results, ["noisy", "raisr_n"], ["set12"]).notes)

    assert "do not compare" not in notes(right, right)
    assert f"{note} the first is 04.png." in notes(wrong, right)
    assert f"{note} the first is 04.png." in notes(right, wrong)


def test_times_of_several_runs_are_not_shown():
    given = "standard", {("raisr_n", "sample"): result()}, ["raisr_n"]
    assert "s/Mpixel" in table(*given).columns
    built = table(*given, timed=False)
    assert "s/Mpixel" not in built.columns
    assert not any(note.startswith("s/Mpixel") for note in built.notes)
    assert cells(built, "the literature", "DnCNN")["kFLOPs/pixel"] == "-"


def test_what_is_trained_and_has_no_result_is_not_measured(monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
    built = table("standard", {}, ["raisr_fast", "kpn"], sigma=33.0)
    assert cells(built, "measured here", "raisr fast")["sample"] == "not measured"
    assert cells(built, "measured here", "KPN")["sample"] == "not trained"


def test_tables_of_stored_results_do_not_depend_on_what_is_installed(monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
    monkeypatch.setitem(METHODS, "kpn", replace(METHODS["kpn"], module="no_such_package"))
    for timed, told in ((True, "not installed"), (False, "not measured")):
        built = table("standard", {}, ["kpn"], timed=timed)
        assert cells(built, "measured here", "KPN")["sample"] == told


def test_the_literature_stands_in_table_2_alone():
    sections = [
        [section.title for section in table("standard", of=of).sections]
        for of in (table2.TABLE, table4.TABLE)
    ]
    assert [("the literature" in titles) for titles in sections] == [True, False]


def network_result(method, psnr, **facts):
    label = METHODS[method].label
    about = {"method": method, "label": label, "steps": 24000, "batch": "4 crops of 96x96"}
    return result(psnr, metadata=METADATA | about | facts)


def test_networks_tell_their_steps(monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
    found = {
        ("edsr16", "sample"): network_result("edsr16", 29.0),
        ("edsr16", "bsd68"): network_result("edsr16", 29.0),
        ("kpn", "sample"): network_result("kpn", 29.0, steps=900, batch="2 crops of 64x64"),
    }
    built = table("standard", found, ["noisy", "edsr16", "kpn"], ["sample", "bsd68"])
    steps = [cells(built, "measured here", label)["steps"] for label in ("noisy", "EDSR16", "KPN")]
    assert steps == ["-", "24,000", "900"]
    assert built.notes.count("A step is 4 crops of 96x96.") == 1
    assert "A step of KPN is 2 crops of 64x64." in built.notes


def test_class_specific_rows_tell_what_classes_gain(monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
    found = {
        ("edsr16", "sample"): network_result("edsr16", 29.004),
        ("cs_edsr", "sample"): network_result("cs_edsr", 28.97),
        ("cs_edsr", "bsd68"): network_result("cs_edsr", 28.97),
    }
    built = table("standard", found, ["edsr16", "cs_edsr"], ["sample", "bsd68"])
    row = cells(built, "measured here", "CS-EDSR")
    assert (row["sample"], row["BSD68"]) == ("28.97/0.900 (-0.03)", "28.97/0.900")
    assert cells(built, "measured here", "EDSR16")["sample"] == "29.00/0.900"


def test_public_weights_have_a_section_of_their_own(monkeypatch):
    monkeypatch.setattr(quality, "read_results", lambda *_: {})
    found = {("dncnn", "sample"): result(29.2)}
    built = table("standard", found, ["noisy", "dncnn", "ffdnet"])
    assert cells(built, "public weights, measured here", "DnCNN, public")["sample"] == "29.20/0.900"
    assert "FFDNet, public" not in [
        row[0] for section in built.sections[:2] for row in section.rows
    ]
    some = replace(table2.TABLE, rows=("noisy", "dncnn"))
    assert some.methods(PROTOCOLS["paper"], 25.0) == ["noisy"]


def test_numbers_of_the_paper_stand_under_its_protocol_only():
    paper, standard = table("paper"), table("standard")
    assert cells(paper, "the paper prints", "RAISR")["Set14-2"] == "28.76/0.782"
    assert cells(paper, "the paper prints", "CS-EDSR")["kFLOPs/pixel"] == "148"
    assert cells(paper, "the paper prints", "KPN")["DIV2K-10 crops"] == "31.51/0.857†"
    assert cells(standard, "the literature", "DnCNN")["BSD68"] == "29.23"
    titles = ["measured here", "public weights, measured here", "the literature"]
    assert [s.title for s in standard.sections] == titles
    assert [s.title for s in paper.sections] == ["measured here", "the paper prints"]


def test_a_level_without_published_numbers_has_one_section():
    assert [s.title for s in table("paper", sigma=30.0).sections] == ["measured here"]


@every_table
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_row_is_shown_trained_or_not(module, protocol):
    built = table(protocol, of=module.TABLE, sigma=30.0, names=("bsd68",))
    rows = [METHODS[row] for row in module.TABLE.rows]
    labels = [row.label for row in rows if row.defined(protocol, 30.0) and not row.public]
    assert [row[0] for row in built.sections[0].rows] == labels
    shipped = {METHODS[row].label for row in ("noisy", "raisr_fast", "raisr_best", "hybrid")}
    for label, found, *_ in built.sections[0].rows:
        assert found == ("not measured" if label in shipped else "not trained"), label


@every_table
def test_every_command_renders_committed_results(module, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "load_dataset", lambda *_, **__: pytest.fail("computes"))
    module.main(["--from-results", "--datasets", "bsd68", "--output", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "protocol standard, sigma 25" in printed
    assert "EDSR16" in printed
    stem = module.TABLE.name
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{stem}.{e}" for e in ("md", "tex", "json")
    }


def test_table_4_stands_beside_the_paper_s():
    built = table("paper", of=table4.TABLE)
    labels = ["EDSR16", "CS-EDSR, PCN+N", "CS-EDSR, RAISR+C", "CS-EDSR, RAISR+N"]
    assert [row[0] for row in built.sections[1].rows] == labels
    assert cells(built, "the paper prints", "EDSR16")["CBSD68"] == "29.61/0.822"
    assert cells(built, "the paper prints", "CS-EDSR, RAISR+C")["Set14-2"] == "31.39/0.868"
    assert [s.title for s in table("paper", of=table4.TABLE, sigma=30.0).sections] == [
        "measured here"
    ]


def test_table_5_stands_beside_the_paper_s():
    rows = table5.printed(25.0)
    assert list(rows)[:2] == ["EDSR16", "CS-EDSR, 4x2x2"]
    assert list(rows)[4:] == ["CARN16", *(f"CS-CARN, {n}" for n in ("4x2x2", "8x3x3", "16x6x6"))]
    assert rows["CS-CARN, 16x6x6"].cells["cbsd68"] == (29.48, 0.818)
    assert "CS-EDSR, 8x3x3" not in table5.printed(15.0), "the paper prints it at sigma 25 alone"


def test_a_draw_of_sigma_25_is_told_apart_from_the_same_level():
    rows = {sigma: leak.TABLE.methods(PROTOCOLS["standard"], sigma) for sigma in (25.0, 50.0)}
    assert rows[25.0] == ["edsr16", "cs_edsr", "cs_edsr_draw"]
    assert rows[50.0] == ["edsr16", "cs_edsr", "cs_edsr_draw", "cs_edsr_draw25"]


def test_the_paper_s_gains_are_those_of_its_table_1():
    built = leak.paper_gains()
    rows = {row[0]: dict(zip(built.columns, row, strict=True)) for row in built.sections[0].rows}
    assert rows["sigma 25"]["CBSD68"] == "+0.15"  # 29.76 - 29.61
    assert rows["sigma 50"]["Set14-2"] == "+0.69"  # 28.33 - 27.64
    assert rows["sigma 50"]["DIV2K-10 crops"] == "+0.66†"
