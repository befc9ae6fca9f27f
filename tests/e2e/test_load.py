# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, and a stop while they send queries."""

import asyncio
import itertools
import random
import os
import signal
import socket
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from ask import ADDRESS, connect, frame, query, read_message
from lab import zones
from stream_of_queries import PATIENCE_SECONDS, exchange, open_stream, send_async
from waiting import LIMIT_SECONDS, wait_for

DRAIN_SECONDS = 2.5  # Queries that take longer than this after the signal are not answered.
WORKERS = os.cpu_count()


def mixed_questions(count):
    """Returns questions of many types, sizes, hits, misses and negative answers. They are the same
    in every run.
    """
    chosen = random.Random(3)
    every = [(name, rr_type) for name, rr_type in zones.names_and_types("lab.example.")
             if "big" not in name]
    questions = []
    for number in range(count):
        name, rr_type = chosen.choice([
            chosen.choice(every), (chosen.choice(zones.host_names()), "A"),
            (f"mixed-{number}.fresh.lab.example.", "A"), (f"no-{number}.lab.example.", "AAAA")])
        questions.append((name, rr_type, chosen.choice(["udp", "tcp", "dot"])))
    return questions


async def ask_as_clients(server, questions, clients):
    """Each client sends one query after another. Returns the failures."""
    left, failed = list(questions), []

    async def client():
        while left:
            name, rr_type, transport = left.pop()
            try:
                reply = await send_async(server, query(name, rr_type), transport)
                if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    failed.append(f"{name} {rr_type} {transport}: {reply.rcode()}")
            except (dns.exception.DNSException, OSError, EOFError, asyncio.TimeoutError) as error:
                failed.append(f"{name} {rr_type} {transport}: {error!r}")

    await asyncio.gather(*(client() for _ in range(clients)))
    return failed


def test_a_thousand_mixed_queries_from_fifty_clients(server):
    failed = asyncio.run(ask_as_clients(server, mixed_questions(1000), 50))
    assert not failed, f"{len(failed)} failed: {failed[:10]}"


def test_a_burst_needs_one_query_per_question(pair):
    """Every provider answers queries that arrive together. NSD does not, if they share a TLS
    record.
    """
    server, provider = pair
    rounds = itertools.count()

    def needs_one_each():
        asked = server.metric("dotcache_upstream_queries_total")
        label = f"burst-{provider.kind}-{next(rounds)}"
        names = [f"{label}-{number}.fresh.lab.example." for number in range(100)]
        with connect(server, "tcp") as sock:
            sock.sendall(b"".join(frame(query(name).to_wire()) for name in names))
            for _ in names:
                assert dns.message.from_wire(read_message(sock)).answer
        return server.metric("dotcache_upstream_queries_total") == asked + len(names)

    # A provider that is late, because the machine is busy, gets some queries again.
    wait_for(needs_one_each, "no burst without a repeated query")


class Datagrams:
    """A UDP client. When ask() first waits, its query has been sent."""

    def __init__(self, server):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        self._sock.connect((ADDRESS, server.port))

    async def ask(self, message):
        self._sock.send(message.to_wire())
        wire = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._sock, 4096),
                                      PATIENCE_SECONDS)
        return dns.message.from_wire(wire)

    def close(self):
        self._sock.close()


