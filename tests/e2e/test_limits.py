# SPDX-License-Identifier: Apache-2.0
"""The behaviour at the limits, by counts only. tests/limits/measure measures the times."""

import pathlib
import time

import dns.edns
import dns.query
import dns.rcode
import pytest

from ask import ADDRESS, query
import clients
import held_clients
from provider import ClassicProvider
from waiting import wait_for

CROWD = 1000
PENDING = 1500  # More than the connections to one server can carry, 4 times 256.
HELD = 150
DUPLICATED = "late-duplicated"
DUPLICATES = 2100  # More than the clients that may wait for one name.
OTHERS = 20
UNFINISHED = 500  # Times 65,000 octets is far more than the limit of 4 MiB.


@pytest.fixture(name="start")
def fixture_start(start_before_provider):
    return start_before_provider


@pytest.mark.parametrize("workers", [1, 4])
def test_a_thousand_equal_misses_of_all_workers_are_one_query(start, provider, workers):
    server = start("--workers", workers)
    asked, outcome = clients.UdpClients(server.port, CROWD), clients.Outcome()
    for number in range(CROWD):
        asked.send(number, "slow-crowd", outcome)
    asked.wait()
    asked.close()
    assert len(outcome.times_ms) == CROWD
    # A single server that does not respond within its usual time gets the query again.
    assert 1 <= provider.counts()["slow"] <= 2


def test_unanswered_names_do_not_affect_other_names(start, provider):
    server = start("--workers", 1)
    warm = clients.ask_at_rates(server.port, 0.2, [(lambda n: f"cached{n % 10}", 100)])[0]
    assert warm.unanswered == 0
    flood, ignored = clients.UdpClients(server.port), clients.Outcome()
    for number in range(PENDING):
        flood.send(number, f"hang{number}", ignored)
        if number % 50 == 0:  # A burst would find all connections full.
            flood.receive(time.monotonic() + 0.05)
    # They are given up after five seconds, which the streams below may use on a busy machine.
    wait_for(lambda: server.metric("dotcache_pending_queries") >= PENDING, "not all are pending")
    cached, fresh = clients.ask_at_rates(
        server.port, 1, [(lambda n: f"cached{n % 10}", 100), (lambda n: f"fresh{n}", 100)])
    assert (cached.unanswered, fresh.unanswered) == (0, 0)
    flood.wait()
    assert ignored.errors == PENDING  # All get SERVFAIL; none is left without a reply.
    flood.close()
    assert server.metric("dotcache_limit_rejections_total") == 0
    assert provider.counts()["connections"] <= 6


def ask_for(server, label, source):
    asked, outcome = clients.UdpClients(server.port, 1, source), clients.Outcome()
    asked.send(0, label, outcome)
    asked.wait()
    asked.close()
    return outcome


def test_a_client_at_its_limit_does_not_affect_others(start, tmp_path):
    config = tmp_path / "dotcache.yaml"
    config.write_text("max-pending-queries: 100\nmax-pending-per-client: 40\n")
    server = start("--workers", 1, "--config", config)
    assert ask_for(server, "cached", "127.0.0.2").unanswered == 0
    flood, ignored = clients.UdpClients(server.port, 1, "127.0.0.2"), clients.Outcome()
    for number in range(60):
        flood.send(number, f"hang{number}", ignored)
    reply = dns.query.udp(query("over.limits.example"), "127.0.0.1", 5, server.port,
                          source="127.0.0.2")
    assert reply.rcode() == dns.rcode.SERVFAIL
    errors = [option for option in reply.options if option.otype == dns.edns.EDE]
    assert [(error.code, error.text) for error in errors] == [
        (0, "too many queries of this client are waiting")]
    assert ask_for(server, "cached", "127.0.0.2").unanswered == 0
    assert ask_for(server, "fresh", "127.0.0.1").unanswered == 0
    assert server.metric("dotcache_limit_rejections_total", limit="per-client") == 21
    flood.close()


def flood_from(server, source, labels, sockets=16):
    """Sends one query for each label, and returns the UdpClients with their Outcome."""
    flood, outcome = clients.UdpClients(server.port, sockets, source), clients.Outcome()
    for number, label in enumerate(labels):
        flood.send(number, label, outcome)
        if number % 50 == 49:  # The kernel's buffer holds some hundred datagrams.
            flood.receive(time.monotonic() + 0.005)
    return flood, outcome


