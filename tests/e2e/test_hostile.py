# SPDX-License-Identifier: Apache-2.0
"""Hostile messages from clients and an upstream server: every reply is well formed, memory does not
grow, and the server keeps running.

HOSTILE_MESSAGES sets the number of client messages, and HOSTILE_ANSWERS the number of upstream
responses, for runs that are longer than a test run. With a sanitizer build, every sanitizer report
is a failure.
"""

import os
import random
import socket
import struct
import time

import dns.rcode
import pytest

import hostile
import strict_message
from ask import ADDRESS, TRANSPORTS, ask
from dotcache import BINARY, Dotcache
from fuzzing_provider import FuzzingProvider

MESSAGES = int(os.environ.get("HOSTILE_MESSAGES", 30000))
ANSWERS = int(os.environ.get("HOSTILE_ANSWERS", 1000))
# Parts that grow to their own limit are filled before memory is measured: a cache of 1 MiB, and the
# tables and buffers of connections.
WARM_UP_NAMES, WARM_UP = 8000, 15000
GROWTH_KIB = 1024
WINDOW = 50
AUTH_NAME = "provider.dns.lab.example"
CLIENT_SECONDS = 6


def assert_well(server):
    """The server answers on every transport and ends on SIGTERM, and no sanitizer reports an error.
    """
    for transport in TRANSPORTS:
        assert ask(server, "www.lab.example.", transport=transport).rcode() == dns.rcode.NOERROR
    end(server)


def end(server):
    code = server.terminate()
    log = server.log_text()
    assert code == 0 and "Sanitizer" not in log and "runtime error" not in log, log[-8000:]


def test_from_clients(lab, launch):
    server = launch("--cache-size", "1MiB", upstreams=[lab.servers["nsd"].upstream])
    for transport in TRANSPORTS:
        ask(server, "www.lab.example.", transport=transport)
    messages = hostile.Messages(seed=random.randrange(1 << 32) if MESSAGES > 10 ** 6 else 1)

    def send(count):
        third = count // len(TRANSPORTS)
        return [hostile.send_over_udp(server, messages, third),
                hostile.send_over_stream(server, "tcp", messages, third),
                hostile.send_over_stream(server, "dot", messages, third)]

    for first in range(0, WARM_UP_NAMES, WINDOW):
        ask_for_names(server, first, b"\5fresh\3lab\7example\0")
    send(WARM_UP)
    before = hostile.resident_kib(server.process)
    replies = send(MESSAGES)
    grown = hostile.resident_kib(server.process) - before
    print(f"{MESSAGES} messages, replies by transport {replies}; {before} KiB, grown by {grown} KiB")
    assert min(replies) > MESSAGES / 10
    assert_well(server)
    if hostile.is_sanitized(BINARY):
        print("memory is not checked: a sanitizer keeps freed memory")
    else:
        assert grown < GROWTH_KIB


def test_from_an_upstream_server(bare_lab, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("query-timeout: 1s\n")
    with FuzzingProvider(*bare_lab.provider, seed=1) as provider:
        server = Dotcache(bare_lab, tmp_path / "log",
                          [f"tls://{ADDRESS}:{provider.port}#{AUTH_NAME}"],
                          ["--config", config, "--cache-size", "1MiB", "--workers", 1])
        try:
            server.wait_until("/ready")
            asked = 0
            while provider.answers < ANSWERS:
                ask_for_names(server, asked, b"\3odd\7example\0")
                asked += WINDOW
                assert asked < 4 * ANSWERS + 1000, "the upstream server gets no more queries"
            print(f"{asked} queries, {provider.answers} hostile answers")
            assert server.get("/health")[0] == 200
            end(server)
        finally:
            server.kill()


def ask_for_names(server, first, parent):
    """Queries new names over UDP, WINDOW at a time. Each gets a well-formed reply in time."""
    waiting = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((ADDRESS, server.port))
        sock.settimeout(CLIENT_SECONDS)
        for number in range(first, first + WINDOW):
            label = b"n%d" % number
            qtype = random.choice((1, 1, 1, 28, 16, 65))
            query = struct.pack("!6H", number % 65536, 0x0100, 1, 0, 0, 1)
            query += bytes([len(label)]) + label + parent
            sock.send(query + struct.pack("!HH", qtype, 1) + hostile.OPT)
            waiting[number % 65536] = time.monotonic()
        while waiting:
            try:
                reply = sock.recv(65535)
            except socket.timeout:
                pytest.fail(f"{len(waiting)} of {WINDOW} clients got no reply")
            strict_message.parse_reply(reply)
            waiting.pop(int.from_bytes(reply[:2], "big"))
