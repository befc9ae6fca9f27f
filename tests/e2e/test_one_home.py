# SPDX-License-Identifier: Apache-2.0
"""Each name has one home: a provider that allows few connections serves all workers.

The provider is a real dnsdist that allows two connections for each client address.
"""

import pathlib
import shutil
import subprocess
import sys

import pytest

from ask import ADDRESS
from dotcache import Dotcache
from lab.lab import PROVIDER_NAME, free_port
from lab.servers import SEARCH_PATH

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "limits"))

import clients  # noqa: E402  sys.path is set first.

WORKERS = 4
PER_SECOND, SECONDS = 200, 2
CONNECTIONS = 2
CONFIG = """
setMaxTCPConnectionsPerClient({connections})
addTLSLocal('{address}:{port}', '{certificate}', '{key}')
setLocal('{address}:{classic_port}')
addAction(AllRule(), SpoofAction({{'192.0.2.1'}}))
"""


@pytest.fixture
def provider(bare_lab, tmp_path):
    """The port of a dnsdist that answers each query."""
    binary = shutil.which("dnsdist", path=SEARCH_PATH)
    assert binary, "scripts/install-packages lab installs dnsdist"
    certificate, key = bare_lab.provider
    port = free_port()
    config = tmp_path / "dnsdist.conf"
    config.write_text(CONFIG.format(connections=CONNECTIONS, address=ADDRESS, port=port,
                                    certificate=certificate, key=key, classic_port=free_port()))
    with open(tmp_path / "dnsdist.log", "wb") as log:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", binary, "--supervised",
                                    "--disable-syslog", "-C", config], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
    yield port
    process.kill()
    process.wait()


def test_a_provider_that_allows_two_connections_serves_all_workers(provider, bare_lab, tmp_path):
    server = Dotcache(bare_lab, tmp_path / "log", [f"tls://{ADDRESS}:{provider}#{PROVIDER_NAME}"],
                      ["--workers", WORKERS])
    try:
        server.wait_until()
        misses = clients.ask_at_rates(server.port, SECONDS, [(lambda n: f"home{n}", PER_SECOND)])[0]
        assert misses.asked >= PER_SECOND * SECONDS * 0.9
        assert (misses.errors, misses.unanswered) == (0, 0)
        assert server.metric("dotcache_handed_queries_total") > 0
        assert 1 <= server.metric("dotcache_upstream_connections") <= CONNECTIONS
    finally:
        server.kill()
