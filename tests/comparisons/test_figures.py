import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from matplotlib.figure import Figure

from comparisons import figure1, figure3, figure4, figure5, figure6, figure7
from comparisons.crop_study import CropFigure
from comparisons.draw import figures, panels
from comparisons.draw.labels import label_points, labels_of_lines
from comparisons.figure7 import SIZES, Size
from comparisons.measure import scenes
from comparisons.measure.methods import METHODS
from comparisons.measure.protocol import PROTOCOLS
from comparisons.measure.scenes import Scene, Window, views
from comparisons.measure.store import ResultKey

STANDARD, PAPER = PROTOCOLS["standard"], PROTOCOLS["paper"]


def read_csv(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.fixture
def tiny_scene(monkeypatch, tiny_dataset):
    """A part of the small gray image, in place of every set."""
    monkeypatch.setattr(scenes, "load_dataset", lambda name, **_: tiny_dataset)
    return Scene("tiny", "gray.png", Window(4, 8, 32))


@pytest.fixture
def results(tmp_path):
    """Write results under a folder, as the tables do."""

    def write(kind, protocol, sigma, dataset, method, psnr, **facts):
        path = ResultKey(kind, protocol, sigma, dataset, method).path(tmp_path / "results")
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"mean": {"psnr": psnr, "ssim": 0.9}, "metadata": facts}
        path.write_text(json.dumps(content))
        return tmp_path / "results"

    return write


def test_a_figure_is_written_with_its_numbers(tmp_path):
    figure = Figure()
    figure.subplots().plot([0, 1], [0, 1])
    rows = [{"a": 1.0 / 3, "b, c": None}, {"a": 2, "b, c": "x"}]
    written = figures.save(figure, rows, tmp_path / "new", "name")
    assert [path.name for path in written] == ["name.png", "name.svg", "name.csv"]
    assert iio.imread(written[0]).ndim == 3
    assert written[1].read_text().startswith("<?xml")
    assert written[2].read_text() == 'a,"b, c"\n0.333333,\n2,x\n'
    before = [path.read_bytes() for path in written]
    figures.save(figure, rows, tmp_path / "new", "name")
    assert [path.read_bytes() for path in written] == before


@pytest.mark.parametrize("rows", [[], [{"a": 1}, {"b": 1}]])
def test_numbers_must_have_the_same_keys(rows):
    with pytest.raises(ValueError, match="wanted rows with the same keys, got"):
        figures.to_csv(rows)


def test_labels_of_near_points_do_not_overlap():
    figure = Figure(figsize=(3, 3))
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for index, place in enumerate([(0.5, 0.5), (0.5, 0.51), (0.52, 0.5), (0.99, 0.5)]):
        axes.plot(*place, "o", label=f"point {index}")
    figure.draw_without_rendering()
    label_points(axes, labels_of_lines(axes))
    names = [text for text in axes.texts if text.get_text()]
    assert [name.get_text() for name in names] == [f"point {i}" for i in range(4)]
    boxes = [name.get_window_extent() for name in names]
    assert all(one.count_overlaps(boxes) == 1 for one in boxes), "with itself"
    assert boxes[3].x1 <= axes.bbox.x1


def test_what_the_paper_prints_holds_under_its_conditions_only():
    assert figures.printed_numbers("figure4", PAPER, 25.0)["KPN"] == [26.47, 0.855]
    assert figures.printed_numbers("figure4", PAPER, 50.0) == {}
    assert figures.printed_numbers("figure4", STANDARD, 25.0) == {}


def test_views_are_scored_on_the_part_and_on_the_whole(tiny_scene, box_filter):
    sample = tiny_scene.sample(STANDARD, 25.0)
    (view,) = views(tiny_scene, sample, {"box": box_filter, "absent": None}, STANDARD)
    output = box_filter.run(sample)
    part = np.s_[4:36, 8:40]
    assert view.part == STANDARD.score(output[part], sample.clean[part])
    assert view.whole == STANDARD.score(output, sample.clean)
    assert view.part != view.whole


