import functools
import hashlib
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import imageio.v3 as iio
import numpy as np
import pytest

from raisr import datasets
from raisr.colour import rgb_to_gray
from raisr.datasets import dataset_label, dataset_names, load_dataset, pixel_digest

SIZES = {
    "sample": 7,
    "sample_colour": 5,
    "bsd68": 68,
    "cbsd68": 68,
    "set12": 12,
    "set14": 14,
    "set14m2": 12,
    "urban100": 100,
    "div2k": 50,
    "div2k10": 10,
    "bsd400": 399,
}
IMAGE = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.fixture(autouse=True)
def no_data(monkeypatch, request):
    if not request.node.get_closest_marker("data"):
        monkeypatch.delenv("RAISR_DATA", raising=False)


@pytest.fixture
def server(tmp_path):
    """A local server of the folder `files`; `server.requests` lists the paths asked for."""
    root = tmp_path / "files"
    root.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            super().do_GET()

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=root))
    httpd.requests, httpd.root = [], root
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def registry(monkeypatch, server):
    """Two sets, `plain` checked by file and `bitmap` by pixels; their files lie on the server."""
    iio.imwrite(server.root / "one.png", IMAGE)
    iio.imwrite(server.root / "one.bmp", IMAGE)
    checksum = hashlib.sha256((server.root / "one.png").read_bytes()).hexdigest()
    port = server.server_address[1]
    folder = {"url": f"http://127.0.0.1:{port}", "terms": "none"}
    content = {
        "datasets": {
            "plain": {"label": "Plain", "folder": "plain"},
            "bitmap": {"label": "Bitmap", "folder": "bitmap", "note": "from BMP"},
        },
        "folders": {
            "plain": {
                **folder,
                "remote": "{name}",
                "checksum": "file",
                "sha256": {"one.png": checksum},
            },
            "bitmap": {
                **folder,
                "remote": "{stem}.bmp",
                "checksum": "pixels",
                "sha256": {"one.png": pixel_digest(IMAGE)},
            },
        },
    }
    monkeypatch.setattr(datasets, "_registry", lambda: content)
    return content


@pytest.mark.parametrize("name", ["plain", "bitmap"])
def test_a_missing_set_is_fetched_once_when_asked(registry, server, tmp_path, name):
    for _ in range(2):
        dataset = load_dataset(name, download=True, cache_dir=tmp_path / "cache")
        np.testing.assert_array_equal(dataset.images[0].read(), IMAGE)
    assert len(server.requests) == 1
    assert load_dataset(name, cache_dir=tmp_path / "cache").images == dataset.images
    assert (dataset.name, dataset.folder, len(dataset)) == (name, name, 1)


def test_a_gray_set_is_gray_though_its_public_files_are_not(registry, server, tmp_path):
    colour = np.stack([IMAGE, IMAGE[::-1], IMAGE[:, ::-1]], axis=-1)
    iio.imwrite(server.root / "one.bmp", colour)
    folder = registry["folders"]["bitmap"]
    folder |= {"gray": True, "sha256": {"one.png": pixel_digest(colour)}}
    dataset = load_dataset("bitmap", download=True, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(dataset.images[0].read(), rgb_to_gray(colour))


def test_nothing_is_fetched_unless_asked(registry, server, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"set RAISR_DATA .* or pass --download"):
        load_dataset("plain", cache_dir=tmp_path / "cache")
    assert server.requests == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["plain", "bitmap"])
