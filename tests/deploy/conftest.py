# SPDX-License-Identifier: Apache-2.0
"""Fixtures: the lab and the source tree."""

import json
import os
import pathlib
import sys
import time

import pytest
from engine import DOCKER, GATEWAY, build, docker

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from lab.lab import Lab  # noqa: E402  sys.path is set first.
from lab.relays import StreamRelay  # noqa: E402


@pytest.fixture(scope="session")
def source():
    """The source tree, or the one that DOTCACHE_SOURCE names."""
    return pathlib.Path(os.environ.get("DOTCACHE_SOURCE", TESTS.parent))


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


@pytest.fixture(scope="session")
def image(source):
    """Builds the image from the Dockerfile and returns its name."""
    if not DOCKER:
        pytest.exit("start with scripts/container-engine run", returncode=77)
    began = time.monotonic()
    build("dotcache:test", source)
    size = json.loads(docker("image", "inspect", "dotcache:test").stdout)[0]["Size"]
    print(f"\nimage: {size / 1e6:.1f} MB, built in {time.monotonic() - began:.0f} s")
    return "dotcache:test"


@pytest.fixture(scope="session")
def upstreams(lab):
    """The lab's providers, as containers on the engine's bridge reach them."""
    relays = [(StreamRelay(server.dot_port, GATEWAY), server) for server in lab.providers]
    yield ",".join(f"tls://{GATEWAY}:{relay.port}#{server.auth_name}" for relay, server in relays)
    for relay, _ in relays:
        relay.close()