def test_crops_are_drawn_and_written(tiny_scene, box_filter, tmp_path, capsys):
    denoisers = {"noisy": METHODS["noisy"].build(PAPER, 25.0), "KPN": box_filter, "KPN+": None}
    figure = CropFigure("figure4", tiny_scene, 25, lambda *_: denoisers)
    figure.main("about", ["--protocol", "paper", "--output", str(tmp_path)])
    assert "no weights here: KPN+" in capsys.readouterr().out
    noisy, kpn = read_csv(tmp_path / "figure4_paper_25.csv")
    assert (noisy["PSNR in the paper"], kpn["SSIM in the paper"]) == ("21.16", "0.855")
    assert float(kpn["PSNR of the image"]) > float(noisy["PSNR of the image"])


def test_the_window_is_what_is_shown(tiny_scene, box_filter):
    sample = tiny_scene.sample(STANDARD, 25.0)
    found = views(tiny_scene, sample, {"box": box_filter}, STANDARD)
    figure = panels.draw(tiny_scene, sample, found, "title")
    whole, clean, shown = (axis.images[0].get_array() for axis in figure.axes)
    np.testing.assert_array_equal(whole, sample.clean)
    np.testing.assert_array_equal(clean, sample.clean[4:36, 8:40])
    np.testing.assert_array_equal(shown, found[0].image[4:36, 8:40])
    assert figure.axes[2].get_xlabel().startswith("box\n")


def test_many_crops_stand_in_rows(tiny_scene, box_filter):
    sample = tiny_scene.sample(STANDARD, 25.0)
    found = views(tiny_scene, sample, {"box": box_filter}, STANDARD) * 11
    figure = panels.draw(tiny_scene, sample, found, "title")
    grid = figure.axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (2, 7)
    assert [axis.axison for axis in figure.axes] == [True] * 13 + [False]


