# SPDX-License-Identifier: Apache-2.0
"""One client that takes all it can: the others still get a connection and an answer."""

import pathlib
import subprocess
import time

import pytest

from ask import ADDRESS
from dotcache import run
import clients

GREEDY = "127.0.0.2"
PLACES = 64


@pytest.fixture(name="start")
def fixture_start(start_before_provider, tmp_path):
    """start(*lines): starts a dotcache with these lines in its YAML file."""
    def start_one(*lines, workers=1, handshakes=0):
        config = tmp_path / "dotcache.yaml"
        config.write_text("".join(f"{line}\n" for line in lines))
        return start_before_provider("--workers", workers, "--config", config,
                                     "--handshakes-per-second", handshakes)
    return start_one


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
    # A worker accepts one connection beyond the limit of the client.
    most = PLACES // 4 + workers - 1 + len(others) + len(new)
    assert server.metric("dotcache_stream_connections") <= most
    for client in [*others, *new, *greedy]:
        client.close()


def handshakes(server, count, source, context):
    """Opens and closes DoT connections. Returns how many handshakes succeeded, and the seconds."""
    began, done = time.monotonic(), 0
    for _ in range(count):
        try:
            clients.StreamClient(server.dot_port, context, server.auth_name, source=source).close()
            done += 1
        except OSError:
            pass
    return done, time.monotonic() - began


def test_handshakes_of_one_client_are_limited(start):
    server = start(handshakes=5)
    context = clients.tls_context(server.ca_file)
    done, seconds = handshakes(server, 200, GREEDY, context)
    assert 10 <= done <= 10 + 5 * seconds + 1
    assert handshakes(server, 5, ADDRESS, context)[0] == 5
    assert server.metric("dotcache_limit_rejections_total", limit="handshakes") == 200 - done


def resident_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def endless_hello(size):
    """The beginning of a ClientHello of 64,000 octets, in records of 16,000."""
    body = b"\x01\x00\xfa\x00\x03\x03" + bytes(32) + b"\0\0\2\x13\1\1\0\xf9\0" + bytes(size)
    pieces = [body[at:at + 16000] for at in range(0, size, 16000)]
    return b"".join(b"\x16\3\1" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


@pytest.mark.parametrize("size", [15000, 60000])
def test_unfinished_handshakes_use_bounded_memory(start, size):
    count = 800
    server = start(f"max-streams-per-client: {2 * count}")
    context = clients.tls_context(server.ca_file)
    assert handshakes(server, 3, ADDRESS, context)[0] == 3
    before, hello, held = resident_bytes(server), endless_hello(size), []
    for _ in range(count):
        held.append(clients.StreamClient(server.dot_port, source=GREEDY))
        try:
            held[-1].send(hello)
        except OSError:  # Closed by the server.
            pass
    # A new client still gets in, and finds its place although the table of octets is full.
    assert handshakes(server, 3, ADDRESS, context)[0] == 3
    # Each connection has 11 KiB without any octet received. 4 MiB of octets use up to twice that.
    assert resident_bytes(server) - before < count * 13 * 1024 + (8 << 20)
    for connection in held:
        connection.close()


def test_a_handshake_ends_after_5_seconds(start):
    server = start()
    began = time.monotonic()
    silent = clients.StreamClient(server.dot_port)
    silent.socket.settimeout(60)
    assert silent.read() == b""
    assert time.monotonic() - began > 4.5
    silent.close()


def test_check_warns_of_an_expensive_key(bare_lab, tmp_path):
    key, certificate = tmp_path / "rsa.key", tmp_path / "rsa.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", key,
                    "-out", certificate, "-days", "2", "-subj", "/CN=x"], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    arguments = ("check", "--listen", f"tls://{ADDRESS}:0", "--admin", "off", "--upstream-ca",
                 bare_lab.ca_file)
    costly = run(*arguments, "--listen-cert", certificate, "--listen-key", key)
    assert costly.returncode == 0
    assert "listen-key: warning: an RSA key of 3072 bits" in costly.stderr
    cheap = run(*arguments, "--listen-cert", bare_lab.listener[0], "--listen-key",
                bare_lab.listener[1])
    assert (cheap.returncode, cheap.stderr) == (0, "")
