# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, and the end in the middle of it."""

import asyncio
import itertools
import random
import signal
import time

import dns.exception
import dns.message
import dns.rcode
import pytest

from ask import connect, frame, query, read_message
from dotcache import delay_of_stop
from lab import zones
from stream_of_queries import exchange, open_stream, send_async

SHUTDOWN_SECONDS = 2 + delay_of_stop()


def mixed_questions(count):
    """Types, sizes, hits, misses and negative answers, the same in every run."""
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
    """Each client asks one question after the other; returns what failed."""
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


def test_a_burst_to_one_provider_needs_one_query_for_each_question(pair):
    """No provider lets queries lie that came together: NSD does when they share a TLS record."""
    server, provider = pair
    asked = server.metric("dotcache_upstream_queries_total")
    names = [f"burst-{provider.kind}-{number}.fresh.lab.example." for number in range(100)]
    with connect(server, "tcp") as sock:
        sock.sendall(b"".join(frame(query(name).to_wire()) for name in names))
        for _ in names:
            assert dns.message.from_wire(read_message(sock)).answer
    assert server.metric("dotcache_upstream_queries_total") == asked + len(names)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["unbound", "nsd"])
def test_what_is_in_flight_is_answered_before_the_end(lab, launch, kind, number):
    """Queries that a stopped provider holds up are answered once it goes on, after the signal."""
    provider = lab.servers[kind]
    server = launch("--workers", "2", upstreams=[provider.upstream])
    label = f"flight-{kind}-{number.name.lower()}"
    asked = {i: query(f"{label}-{i}.fresh.lab.example.") for i in range(50)}
    sockets = [connect(server, transport) for transport in ("tcp", "dot")]
    provider.signal(signal.SIGSTOP)
    try:
        for sock in sockets:
            for i, message in asked.items():
                message.id = i
                sock.sendall(frame(message.to_wire()))
        poll(lambda: server.metric("dotcache_pending_queries") >= len(asked), "never pending")
        began = time.monotonic()
        server.signal(number)
    finally:
        provider.signal(signal.SIGCONT)
    for sock in sockets:
        left = set(asked)
        while left:
            wire = read_message(sock)
            assert wire is not None, f"{len(left)} lost\n{server.log_text()}"
            reply = dns.message.from_wire(wire)
            assert reply.answer, dns.rcode.to_text(reply.rcode())
            left.remove(reply.id)
    assert server.process.wait(timeout=10) == 0
    assert time.monotonic() - began < SHUTDOWN_SECONDS


@pytest.mark.parametrize("transport", ["udp", "tcp", "dot"])
def test_sigterm_under_load_loses_nothing(launch, transport):
    """Fifty clients on open connections, each with a query on its way when the signal comes."""
    server = launch()
    answered, failed = [], []

    async def client(number, stop):
        stream = None if transport == "udp" else await open_stream(server, transport)
        for count in itertools.count():
            message = query(f"load-{transport}-{number}-{count}.fresh.lab.example.")
            try:
                reply = await (exchange(*stream, message) if stream else
                               send_async(server, message, transport))
                (answered if reply.answer else failed).append(reply)
            except (dns.exception.DNSException, OSError, EOFError, asyncio.TimeoutError) as error:
                failed.append(error)
            if stop.is_set() or failed:
                break
        if stream:
            stream[1].close()

    async def load():
        stop = asyncio.Event()
        clients = [asyncio.create_task(client(number, stop)) for number in range(50)]
        deadline = time.monotonic() + 30
        while len(answered) < 500 and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        stop.set()  # No client sends between this and the signal.
        server.signal(signal.SIGTERM)
        await asyncio.gather(*clients)

    asyncio.run(load())
    assert len(answered) >= 500
    assert not failed, f"{len(failed)} lost: {failed[:5]!r}\n{server.log_text()}"
    assert server.process.wait(timeout=10) == 0


def test_idle_it_ends_at_once_with_0(launch):
    code, seconds = launch().terminate()
    assert code == 0 and seconds < SHUTDOWN_SECONDS


@pytest.mark.parametrize("transport", ["tcp", "dot"])
def test_idle_connections_do_not_delay_the_end(launch, transport):
    server = launch()
    with connect(server, transport) as sock:
        sock.sendall(frame(query("www.lab.example.").to_wire()))
        assert read_message(sock)
        code, seconds = server.terminate()
        assert code == 0 and seconds < SHUTDOWN_SECONDS
        assert read_message(sock) is None


def test_a_provider_that_never_answers_does_not_delay_the_end(lab, launch):
    provider = lab.servers["kresd"]
    server = launch(upstreams=[provider.upstream])
    with connect(server, "tcp") as sock:
        provider.signal(signal.SIGSTOP)
        try:
            sock.sendall(frame(query("never.fresh.lab.example.").to_wire()))
            poll(lambda: server.metric("dotcache_pending_queries") >= 1, "never pending")
            code, seconds = server.terminate()
        finally:
            provider.signal(signal.SIGCONT)
    assert code == 0 and seconds < SHUTDOWN_SECONDS


def test_a_second_signal_ends_it_at_once(lab, launch):
    provider = lab.servers["kresd"]
    server = launch(upstreams=[provider.upstream])
    with connect(server, "tcp") as sock:
        provider.signal(signal.SIGSTOP)
        try:
            sock.sendall(frame(query("never-2.fresh.lab.example.").to_wire()))
            poll(lambda: server.metric("dotcache_pending_queries") >= 1, "never pending")
            server.signal(signal.SIGTERM)
            poll(lambda: "stopping" in server.log_text(), "the first signal was not taken")
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            server.process.wait(timeout=10)
            assert time.monotonic() - began < 0.5
        finally:
            provider.signal(signal.SIGCONT)


def test_sighup_while_it_ends_does_not_cut_it_short(lab, launch):
    provider = lab.servers["kresd"]
    server = launch(upstreams=[provider.upstream])
    with connect(server, "tcp") as sock:
        provider.signal(signal.SIGSTOP)
        try:
            sock.sendall(frame(query("never-3.fresh.lab.example.").to_wire()))
            poll(lambda: server.metric("dotcache_pending_queries") >= 1, "never pending")
            server.signal(signal.SIGTERM)
            poll(lambda: "stopping" in server.log_text(), "the signal was not taken")
            server.signal(signal.SIGHUP)
        finally:
            provider.signal(signal.SIGCONT)
        assert read_message(sock) is not None
    assert server.process.wait(timeout=10) == 0


def test_sighup_does_not_end_it(server):
    server.signal(signal.SIGHUP)
    with connect(server, "tcp") as sock:
        sock.sendall(frame(query("www.lab.example.").to_wire()))
        assert read_message(sock)
    assert server.process.poll() is None


def poll(condition, what):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)