def test_a_set_that_is_missing_is_an_error(monkeypatch, tmp_path):
    monkeypatch.delenv("RAISR_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="data set set14m2: 12 of 12 images not found"):
        figure6.main(["--protocol", "standard", "--output", str(tmp_path)])


def test_figure_1_places_ours_beside_the_papers(results):
    root = results("quality", "paper", 25.0, "cbsd68", "cs_edsr", 29.9, kflops_per_pixel=150.8)
    lines = figure1.points(PAPER, [25.0], root, {"CS-EDSR": 2.5})
    ours, *printed = lines
    assert (ours["method"], ours["measured by"], ours["PSNR"]) == ("CS-EDSR", "here", 29.9)
    assert ours["seconds per megapixel"] == 2.5
    assert len(printed) == 11
    theirs = next(line for line in printed if line["method"] == "CS-EDSR")
    assert (theirs["PSNR"], theirs["kFLOPs per pixel"]) == (29.76, 148.0)
    assert theirs["seconds per megapixel"] is None
    assert {line["measured by"] for line in printed} == {"the paper"}
    assert figure1.points(STANDARD, [25.0], root, {}) == []


def test_figure_1_is_drawn(results, tmp_path, capsys):
    for sigma, psnr in ((15.0, 31.0), (25.0, 29.0)):
        root = results("quality", "standard", sigma, "bsd68", "edsr16", psnr, kflops_per_pixel=148)
    arguments = ["--protocol", "standard", "--sigma", "15", "25", "--results", str(root)]
    figure1.main([*arguments, "--output", str(tmp_path)])
    assert "no times" in capsys.readouterr().out
    assert [row["PSNR"] for row in read_csv(tmp_path / "figure1_standard.csv")] == ["31", "29"]
    lines = figure1.points(STANDARD, [15.0, 25.0], root, {"EDSR16": 1.5})
    figure = figure1.draw(lines, "title")
    assert len(figure.axes) == 4, "FLOPs and time, two noise levels"
    with pytest.raises(ValueError, match="no results under protocol paper"):
        figure1.main(["--protocol", "paper", "--sigma", "30", "--results", str(root)])


def test_families_of_figure_1():
    labels = ("raisr best", "CS-CARN", "CARN16", "DnCNN, public", "RED")
    ours = [figure1.family({"method": label, "measured by": "here"}) for label in labels]
    assert [family.marker for family in ours] == ["o", "^", "s", "D", "v"]
    assert figure1.family({"method": "RED", "measured by": "the paper"}) == ours[3]


def test_figure_5_measures_the_statistics(tiny_scene, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(figure5, "SCENE", tiny_scene)
    monkeypatch.setattr(figure5.Predictor, "load", lambda *_: None)
    noisy = METHODS["noisy"]
    absent = replace(noisy, build=lambda *_: None)
    rows = {"noisy": noisy, "cs_edsr_noisy": noisy, "cs_edsr": absent, "cs_edsr_clean": absent}
    monkeypatch.setattr(figure5, "METHODS", rows)
    figure5.main(["--protocol", "paper", "--output", str(tmp_path)])
    told = capsys.readouterr().out
    assert "no weights here: PCN; CS-EDSR, RAISR+C; CS-EDSR, PCN+N" in told
    clean, noisy, pcn = read_csv(tmp_path / "figure5_paper_25.csv")
    assert (clean["MSE"], noisy["MSE in the paper"], pcn["MSE"]) == ("0", "0.063", "")
    assert clean["share of pixels in the right class"] == "1"
    assert 0.01 < float(noisy["MSE, circular"]) < float(noisy["MSE"])


def test_sizes_of_figure_7_have_equal_runs():
    from hybrid.training.config import TrainingConfig  # takes a while

    configs = {}
    for path in Path(figure7.__file__).with_name("runs").glob("figure7_*.toml"):
        configs[path.stem] = TrainingConfig.read(path)
    names = {f"{size.network}_standard_25" for size in SIZES}
    starts = {f"{s.network}_start_standard_25" for s in SIZES if not s.special}
    assert set(configs) == names | starts
    assert len({(c.steps, c.batch, c.crop, c.seed) for c in configs.values()}) == 1
    for size in SIZES:
        config = configs[f"{size.network}_standard_25"]
        plain = Size(size.blocks, size.features, special=False).network
        assert config.init == f"runs/{plain}_start_standard_25/weights.safetensors"
        assert config.options["blocks"] == size.blocks
        assert config.options["features"] == size.features
        assert ("num_classes" in config.options) == size.special
        assert config.learning_rate == 1e-3


def test_figure_7_leaves_out_what_is_not_trained(results, tmp_path, capsys):
    for label, psnr in (("B8F16", 29.5), ("CS-B8F16", 29.6), ("B16F16", 29.9)):
        facts = {"kflops_per_pixel": 75.0, "steps": 6000}
        root = results("figure7", "standard", 25.0, "set12", label, psnr, **facts)
    figure7.main(["--results", str(root), "--output", str(tmp_path)])
    told = capsys.readouterr().out
    assert "protocol standard, sigma 25: not trained: B16F8, CS-B16F8, CS-B16F16, B16F32" in told
    rows = {row["network"]: row for row in read_csv(tmp_path / "figure7_standard_25.csv")}
    assert rows["B16F16"]["PSNR"] == "29.9"
    assert rows["B32F16"]["PSNR"] == "not trained"
    assert not (tmp_path / "figure7_paper_25.png").exists()
    found = figure7.STUDY.found(root, STANDARD, 25.0)
    left, right = figure7.draw(found, STANDARD, 25.0).axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in left.lines}
    assert lines == {"CS-EDSR": [[8, 29.6]], "EDSR": [[8, 29.5], [16, 29.9]]}
    assert [line.get_xydata().tolist() for line in right.lines] == [[], [[16, 29.9]]]


def test_figure_7_measures_what_was_trained(tiny_dataset, monkeypatch, tmp_path, box_filter):
    built = replace(box_filter, facts={"steps": 6})
    monkeypatch.setattr(
        figure7, "load_dataset", lambda *_, **__: replace(tiny_dataset, name="set12")
    )
    monkeypatch.setattr(Size, "build", lambda size, *_: built if size.blocks == 8 else None)
    folders = ["--results", str(tmp_path / "r"), "--output", str(tmp_path / "o")]
    figure7.main(["--measure", "--protocol", "standard", *folders])
    stored = figure7.STUDY.found(tmp_path / "r", STANDARD, 25.0)
    assert {size.label for size in stored} == {"B8F16", "CS-B8F16"}
    assert all(result["metadata"]["steps"] == 6 for result in stored.values())


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize("figure", [figure3, figure4])
def test_the_figures_show_rows_of_the_tables(figure):
    rows = figure.FIGURE.build(STANDARD, 25.0)
    assert "RAISR+N" in rows or "raisr best" in rows
    assert set(rows) <= {METHODS[name].label for name in figure.ROWS}
    with pytest.raises(SystemExit, match="0"):
        figure.main(["--help"])
