"""Where the tests find the lab and the tree they test."""

import os
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from lab.lab import Lab  # noqa: E402  The path comes first.


@pytest.fixture(scope="session")
def source():
    """The source tree."""
    return TESTS.parent


@pytest.fixture(scope="session")
def binary(source):
    path = pathlib.Path(os.environ.get("DOTCACHE_BINARY", source / "build/dev/dotcache"))
    assert path.exists(), f"{path} is not built: ./test builds it"
    return path


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Real DoT servers on loopback."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.start()
    yield lab
    lab.stop()
