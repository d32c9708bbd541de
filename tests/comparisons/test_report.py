"""The page parses, loads nothing and holds every committed table; its script sorts and slides."""

import base64
import io
import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from markupsafe import escape
from PIL import Image

import raisr
from comparisons.draw.tables import Section, Table
from comparisons.measure.methods import METHODS
from comparisons.report import __main__ as command
from comparisons.report import banks, committed, page, scenes
from comparisons.report.pictures import Picture, from_file, from_pixels
from comparisons.report.scenes import Scene, make_scene
from raisr.io import write_image
from raisr.noise import noise_seed
from tests.images import scene as scene_pixels

VOID = {"img", "input", "link", "meta"}
LOADING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}
ORIGIN = Table("Origin", ("results", "commit"), (Section("", (("quality", "0123"),)),))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Outline(HTMLParser):
    """The elements of a page; tags that are not closed in order are errors."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, *tags):
        """Return the attributes of every element of these kinds."""
        return [attributes for tag, attributes in self.elements if tag in tags]


def gray(level):
    """A picture of one gray level."""
    return from_pixels(np.full((16, 16), level))


def scene(name, levels):
    """A scene whose pictures are plain."""
    images = [Picture(label, gray(level), f"{level} dB") for label, level in levels.items()]
    return Scene(name, images, [Picture("classes", gray(9), "the truth")])


@pytest.fixture(scope="module")
def html():
    """A page of two plain scenes, without the pictures of the banks: they take seconds."""
    shown = [
        scene("one <i>&amp;</i>", {"noisy": 1, "box": 2, "clean": 3}),
        scene("two", {"noisy": 4, "box": 5, "clean": 6}),
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("by_noise", "shipped"):
            patch.setattr(banks, name, lambda: [Picture("bank", gray(7), "all filters")])
        patch.setattr(committed, "origin", lambda: [ORIGIN])
        return page.render(shown)


def decoded(source):
    """Return the pixels of a data URI."""
    kind, content = source.split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_it_is_well_formed_and_named(html):
    outline = Outline(html)
    assert outline.all("html") == [{"lang": "en"}]
    assert len(outline.all("h1")) == len(outline.all("title")) == len(outline.all("main")) == 1
    names = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(names) == len(set(names))
    inside = [link["href"].removeprefix("#") for link in outline.all("a")]
    assert inside
    assert set(inside) <= set(names)
    assert all(image["alt"] for image in outline.all("img"))
    assert all("scope" in heading for heading in outline.all("th"))


def test_it_loads_nothing(html):
    outline = Outline(html)
    assert not outline.all("link", "iframe", "object", "embed", "base", "form")
    for tag, attributes in outline.elements:
        for name in LOADING & set(attributes):
            assert attributes[name].startswith("data:image/" if tag == "img" else "#")
    (policy,) = [meta for meta in outline.all("meta") if "http-equiv" in meta]
    assert policy["content"].startswith("default-src 'none'; img-src data:;")
    code = page.read("page.css") + page.read("page.js")
    assert not re.search(r"url\(|@import|\bfetch\b|XMLHttpRequest|\bimport\b|//\w+\.", code)


def test_text_is_escaped(html):
    assert "<option>one &lt;i&gt;&amp;amp;&lt;/i&gt;</option>" in html
    assert "<i>" not in html


def test_every_committed_table_is_there_cell_by_cell(html):
    groups = committed.tables()
    titles = [table.title for group in groups for table in group.tables]
    assert any(title.startswith("Table 2, protocol standard") for title in titles)
    assert any(title.startswith("Table 3, protocol paper") for title in titles)
    assert any(title.startswith("Speed") for title in titles)
    start = 0
    for table in (table for group in groups for table in group.tables):
        start = html.index(f"<caption><span>{escape(table.title)}</span></caption>", start)
        start, end = start + 1, html.index("</table>", start)
        cells = [cell for section in table.sections for row in section.rows for cell in row[1:]]
        assert [unescape(cell) for cell in re.findall("<td>(.*?)</td>", html[start:end])] == cells


def test_the_scenes_are_there_for_the_script(html):
    data = re.search(r'id="scenes">(.*?)</script>', html, re.DOTALL)[1]
    first, second = json.loads(data)
    assert first["name"] == "one <i>&amp;</i>"
    assert [image["label"] for image in second["images"]] == ["noisy", "box", "clean"]
    assert decoded(second["images"][1]["source"]).max() == 5


def test_it_opens_with_noise_and_the_last_method(html):
    images = {image["id"]: image for image in Outline(html).all("img") if "id" in image}
    assert images["picture-left"]["alt"] == "noisy"
    assert images["picture-right"]["alt"] == "box"


def test_origin_tells_commits_of_results_and_weights():
    results, weights = committed.origin()
    rows = [row for section in results.sections for row in section.rows]
    assert {row[0] for row in rows} >= {"quality", "table3"}
    commits = [commit for row in rows for commit in row[-1].split(", ")]
    assert all(re.fullmatch(r"[0-9a-f]{10}\+?", commit) for commit in commits)
    names = [row[0] for row in weights.sections[0].rows]
    assert "cs_edsr16_pcn_standard_25" in names
    assert names == sorted(names)


def test_banks_of_more_noise_are_drawn_one_by_one():
    drawn = banks.by_noise()
    labels = [picture.label for picture in drawn]
    assert labels == ["RAISR+N, sigma 15", "RAISR+N, sigma 25", "RAISR+N, sigma 50"]
    assert len({picture.source for picture in drawn}) == 3
    assert min(decoded(drawn[0].source).shape) > 300


def test_pixels_are_clipped_and_rounded():
    image = decoded(from_pixels(np.array([[-3.0, 1.6], [254.4, 300.0]])))
    np.testing.assert_array_equal(image, [[0, 2], [254, 255]])


def test_a_scene_has_the_scores_of_the_whole_image(tiny_dataset, box_filter, monkeypatch):
    monkeypatch.setattr(scenes, "_class_specific_network", lambda: None)
    monkeypatch.setattr(scenes, "SIDE", 24)
    image = tiny_dataset.images[0]
    found = make_scene(tiny_dataset, image, {"raisr_n": box_filter, "kpn": None})
    seed = noise_seed("tiny", "gray.png", 25.0)
    sample = scenes.PROTOCOL.prepare(image.read(), 25.0, seed)
    psnr, ssim = scenes.PROTOCOL.score(box_filter.run(sample), sample.clean)
    assert found.name == "Tiny: gray.png"
    assert [picture.label for picture in found.images] == ["RAISR+N", "clean"]
    assert found.images[0].about == f"{psnr:.2f} dB, SSIM {ssim:.3f}"
    part = image.read()[4:28, 16:40]  # of 40 x 56: a quarter of what is left above, half beside
    np.testing.assert_array_equal(decoded(found.images[1].source), part)
    assert found.classes[0].about == "the truth"
    assert re.fullmatch(r"\d+% of the edges right", found.classes[1].about)


def test_classes_of_the_network_are_judged_on_edges(tiny_dataset, monkeypatch):
    import raisr

    class Perfect:
        """Predicts the classes of the clean image, but for the pixels without an edge."""

        def classify(self, noisy, data_range):
            clean = tiny_dataset.images[0].read()
            classes = raisr.hash_image(clean, data_range=data_range)
            spec = raisr.HashSpec.preset("csconv")
            flat = classes // spec.strides[1] % spec.shape[1] == 0
            return np.where(flat, 0, classes)

    monkeypatch.setattr(scenes, "_class_specific_network", Perfect)
    found = make_scene(tiny_dataset, tiny_dataset.images[0], {})
    assert found.classes[2].about == "100% of the edges right"


def test_figures_take_the_smaller_file_and_the_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(committed, "_PICTURES", (tmp_path,))
    assert committed.figures() == []
    (tmp_path / "figure4_paper_25.svg").write_text("<svg/>")
    (drawing,) = committed.figures()
    assert drawing.numbers is None
    assert drawing.picture.source.startswith("data:image/svg+xml;base64,")
    (tmp_path / "figure4_paper_25.png").write_bytes(b"PNG")
    (tmp_path / "figure4_paper_25.csv").write_text("method,PSNR\nbox,\n")
    (drawing,) = committed.figures()
    assert drawing.picture.source == from_file(tmp_path / "figure4_paper_25.png")
    assert drawing.picture.about == "paper 25"
    assert drawing.numbers.columns == ("method", "PSNR")
    assert drawing.numbers.sections[0].rows == (("box", "-"),)


def test_a_photograph_is_shown_before_and_after(tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "SIDE", 64)
    clean = np.stack([share * scene_pixels((90, 80)) for share in (0.9, 1.0, 0.8)], -1)
    noisy = raisr.noise.add_gaussian_noise(clean, 20, seed=0).clip(0, 255).astype(np.uint8)
    write_image(tmp_path / "photo.png", noisy)
    found = scenes.photo_scene(tmp_path / "photo.png")
    assert found.name == "photo.png, nothing told"
    before, *after = (decoded(picture.source) for picture in found.images)
    np.testing.assert_array_equal(before, noisy[6:70, 8:72])
    truth = clean[6:70, 8:72]
    for image in after:
        assert np.mean((image - truth) ** 2) < np.mean((before - truth) ** 2) / 4
    write_image(tmp_path / "deep.png", noisy.astype(np.uint16))
    with pytest.raises(ValueError, match="wanted an 8-bit gray or RGB image"):
        scenes.photo_scene(tmp_path / "deep.png")


@pytest.fixture
def run(tiny_dataset, monkeypatch, tmp_path):
    """Return the command, on the tiny set."""
    monkeypatch.setattr(command, "load_dataset", lambda name, download: tiny_dataset)
    monkeypatch.setattr(scenes, "_class_specific_network", lambda: None)
    monkeypatch.setattr(command, "render", lambda shown: " ".join(s.name for s in shown))
    target = tmp_path / "new" / "report.html"

    def call(*arguments):
        command.main(["-o", str(target), *arguments])
        return target.read_text()

    return call


def test_the_command_writes_the_page(run, stand_ins, capsys):
    assert run("--methods", "noisy,raisr_fast") == "Tiny: gray.png Tiny: colour.png"
    assert "wrote" in capsys.readouterr().out
    assert run("--methods", "noisy", "--images", "1") == "Tiny: gray.png"


def test_photographs_come_last_and_are_looked_at_first(run, stand_ins, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(command, "photo_scene", lambda path: Scene(path.name, [], []))
        shown = run("--methods", "noisy", "--images", "1", "--photo", "a.png")
    assert shown == "Tiny: gray.png a.png"
    monkeypatch.setattr(command, "make_scene", lambda *_: pytest.fail("denoises"))
    with pytest.raises(FileNotFoundError):
        run("--methods", "noisy", "--photo", "missing.png")


def test_methods_that_are_not_trained_are_refused(run, monkeypatch):
    method = METHODS["kpn"]
    untrained = type(method)(method.label, method.about, lambda protocol, sigma: None)
    monkeypatch.setitem(METHODS, "kpn", untrained)
    with pytest.raises(ValueError, match="--methods: kpn: not trained, wanted one that is"):
        run("--methods", "kpn")


ACTIONS = """
const table = [...document.querySelectorAll("table")].find(
  (found) => found.caption.textContent.startsWith("Table 2, protocol standard"));
