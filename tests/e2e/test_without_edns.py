# SPDX-License-Identifier: Apache-2.0
"""Upstream servers without EDNS, or without its options, over every transport and as bootstrap."""

import pytest

from ask import ADDRESS, ask
from host_providers import HOST
from plain_provider import A_ADDRESS, PlainProvider
from waiting import wait_for

NAME = "plain.dns.lab.example"
KINDS = ("bare", "formerr", "notimp", "options")


@pytest.fixture
def plain(lab):
    """plain(kind): starts a server of this kind."""
    running = []

    def start(kind, name=NAME):
        provider = PlainProvider(*lab.authority.issue("plain", [name]), kind)
        running.append(provider)
        return provider.__enter__()
    yield start
    for provider in running:
        provider.__exit__(None, None, None)


def start_in_front(launch, tmp_path, provider, scheme):
    if scheme == "tls":
        return launch(upstreams=[f"tls://{ADDRESS}:{provider.port}#{NAME}"])
    file = tmp_path / "dotcache.yaml"
    file.write_text("zones:\n  - zone: plain.example\n    upstream: "
                    f"['{scheme}://{ADDRESS}:{provider.classic_port}']\n")
    return launch("--config", file, upstreams=[f"tls://{ADDRESS}:{provider.port}#{NAME}"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["udp", "tcp", "tls"])
def test_names_are_resolved_and_the_server_is_remembered(launch, tmp_path, plain, kind, scheme):
    provider = plain(kind)
    server = start_in_front(launch, tmp_path, provider, scheme)
    for number in range(20):
        answer = ask(server, f"n{number}.plain.example.").answer
        assert [record.address for record in answer[0]] == [A_ADDRESS], server.log_text()
    assert len(ask(server, "large.plain.example.", "TXT", payload=4096).answer[0]) == 4
    logged = [line for line in server.log_text().splitlines() if "EDNS" in line]
    if kind == "options" and scheme == "udp":
        # Queries over UDP have no options, so the server understands EDNS. Only the query that is
        # repeated over TCP has one.
        assert not logged and None not in provider.seen
        return
    assert len(logged) == 1 and "it is queried without" in logged[0], server.log_text()
    refused = [seen for seen in provider.seen if (seen or (kind != "options" and seen == 0))]
    assert len(refused) <= 2, f"it was queried with EDNS again and again: {provider.seen}"
    assert (None in provider.seen) == (kind != "options")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bootstrap_server_without_edns_resolves_hosts(launch, lab, plain, kind):
    plain_bootstrap = plain(kind)
    server = launch("--bootstrap", f"udp://{ADDRESS}:{plain_bootstrap.classic_port}",
                    upstreams=[f"tls://{HOST}:853"], wait="/health")
    wait_for(lambda: f"addresses={A_ADDRESS}:853" in server.log_text(), server.log_text)
