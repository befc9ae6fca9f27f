# SPDX-License-Identifier: Apache-2.0
"""Each name has one home: a provider that allows few connections serves all workers.

The provider is a real dnsdist that allows two connections for each client address.
"""

import pathlib
import sys

from dotcache import Dotcache
from real_dnsdist import dnsdist

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "limits"))

import clients  # noqa: E402  sys.path is set first.

WORKERS = 4
PER_SECOND, SECONDS = 200, 2
CONNECTIONS = 2


def test_a_provider_that_allows_two_connections_serves_all_workers(bare_lab, tmp_path):
    with dnsdist(bare_lab, tmp_path, f"setMaxTCPConnectionsPerClient({CONNECTIONS})") as provider:
        server = Dotcache(bare_lab, tmp_path / "log", [provider], ["--workers", WORKERS])
        try:
            server.wait_until()
            misses = clients.ask_at_rates(server.port, SECONDS,
                                          [(lambda n: f"home{n}", PER_SECOND)])[0]
            assert misses.asked >= PER_SECOND * SECONDS * 0.9
            assert (misses.errors, misses.unanswered) == (0, 0)
            assert server.metric("dotcache_handed_queries_total") > 0
            assert 1 <= server.metric("dotcache_upstream_connections") <= CONNECTIONS
        finally:
            server.kill()