def test_a_file_with_another_checksum_is_refused(registry, server, tmp_path, name):
    for file in server.root.iterdir():
        iio.imwrite(file, IMAGE[::-1])
    with pytest.raises(ValueError, match="wrong SHA-256"):
        load_dataset(name, download=True, cache_dir=tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("page", [b"", b"<html>try again later</html>"])
def test_an_error_page_is_refused_and_not_kept(registry, server, tmp_path, page):
    bitmap = server.root / "one.bmp"
    image = bitmap.read_bytes()
    bitmap.write_bytes(page)
    with pytest.raises(ValueError, match=r"one.bmp: wrong SHA-256 of the pixels"):
        load_dataset("bitmap", download=True, cache_dir=tmp_path / "cache")
    bitmap.write_bytes(image)
    dataset = load_dataset("bitmap", download=True, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(dataset.images[0].read(), IMAGE)


def test_a_missing_file_on_the_server_is_one_clear_error(registry, server, tmp_path):
    (server.root / "one.png").unlink()
    with pytest.raises(ConnectionError, match=r"cannot fetch http://.*/one.png: 404"):
        load_dataset("plain", download=True, cache_dir=tmp_path / "cache")


def test_a_server_that_does_not_answer_is_one_clear_error(registry, tmp_path):
    with pytest.raises(ConnectionError, match="cannot fetch http://127.0.0.1:9/one.png"):
        load_dataset(
            "plain", download=True, base_url="http://127.0.0.1:9/", cache_dir=tmp_path / "cache"
        )


def test_base_url_replaces_the_public_address(registry, server, tmp_path):
    registry["folders"]["plain"]["url"] = "http://127.0.0.1:9"
    base_url = f"http://127.0.0.1:{server.server_address[1]}"
    load_dataset("plain", download=True, base_url=base_url, cache_dir=tmp_path / "cache")
    assert server.requests == ["/one.png"]


def test_raisr_data_comes_before_the_cache(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("RAISR_DATA", str(tmp_path / "data"))
    load_dataset("plain", download=True, cache_dir=tmp_path / "cache")
    mine = tmp_path / "data" / "plain" / "one.png"
    mine.parent.mkdir(parents=True)
    iio.imwrite(mine, IMAGE)
    assert load_dataset("plain", cache_dir=tmp_path / "cache").images[0].path == mine


def test_an_incomplete_folder_is_named(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("RAISR_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="1 of 1 images not found in .*plain, the first"):
        load_dataset("plain", cache_dir=tmp_path / "cache")


def test_an_unknown_set_is_refused():
    with pytest.raises(
        ValueError, match=r"no data set 'bsd86'; choose from sample, sample_colour, bsd68"
    ):
        load_dataset("bsd86")


@pytest.mark.parametrize(
    ("pixels", "got"),
    [(IMAGE.astype(np.uint16), "uint16"), (np.dstack([IMAGE] * 4), r"uint8 of shape .*, 4\)")],
)
def test_an_image_of_another_kind_is_refused(registry, monkeypatch, tmp_path, pixels, got):
    monkeypatch.setenv("RAISR_DATA", str(tmp_path))
    (tmp_path / "plain").mkdir()
    iio.imwrite(tmp_path / "plain" / "one.png", pixels)
    image = load_dataset("plain").images[0]
    with pytest.raises(ValueError, match=f"wanted an 8-bit gray or RGB image, got {got}"):
        image.read()


@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_damaged_image_is_named(registry, monkeypatch, tmp_path, kept):
    monkeypatch.setenv("RAISR_DATA", str(tmp_path))
    path = tmp_path / "plain" / "one.png"
    path.parent.mkdir()
    iio.imwrite(path, IMAGE)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ValueError, match=f"{path}: not a readable image"):
        load_dataset("plain").images[0].read()


def test_the_sample_set_needs_no_data():
    images = {image.name: image.read() for image in load_dataset("sample")}
    assert len(images) == SIZES["sample"]
    assert {image.ndim for image in images.values()} == {2, 3}
    assert min(min(image.shape[:2]) for image in images.values()) >= 300


def test_the_training_set_is_not_offered_for_testing():
    assert set(dataset_names()) == set(SIZES) - {"bsd400"}


def test_the_registry_is_sound():
    content = datasets._registry()
    for entry in content["datasets"].values():
        files = set(datasets._file_names(content["folders"][entry["folder"]]))
        assert files >= {*entry.get("only", ()), *entry.get("without", ())}
    for name, folder in content["folders"].items():
        if name != "sample":
            assert re.search(r"/[0-9a-f]{40}/", folder["url"]), "pinned to a commit"
            assert folder["checksum"] in ("file", "pixels")
            assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in folder["sha256"].values())
    remote = datasets._remote_name(content["folders"]["urban100"], "img_001.png")
    assert remote == "img_001_SRF_4_HR.png"


@pytest.mark.data
@pytest.mark.parametrize("name", SIZES)
def test_every_set_is_found(name):
    dataset = load_dataset(name)
    assert len(dataset) == SIZES[name]
    assert dataset.label == dataset_label(name)
    assert "train/12003.jpg" not in {image.name for image in dataset}


@pytest.mark.data
@pytest.mark.parametrize("folder", ["bsd68", "cbsd68", "set12", "set14", "div2k"])
def test_checksums_are_those_of_the_files(folder):
    entry = datasets._registry()["folders"][folder]
    for image in load_dataset(folder):
        if entry["checksum"] == "pixels":
            digest = pixel_digest(image.read())
        else:
            digest = hashlib.sha256(image.path.read_bytes()).hexdigest()
        assert digest == entry["sha256"][image.name], image.name
