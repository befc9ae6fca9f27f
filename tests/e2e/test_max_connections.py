# SPDX-License-Identifier: Apache-2.0
"""`max-connections` of a provider holds whatever happens to its connections."""

import pathlib
import threading

import dns.rcode
import pytest

from ask import ADDRESS, ask
from dotcache import Dotcache, run
from lab.lab import PROVIDER_NAME
from odd_provider import OddProvider
from waiting import wait_for

ESTABLISHED, SYN_SENT = "01", "02"
# Queries that wait, that are asked alone again, that stall and that end connections.
ODD_CASES = ("silent", "late3s", "close", "rst", "halfmsg", "wrongid")


class CountedProvider(OddProvider):
    """Knows the largest number of connections that clients had open to it at once."""

    most = 0

    async def _accept(self, reader, writer):
        # The kernel lists connections one by one. Those in two lists were open between them.
        self.most = max(self.most, len(self._open_at_clients() & self._open_at_clients()))
        await super()._accept(reader, writer)

    def _open_at_clients(self):
        """Returns the addresses of both ends of each connection."""
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {(row[1], row[2]) for row in rows
                if row[2].endswith(f":{self.port:04X}") and row[3] in (ESTABLISHED, SYN_SENT)}


def ask_all(server, names):
    """Queries all names at once. Returns {name: RCODE}."""
    rcodes = {}

    def ask_one(name):
        rcodes[name] = ask(server, name).rcode()
    threads = [threading.Thread(target=ask_one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rcodes


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_connections_are_open(bare_lab, tmp_path, most):
    with CountedProvider(*bare_lab.provider) as provider:
        config = tmp_path / "dotcache.yaml"
        config.write_text(f"""
upstream:
  - addresses: ["{ADDRESS}:{provider.port}"]
    name: {PROVIDER_NAME}
    max-connections: {most}
""")
        server = Dotcache(bare_lab, tmp_path / "log", [], ["--config", config], loop_check="on")
        try:
            server.wait_until("/ready")
            for turn in range(3):
                good = [f"normal.{turn}-{number}.example." for number in range(60)]
                for name, rcode in ask_all(server, good).items():
                    if rcode != dns.rcode.NOERROR:
                        # On a busy machine a connection may seem silent, and that costs a try.
                        wait_for(lambda: ask(server, name).rcode() == dns.rcode.NOERROR,
                                 server.log_text)
                ask_all(server, [f"{case}.{turn}-{number}.example."
                                 for case in ODD_CASES for number in range(4)])
                provider.hang_up()
            # It goes on after all of that.
            wait_for(lambda: ask(server, f"normal.last-{server.metric('dotcache_cache_misses_total')}"
                                         ".example.").rcode() == dns.rcode.NOERROR, server.log_text)
            assert 1 <= provider.most <= most
        finally:
            server.kill()


def test_too_few_for_the_workers_is_an_error(bare_lab, tmp_path):
    config = tmp_path / "dotcache.yaml"
    config.write_text("""
workers: 3
upstream-workers: 3
upstream:
  - preset: quad9
    max-connections: 2
""")
    done = run("check", "--config", config)
    assert done.returncode != 0
    assert "max-connections: 2 is less than `upstream-workers`, which is 3" in done.stderr