def test_duplicates_of_one_client_do_not_block_other_clients(start):
    server = start("--workers", 1)
    flood, duplicates = flood_from(server, "127.0.0.2", [DUPLICATED] * DUPLICATES)
    others = [flood_from(server, f"127.0.0.{3 + n}", [DUPLICATED], 1) for n in range(OTHERS)]
    for asked, outcome in [*others, (flood, duplicates)]:
        asked.wait()
        asked.close()
    assert [outcome.errors for _, outcome in others] == [0] * OTHERS
    assert [len(outcome.times_ms) for _, outcome in others] == [1] * OTHERS
    # Each query of the flood has a reply: the answer, or SERVFAIL.
    assert len(duplicates.times_ms) + duplicates.errors == DUPLICATES
    assert len(duplicates.times_ms) == 2000 - OTHERS
    assert server.metric("dotcache_limit_rejections_total",
                         limit="waiters-per-query") == DUPLICATES - 2000 + OTHERS


def test_repeated_query_has_one_reply(start):
    server = start("--workers", 1)
    client = clients.UdpClients(server.port, 1)
    for _ in range(40):
        client.send(7, DUPLICATED, clients.Outcome())
    client.receive(time.monotonic() + 0.05)
    assert server.metric("dotcache_limit_rejections_total") == 0
    client.wait()
    client.close()
    assert server.metric("dotcache_responses_total", rcode="NOERROR") == 1


def test_unanswered_names_of_few_clients_do_not_block_other_clients(start, tmp_path):
    config = tmp_path / "dotcache.yaml"
    config.write_text("max-pending-queries: 160\nmax-pending-per-client: 120\n")
    server = start("--workers", 1, "--config", config)
    floods = [flood_from(server, f"127.0.0.{2 + n}", [f"hang{n}-{i}" for i in range(100)])
              for n in range(3)]
    others = [flood_from(server, f"127.0.0.{10 + n}", [f"fresh{n}-{i}" for i in range(3)], 1)
              for n in range(OTHERS)]
    for asked, _ in others:
        asked.wait()
    assert [outcome.errors for _, outcome in others] == [0] * OTHERS
    assert [len(outcome.times_ms) for _, outcome in others] == [3] * OTHERS
    for asked, outcome in floods:
        asked.wait()
        assert outcome.errors == 100  # All get SERVFAIL; none is left without a reply.
    assert server.metric("dotcache_limit_rejections_total", limit="pending-queries") >= 140
    for asked, _ in [*floods, *others]:
        asked.close()


def test_unanswered_names_of_one_client_do_not_use_up_the_sockets_of_a_zone(start, tmp_path):
    classic = ClassicProvider()
    config = tmp_path / "dotcache.yaml"
    config.write_text(f"zones: [{{zone: limits.example, upstream: 'udp://{ADDRESS}:{classic.port}'}}]\n")
    server = start("--workers", 1, "--config", config)
    try:
        assert ask_for(server, "warm", "127.0.0.1").unanswered == 0
        flood, ignored = flood_from(server, "127.0.0.2", [f"hang{n}" for n in range(600)])
        others = [flood_from(server, f"127.0.0.{3 + n}", [f"fresh{n}-{i}" for i in range(3)], 1)
                  for n in range(OTHERS)]
        for asked, outcome in others:
            asked.wait()
            asked.close()
        assert [(len(outcome.times_ms), outcome.errors) for _, outcome in others] == [
            (3, 0)] * OTHERS
        flood.wait()
        assert ignored.errors == 600  # All get SERVFAIL; none is left without a reply.
        flood.close()
    finally:
        classic.stop()


@pytest.mark.parametrize("kind", held_clients.KINDS)
def test_held_connections_do_not_affect_other_clients(start, kind):
    server = start("--workers", 1)
    context = clients.tls_context(server.ca_file)
    held = held_clients.Held(kind, HELD, server, context, server.auth_name)
    for _ in range(3):
        for client in (clients.StreamClient(server.port),
                       clients.StreamClient(server.dot_port, context, server.auth_name)):
            client.send(clients.frame(clients.query("cached1", 7)))
            assert clients.is_answer(client.read())
            client.close()
    assert ask_for(server, "cached1", "127.0.0.1").unanswered == 0
    held.close()


def resident_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def test_incomplete_messages_use_bounded_memory(start, tmp_path):
    config = tmp_path / "dotcache.yaml"
    config.write_text(f"max-streams-per-client: {2 * UNFINISHED}\n")
    server = start("--workers", 1, "--config", config)
    assert ask_for(server, "cached", "127.0.0.1").unanswered == 0
    before = resident_bytes(server)
    held = []
    for _ in range(UNFINISHED):
        held.append(clients.StreamClient(server.port))
        held[-1].send(b"\xff\xff" + bytes(65000))
    deadline = time.monotonic() + clients.TIMEOUT_SECONDS
    # Each message has 65,002 octets, in a buffer of up to twice that size.
    while server.metric("dotcache_limit_rejections_total", limit="unfinished") < UNFINISHED - 64:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert resident_bytes(server) - before < 16 << 20
    client = clients.StreamClient(server.port)
    client.send(clients.frame(clients.query("cached", 7)))
    assert clients.is_answer(client.read())
    for connection in [client, *held]:
        connection.close()
