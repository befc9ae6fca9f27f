# SPDX-License-Identifier: Apache-2.0
"""The measurements, and the goal of each figure."""

import contextlib
import pathlib
import time
import types

import dotcache as dotcache_process
from lab.certificates import CertificateAuthority
from lab.lab import LISTENER_NAME

import clients
import held_clients
import provider as providers_module

PROVIDER_NAME = "provider.limits.example"
CROWD = 1000
PENDING = 10000
PENDING_KIB = 10  # Including up to nine attempts.
FLOOD_PER_SECOND = 2200  # An exchange lasts 5 s.
FLOOD_SECONDS = 8
HELD = 1000
NEW_CLIENTS = 20


class Report:
    def __init__(self):
        self.missed = 0

    def line(self, what, value, goal, reached):
        self.missed += not reached
        print(f"{'ok    ' if reached else 'MISSED'} {what}: {value} (goal: {goal})", flush=True)


class Bench:
    def __init__(self, directory, binary, report):
        dotcache_process.BINARY = binary
        self._directory, self._report = directory, report
        authority = CertificateAuthority(directory / "ca")
        self._lab = types.SimpleNamespace(ca_file=authority.certificate,
                                          listener=authority.issue("listener", [LISTENER_NAME]))
        self._certificate = authority.issue("provider", [PROVIDER_NAME])
        self._context = clients.tls_context(authority.certificate)
        self._runs = 0
        self._config = directory / "dotcache.yaml"  # All clients of a load have one address.
        self._config.write_text("max-streams-per-client: 100000\n")

    @contextlib.contextmanager
    def _server(self, workers, providers, *arguments):
        started = [providers_module.Provider(*self._certificate) for _ in range(providers)]
        self._runs += 1
        server = None
        try:
            server = dotcache_process.Dotcache(
                self._lab, self._directory / f"log{self._runs}",
                [f"tls://127.0.0.1:{one.port}#{PROVIDER_NAME}" for one in started],
                ["--workers", str(workers), "--config", self._config, *arguments])
            yield server.wait_until(), started
        finally:
            if server is not None:
                server.kill()
            for one in started:
                one.stop()

    def crowd(self, workers, providers):
        """1,000 identical misses at once."""
        with self._server(workers, providers) as (server, started):
            for transport in ("udp", "tcp", "dot"):
                before = started[0].counts().get("slow", 0)
                answered = getattr(self, f"_crowd_{transport}")(server, f"slow-{transport}")
                sent = sum(one.counts().get("slow", 0) for one in started) - before
                self._report.line(f"crowd {transport}, workers {workers}",
                                  f"{answered} answers, {sent} upstream queries",
                                  f"{CROWD} answers, at most 2 queries",
                                  answered == CROWD and 1 <= sent <= 2)

    def _crowd_udp(self, server, label):
        asked, outcome = clients.UdpClients(server.port, CROWD), clients.Outcome()
        for number in range(CROWD):
            asked.send(number, label, outcome)
        asked.wait()
        asked.close()
        return len(outcome.times_ms)

    def _crowd_tcp(self, server, label):
        return self._crowd_of(label, [clients.StreamClient(server.port) for _ in range(10)])

    def _crowd_dot(self, server, label):
        return self._crowd_of(label, [
            clients.StreamClient(server.dot_port, self._context, LISTENER_NAME)
            for _ in range(10)])

    @staticmethod
    def _crowd_of(label, connections):
        each = CROWD // len(connections)
        for connection in connections:
            connection.send(b"".join(clients.frame(clients.query(label, number))
                                     for number in range(each)))
        answered = 0
        for connection in connections:
            answered += len({reply[:2] for reply in (connection.read() for _ in range(each))
                             if reply and clients.is_answer(reply)})
            connection.close()
        return answered

    def flood(self, workers, providers):
        """Floods with 10,000 pending names that no provider answers, from this address and from
        another.
        """
        for source in ("127.0.0.1", "127.0.0.2"):
            with self._server(workers, providers) as (server, started):
                self._flood_from(source, server, started,
                                 f"flood from {source}, workers {workers}, providers {providers}")

    def _flood_from(self, source, server, started, what):
        warm = clients.ask_at_rates(server.port, 1, [(lambda n: f"cached{n % 100}", 1000)])[0]
        quiet_kb = rss_kb(server)
        flood = clients.Flood(server.port, FLOOD_PER_SECOND, source)
        try:
            time.sleep(PENDING / FLOOD_PER_SECOND + 1)  # No other queries are sent meanwhile.
            pending = server.metric("dotcache_pending_queries")
            cached, fresh = clients.ask_at_rates(
                server.port, FLOOD_SECONDS,
                [(lambda n: f"cached{n % 100}", 1000), (lambda n: f"fresh{n}", 100)])
            pending = max(pending, server.metric("dotcache_pending_queries"))
            flooded_kb = rss_kb(server)
        finally:
            flood.stop()
        line = self._report.line
        line(f"{what}: pending", f"{pending:.0f}, {(flooded_kb - quiet_kb) / max(pending, 1):.1f} KiB "
             f"each", f"at least {PENDING * 95 // 100}, at most {PENDING_KIB} KiB each",
             pending >= PENDING * 0.95 and (flooded_kb - quiet_kb) / max(pending, 1) <= PENDING_KIB)
        line(f"{what}: cached names", f"{cached.unanswered} of {cached.asked} unanswered, p99 "
             f"{cached.percentile(.99):.2f} ms, max {cached.percentile(1):.1f} (quiet p99 "
             f"{warm.percentile(.99):.2f})", "0, p99 1 ms",
             cached.unanswered == 0 and cached.percentile(.99) <= 1)
        line(f"{what}: fresh names", f"{fresh.unanswered} of {fresh.asked} unanswered "
             f"({fresh.errors} errors), p99 {fresh.percentile(.99):.2f} ms, max "
             f"{fresh.percentile(1):.1f}", "0, p99 20 ms",
             fresh.unanswered == 0 and fresh.percentile(.99) <= 20)
        counts = [one.counts() for one in started]
        print(f"       upstream: {counts}")

    def held(self, workers, providers):
        """Holds 1,000 client connections that are not used."""
        for kind in held_clients.KINDS:
            with self._server(workers, providers) as (server, _):
                self._hold(kind, server, f"held {kind}, workers {workers}")

    def _hold(self, kind, server, what):
        cached = (lambda n: f"cached{n % 100}", 1000)
        clients.ask_at_rates(server.port, 1, [cached])
        for _ in range(3):
            self._time_of_new(server, None)
            self._time_of_new(server, self._context)
        self._prepare(server)
        quiet = clients.ask_at_rates(server.port, 2, [cached])[0]
        quiet_kb = rss_kb(server)
        hold = held_clients.Held(kind, HELD, server, self._context, LISTENER_NAME)
        try:
            open_now = wait_for_open(server)
            held_kb = rss_kb(server)
            new = {"TCP": None, "DoT": self._context}
            times = {name: [self._time_of_new(server, context) for _ in range(NEW_CLIENTS)]
                     for name, context in new.items()}
            busy = clients.ask_at_rates(server.port, 2, [cached])[0]
        finally:
            hold.close()
        each = (held_kb - quiet_kb) / HELD
        line = self._report.line
        all_open = open_now >= HELD or "slow" in kind  # The server may end the slowest ones.
        line(f"{what}: memory", f"{each:.1f} KiB each, {open_now:.0f} open",
             "at most 16 KiB, all open but slow readers", each <= 16 and all_open)
        for name, values in times.items():
            line(f"{what}: new {name} client", f"worst {max(values):.1f} ms of {NEW_CLIENTS}",
                 "50 ms", max(values) <= 50)
        line(f"{what}: UDP", f"{busy.unanswered} unanswered, p99 {busy.percentile(.99):.2f} ms, "
             f"without {quiet.percentile(.99):.2f}", "0, p99 not over 1.5 times plus 0.2 ms",
             busy.unanswered == 0 and
             busy.percentile(.99) <= 1.5 * quiet.percentile(.99) + 0.2)

    def _prepare(self, server):
        client = clients.StreamClient(server.port)  # The slow readers' answer is in the cache.
        client.send(clients.frame(clients.query("big", 1, 16)))
        assert len(client.read()) > 50000
        client.close()

    @staticmethod
    def _time_of_new(server, context):
        began = time.monotonic()
        client = (clients.StreamClient(server.port) if context is None else
                  clients.StreamClient(server.dot_port, context, LISTENER_NAME))
        client.send(clients.frame(clients.query("cached1", 7)))
        reply = client.read()
        elapsed = (time.monotonic() - began) * 1000
        client.close()
        return elapsed if reply and clients.is_answer(reply) else float("inf")


def rss_kb(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def wait_for_open(server):
    """Returns the number of open connections after all of them were accepted."""
    end = time.monotonic() + 1
    while True:
        count = server.metric("dotcache_stream_connections")
        if count >= HELD or time.monotonic() > end:
            return count
        time.sleep(0.01)
