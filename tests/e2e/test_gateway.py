# SPDX-License-Identifier: Apache-2.0
"""In a container, a query of the gateway is a warning: a proxy may hide the addresses of clients."""

import subprocess

import pytest

from dotcache import Dotcache
from two_networks import HERE, THERE, TwoNetworks, ip
from waiting import wait_for

PORT = 5300
# A container engine makes this file. The test has a /run of its own.
AS_CONTAINER = 'mount -t tmpfs none /run && touch /run/.containerenv && exec "$@"'
WARNING = f"client={THERE}"


@pytest.fixture
def server(bare_lab, tmp_path):
    """A dotcache in a network whose gateway is the other side of the link."""
    networks = TwoNetworks()
    networks.make()
    ip(networks.here, f"route add default via {THERE}")
    with networks.inside():
        started = Dotcache(bare_lab, tmp_path / "log", ["tls://192.0.2.1#dns.example"],
                           ["--listen", f"0.0.0.0:{PORT}"],
                           prefix=("unshare", "--mount", "bash", "-c", AS_CONTAINER, "bash"))
        started.wait_until("/health")
        started.networks = networks
        yield started
        started.kill()
    networks.remove()


def query_from(namespace, *options):
    return subprocess.run(["ip", "netns", "exec", namespace, "dig", f"@{HERE}", "-p", str(PORT),
                           "+tries=1", "+time=5", *options, "localhost"],
                          capture_output=True, text=True, timeout=20).stdout


def test_the_first_query_of_the_gateway_is_a_warning(server):
    assert "127.0.0.1" in query_from(server.networks.here)
    assert WARNING not in server.log_text()
    assert "127.0.0.1" in query_from(server.networks.there)
    wait_for(lambda: WARNING in server.log_text(), "the log does not name the gateway")
    assert "127.0.0.1" in query_from(server.networks.there, "+tcp")
    assert server.log_text().count(WARNING) == 1
