# SPDX-License-Identifier: Apache-2.0
"""In a control group with little memory, a full cache does not get the program killed."""

import os
import pathlib
import socket
import sys
import time

import pytest

from ask import ADDRESS
from dotcache import BINARY, Dotcache, run
from hostile import is_sanitized
from lab.lab import PROVIDER_NAME

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "limits"))

import clients  # noqa: E402  sys.path is set first.

MOUNT = pathlib.Path("/sys/fs/cgroup")
MEMORY = 64 << 20
BATCH, BIG_NAMES, EVICTIONS = 100, 400, 1000
FILL_SECONDS = 180
JOIN = 'echo $$ >"$0/cgroup.procs" && exec "$@"'


class MemoryGroup:
    """A control group of version 1 or 2 that limits the memory of its processes."""

    def __init__(self, limit):
        version_1 = (MOUNT / "memory").is_dir()
        self.folder = MOUNT / ("memory" if version_1 else "") / f"dotcache-test-{os.getpid()}"
        self.folder.mkdir()
        try:
            name = "memory.limit_in_bytes" if version_1 else "memory.max"
            (self.folder / name).write_text(str(limit))
        except OSError:
            self.remove()
            raise
        self._events = self.folder / ("memory.oom_control" if version_1 else "memory.events")

    def kills(self):
        events = dict(line.split() for line in self._events.read_text().splitlines())
        return int(events["oom_kill"])

    def remove(self):
        self.folder.rmdir()


@pytest.fixture
def group():
    if is_sanitized(BINARY):
        pytest.skip("a sanitizer needs more memory than the program")
    try:
        made = MemoryGroup(MEMORY)
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    yield made
    made.remove()


def fill(server):
    """Queries new names until the cache has evicted many. Some have long answers."""
    deadline = time.monotonic() + FILL_SECONDS
    number = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((ADDRESS, server.port))
        sock.settimeout(1)
        while server.process.poll() is None and time.monotonic() < deadline:
            if server.metric("dotcache_cache_evictions_total") >= EVICTIONS:
                return
            for _ in range(10):
                send_batch(sock, number)
                number += BATCH


def send_batch(sock, number):
    try:
        for name in range(number, number + BATCH):
            is_big = name % BATCH == 0 and name < BATCH * BIG_NAMES
            label = f"big{name}" if is_big else f"name{name}".ljust(63, "x")
            sock.send(clients.query(label, name % 65536))
        for _ in range(BATCH):
            sock.recv(4096)
    except (TimeoutError, ConnectionError):
        pass


def test_a_full_cache_fits_into_64_mib(group, provider, bare_lab, tmp_path):
    server = Dotcache(bare_lab, tmp_path / "log",
                      [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"],
                      prefix=("bash", "-c", JOIN, group.folder)).wait_until()
    try:
        assert server.metric("dotcache_cache_budget_bytes") == MEMORY / 4
        fill(server)
        assert server.process.poll() is None and group.kills() == 0
        assert server.metric("dotcache_cache_evictions_total") >= EVICTIONS
        assert "too little memory" not in server.log_text()
    finally:
        server.kill()


def test_a_cache_that_does_not_fit_is_a_warning(group):
    result = run("check", "--cache-size", "64MiB", prefix=("bash", "-c", JOIN, group.folder))
    assert result.returncode == 0
    assert ("--cache-size: cache-size: warning: 64 MiB and about 32 MiB for everything else do not "
            "fit into 64 MiB, which is the memory limit of the control group") in result.stderr
    assert run("check", "--cache-size", "16MiB",
               prefix=("bash", "-c", JOIN, group.folder)).stderr == ""
