"""The page of licences names what is installed."""

import re

from tests import licences


def test_what_an_install_brings():
    plain = licences.brought_by(licences.PROJECT["dependencies"])
    assert plain >= {"numpy", "numba", "llvmlite"}  # the last one by way of Numba
    assert not plain & {"torch", "matplotlib", "pytest"}


def test_markers_and_extras_of_extras():
    absent = "torch>=2; platform_system == 'Nowhere'"
    assert licences.brought_by([absent, "tqdm"]) == {"tqdm"}
    assert {"matplotlib", "numpy"} <= licences.brought_by(["raisr[plot]"])


def test_licence_of_a_package():
    assert licences.licence("hypothesis") == "MPL-2.0"


def test_the_page_names_every_direct_dependency():
    page = licences.PAGE.read_text(encoding="utf-8").split(licences.BEGIN)[1]
    extras = licences.PROJECT["optional-dependencies"].values()
    for line in [*licences.PROJECT["dependencies"], *(line for e in extras for line in e)]:
        name = re.match(r"[\w-]+", line)[0].lower()
        assert name == "raisr" or re.search(rf"[ ,]{name}[ ,;]", page), name
