# SPDX-License-Identifier: Apache-2.0
"""Response rate limiting: a public listener is no amplifier, and real clients still get answers."""

import pathlib
import socket
import sys
import time

import dns.flags
import dns.message
import pytest

from ask import ADDRESS
from dotcache import Dotcache
from lab.lab import PROVIDER_NAME
from two_networks import TwoNetworks, ip

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "limits"))

import clients  # noqa: E402  sys.path is set first.
from provider import Provider  # noqa: E402

PUBLIC, VICTIM, NEIGHBOUR, OTHER = "192.0.2.1", "198.51.100.7", "198.51.100.99", "203.0.113.5"
PORT = 5300
FLOOD, BATCH = 3000, 50
RATE, BURST = 50, 100


@pytest.fixture(scope="module")
def public(bare_lab, tmp_path_factory):
    """start(*lines): a dotcache at a public address, in a network of its own."""
    networks = TwoNetworks()
    networks.make()
    started = []
    for address in (PUBLIC, VICTIM, NEIGHBOUR, OTHER):
        ip(networks.here, f"address add {address}/32 dev lo")
    with networks.inside():
        provider = Provider(*bare_lab.provider, yields=False)
        directory = tmp_path_factory.mktemp("public")

        def start(*lines):
            for server in started:
                server.kill()
            config = directory / "dotcache.yaml"
            config.write_text("".join(f"{line}\n" for line in lines) +
                              "allow-from: [127.0.0.0/8, 198.51.100.0/24, 203.0.113.0/24]\n")
            started.append(Dotcache(
                bare_lab, directory / f"log{len(started)}",
                [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"],
                ["--workers", "2", "--config", config, "--listen", f"{PUBLIC}:{PORT}"]))
            return started[-1].wait_until()

        yield start
        for server in started:
            server.kill()
        provider.stop()
    networks.remove()


class Flood:
    """What `count` equal queries from one address get."""

    def __init__(self, source, count=FLOOD, label="cached"):
        self.full, self.truncated, self.octets_sent, self.octets_received = 0, 0, 0, 0
        began = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            sock.connect((PUBLIC, PORT))
            sock.settimeout(0.01)
            for number in range(count):
                message = clients.query(label, number % 65536)
                sock.send(message)
                self.octets_sent += len(message)
                if number % BATCH == BATCH - 1:
                    self._receive(sock)
            sock.settimeout(0.3)
            self._receive(sock)
        self.seconds = time.monotonic() - began

    def _receive(self, sock):
        try:
            while True:
                reply = sock.recv(4096)
                self.octets_received += len(reply)
                if reply[2] & 0x02:
                    self.truncated += 1
                else:
                    self.full += 1
        except TimeoutError:
            pass


def answer_over_tcp(source):
    with socket.create_connection((PUBLIC, PORT), 5, source_address=(source, 0)) as sock:
        sock.sendall(clients.frame(clients.query("cached", 7)))
        return clients.is_answer(sock.recv(4096)[2:])


def test_a_flood_for_one_answer_is_cut_off(public):
    server = public()
    assert Flood(VICTIM, 1, "cached").full == 1
    flood = Flood(VICTIM)
    assert BURST / 2 <= flood.full <= BURST + RATE * flood.seconds + 1
    limited = FLOOD - flood.full
    assert limited / 4 <= flood.truncated <= limited * 3 / 4
    assert flood.octets_received < 2 * flood.octets_sent
    assert server.metric("dotcache_rejected_queries_total", reason="reply_rate") == limited
    # A real client of that network comes over TCP, and other networks are not affected.
    assert answer_over_tcp(NEIGHBOUR)
    assert Flood(OTHER, 10).full == 10


def test_the_whole_network_has_one_limit(public):
    public()
    Flood(VICTIM)
    neighbour = Flood(NEIGHBOUR, 200)
    assert neighbour.full <= RATE * neighbour.seconds + BURST / 2


def test_truncated_replies_can_be_switched_off(public):
    public("reply-slip: 0")
    flood = Flood(VICTIM)
    assert flood.truncated == 0 and flood.full <= BURST + RATE * flood.seconds + 1


def test_loopback_and_zero_have_no_limit(public):
    public()
    assert Flood("127.0.0.1", 1000).full == 1000
    public("replies-per-second: 0")
    assert Flood(VICTIM, 1000).full == 1000


def test_the_version_is_not_an_amplifier(public):
    public(f"version-text: {'v' * 200}", f"identity: {'i' * 200}")
    for name in ("version.bind.", "id.server."):
        chaos = dns.message.make_query(name, "TXT", "CH").to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((OTHER, 0))
            sock.settimeout(5)
            sock.sendto(chaos, (PUBLIC, PORT))
            reply = sock.recv(4096)
        assert len(reply) <= 2 * len(chaos)
        assert dns.message.from_wire(reply).flags & dns.flags.TC