class Stream:
    """A TCP or DoT client with the same interface."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def ask(self, message):
        return await exchange(self._reader, self._writer, message)

    def close(self):
        self._writer.close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "dot"])
def test_sigterm_under_load_loses_nothing(launch, transport):
    """Fifty clients have open sockets, each with a query in flight when the signal comes."""
    server = launch()
    answered, served, failed = [], set(), []

    async def client(number, stop):
        mine = (Datagrams(server) if transport == "udp" else
                Stream(*await open_stream(server, transport)))
        for count in itertools.count():
            if stop.is_set() or failed:
                break
            try:
                reply = await mine.ask(query(f"load-{transport}-{number}-{count}.fresh.lab.example."))
                (answered if reply.answer else failed).append(reply)
                served.add(number)
            except (dns.exception.DNSException, OSError, EOFError, asyncio.TimeoutError) as error:
                failed.append(error)
        mine.close()

    async def load():
        stop = asyncio.Event()
        clients = [asyncio.create_task(client(number, stop)) for number in range(50)]
        deadline = time.monotonic() + LIMIT_SECONDS
        # A worker that gets no processor may not have accepted its clients when others have many
        # answers.
        while ((len(answered) < 500 or len(served) < len(clients)) and not failed and
               time.monotonic() < deadline):
            await asyncio.sleep(0.01)
        stop.set()  # No client sends a query between this line and the signal.
        server.signal(signal.SIGTERM)
        began = time.monotonic()
        await asyncio.gather(*clients)
        return time.monotonic() - began

    seconds = asyncio.run(load())
    assert failed or (len(answered) >= 500 and len(served) == 50)
    assert not failed or seconds > DRAIN_SECONDS, f"{len(failed)} lost: {failed[:5]!r}\n{server.log_text()}"
    assert server.process.wait(timeout=10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_with_0(launch, number):
    server = launch()
    server.signal(number)
    assert server.process.wait(timeout=10) == 0


@pytest.fixture
def waiting_client(lab, launch, tmp_path):
    """(dotcache, socket): a client whose query waits up to 30 s for a stopped provider. The name
    www.lab.example is in the cache.
    """
    provider = lab.servers["kresd"]
    config = tmp_path / "dotcache.yaml"
    config.write_text("query-timeout: 30s\n")
    server = launch("--config", config, upstreams=[provider.upstream])
    with connect(server, "tcp") as sock:
        sock.sendall(frame(query("www.lab.example.").to_wire()))
        assert read_message(sock)
        provider.signal(signal.SIGSTOP)
        try:
            sock.sendall(frame(query(f"waiting-{sock.getsockname()[1]}.fresh.lab.example.").to_wire()))
            wait_for(lambda: server.metric("dotcache_pending_queries") >= 1, "never pending")
            yield server, sock
        finally:
            provider.signal(signal.SIGCONT)


def stop_and_wait_until_told(server):
    server.signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in server.log_text(), "the signal was not handled")


@pytest.fixture
def stopping(waiting_client):
    """A dotcache that has got SIGTERM and waits for a stopped provider."""
    stop_and_wait_until_told(waiting_client[0])
    return waiting_client[0]


def test_a_second_signal_ends_the_server_at_once(stopping):
    stopping.signal(signal.SIGTERM)
    # 0 would mean that the server waited for the provider.
    assert stopping.process.wait(timeout=10) == 1


def test_cached_names_are_answered_until_the_port_is_closed(waiting_client):
    server, _ = waiting_client
    cached = query("www.lab.example.").to_wire()
    replies, lost, refused = 0, 0, False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((ADDRESS, server.port))
        sock.settimeout(PATIENCE_SECONDS)  # A busy machine answers late, but it answers.
        server.signal(signal.SIGTERM)
        while not refused:
            try:
                sock.send(cached)
                sock.recv(4096)
                replies += 1
            except ConnectionRefusedError:
                refused = True
            except socket.timeout:  # The last one of each worker may come when its socket closes.
                lost += 1
    assert replies > 10 and lost <= WORKERS
    assert server.process.wait(timeout=10) == 0


def test_ready_fails_first_and_all_is_served_during_lame_duck(launch):
    server = launch("--lame-duck", "1m")
    server.signal(signal.SIGTERM)
    wait_for(lambda: server.get("/ready")[0] == 503, "/ready did not fail")
    assert server.get("/health")[0] == 200
    for transport in ("tcp", "dot"):
        with connect(server, transport) as sock:
            sock.sendall(frame(query("www.lab.example.").to_wire()))
            assert read_message(sock)
    reply = dns.query.udp(query("mail.lab.example."), ADDRESS, port=server.port, timeout=5)
    assert reply.rcode() == dns.rcode.NOERROR
    server.signal(signal.SIGTERM)
    assert server.process.wait(timeout=10) == 1


def test_the_stop_follows_lame_duck(launch):
    server = launch("--lame-duck", "50ms")
    server.signal(signal.SIGTERM)
    assert server.process.wait(timeout=10) == 0


def test_sighup_does_not_shorten_the_drain(stopping):
    stopping.signal(signal.SIGHUP)
    assert stopping.process.wait(timeout=10) == 0


def test_sighup_does_not_end_the_server(server):
    server.signal(signal.SIGHUP)
    with connect(server, "tcp") as sock:
        sock.sendall(frame(query("www.lab.example.").to_wire()))
        assert read_message(sock)
    assert server.process.poll() is None