const heading = [...table.tHead.rows[0].cells].find((cell) => cell.textContent === "BSD68");
const column = heading.cellIndex;
const state = () => ({
  sort: heading.getAttribute("aria-sort"),
  cells: [...table.tBodies[0].rows].slice(1).map((row) => row.cells[column].textContent),
});
const states = [state()];
for (let click = 0; click < 3; click++) {
  heading.querySelector("button").click();
  states.push(state());
}
const split = document.getElementById("split");
split.value = 20;
split.dispatchEvent(new Event("input"));
const choose = (id, change) => {
  change(document.getElementById(id));
  document.getElementById(id).dispatchEvent(new Event("change"));
};
choose("scene", (select) => (select.selectedIndex = 1));
choose("left", (select) => (select.value = "classes"));
const left = document.getElementById("picture-left");
const outcome = {
  states,
  clip: getComputedStyle(left).clipPath,
  left: left.src,
  right: document.getElementById("picture-right").src,
  about: document.getElementById("about-right").textContent,
};
document.body.innerHTML = "";
document.body.append(`outcome ${btoa(JSON.stringify(outcome))} end`);
"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser to click in: no chromium in PATH")
def test_a_click_sorts_and_a_move_slides(html, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(html.replace("</body>", f"<script>{{{ACTIONS}}}</script></body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    shown = subprocess.run(
        [CHROMIUM, *flags, "--dump-dom", path.as_uri()], capture_output=True, text=True, check=True
    ).stdout
    outcome = json.loads(base64.b64decode(re.search(r"outcome (\S+) end", shown)[1]))
    before, up, down, again = outcome["states"]
    assert [state["sort"] for state in outcome["states"]] == [None, "ascending", "descending", None]
    assert before == again

    def numbers(state):
        return [float(cell.split("/")[0]) for cell in state["cells"] if "/" in cell]

    assert numbers(up) == sorted(numbers(before))
    assert numbers(down) == sorted(numbers(before), reverse=True)
    for state in (up, down):
        assert all("/" in cell for cell in state["cells"][: len(numbers(state))])
    assert outcome["clip"] == "inset(0px 80% 0px 0px)"
    assert decoded(outcome["left"]).max() == 9
    assert decoded(outcome["right"]).max() == 5
    assert outcome["about"] == "box 5 dB"
