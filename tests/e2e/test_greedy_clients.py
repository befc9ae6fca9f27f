# SPDX-License-Identifier: Apache-2.0
"""One client that takes all it can: the others still get a connection and an answer."""

import pathlib
import socket
import sys
import time

import pytest

from ask import ADDRESS
from dotcache import Dotcache
from lab.lab import PROVIDER_NAME

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "limits"))

import clients  # noqa: E402  sys.path is set first.
from provider import Provider  # noqa: E402

GREEDY = "127.0.0.2"
PLACES = 64


@pytest.fixture
def provider(bare_lab):
    started = Provider(*bare_lab.provider, yields=False)
    yield started
    started.stop()


@pytest.fixture
def start(provider, bare_lab, tmp_path):
    """start(*lines): starts a dotcache with these lines in its YAML file."""
    started = []

    def start_one(*lines, workers=1):
        config = tmp_path / "dotcache.yaml"
        config.write_text("".join(f"{line}\n" for line in lines))
        started.append(Dotcache(bare_lab, tmp_path / "log",
                                [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"],
                                ("--workers", workers, "--config", config)))
        return started[-1].wait_until()

    yield start_one
    for server in started:
        server.kill()


def answered(client, label="cached"):
    """Whether the client's connection still gets an answer."""
    try:
        client.send(clients.frame(clients.query(label, 7)))
        reply = client.read()
        return bool(reply) and clients.is_answer(reply)
    except OSError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("greedy_over", ["tcp", "dot"])
def test_hanging_queries_of_one_client_leave_places_to_others(start, workers, greedy_over):
    server = start(f"max-stream-connections: {PLACES}", "query-timeout: 30s", workers=workers)
    tls = {"context": clients.tls_context(server.ca_file), "name": server.auth_name}
    others = [clients.StreamClient(server.port), clients.StreamClient(server.dot_port, **tls)]
    assert all(answered(other) for other in others)
    greedy = []
    for number in range(PLACES * workers * 3 // 2):
        try:
            client = (clients.StreamClient(server.port, source=GREEDY) if greedy_over == "tcp"
                      else clients.StreamClient(server.dot_port, source=GREEDY, **tls))
            client.send(clients.frame(clients.query(f"hang{number}", number)))
            greedy.append(client)
        except OSError:  # Refused.
            pass
    assert all(answered(other) for other in others)
    new = [clients.StreamClient(server.port), clients.StreamClient(server.dot_port, **tls)]
    assert all(answered(client) for client in new)
    assert server.metric("dotcache_limit_rejections_total", limit="connections-per-client") >= 1
    assert server.metric("dotcache_stream_connections") <= PLACES // 4 + 4
    for client in [*others, *new, *greedy]:
        client.close()
