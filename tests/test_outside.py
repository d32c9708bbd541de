"""What is tested outside of the checkout."""

from importlib.metadata import version

from packaging.requirements import Requirement
from packaging.version import Version

from tests.outside import oldest


def test_the_oldest_versions():
    lines = [Requirement(line) for line in oldest()]
    assert {"numpy", "zarr", "imagecodecs", "pytest"} <= {line.name for line in lines}
    for line in lines:
        (bound,) = line.specifier
        assert bound.operator == "=="
        assert Version(bound.version) <= Version(version(line.name))
