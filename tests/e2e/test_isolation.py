# SPDX-License-Identifier: Apache-2.0
"""A burst of bad answers does not affect other names or the state of the server."""

import os
import socket
import struct
import time

import dns.message
import dns.rcode
import pytest

import strict_message
from ask import ADDRESS, ask
from dotcache import Dotcache
from odd_provider import POISON, OddProvider

# Together fewer than one client's share of the 256 places in which attempts wait for a connection.
BURST, OTHERS = 90, 90
# The bad names are tried one after another. On a busy machine this takes longer than a client
# waits. With JUDGE_TIMES, on an idle machine, the client's time is enough.
SECONDS = 2 if "JUDGE_TIMES" in os.environ else 10
CASES = ["cutrdata", "servfail", "wrongid", "zerolen", "close", "rst", "halfmsg"]
REASONS = {"cutrdata": "malformed", "servfail": "error", "wrongid": "not-ours",
           "zerolen": "not-ours"}
NAME = "provider.dns.lab.example"


@pytest.fixture(scope="module")
def odd(bare_lab):
    with OddProvider(*bare_lab.provider) as provider:
        yield provider


@pytest.fixture
def server(bare_lab, odd, tmp_path):
    config = tmp_path / "dotcache.yaml"
    config.write_text(f"query-timeout: {SECONDS}s\n")
    server = Dotcache(bare_lab, tmp_path / "log", [f"tls://{ADDRESS}:{odd.port}#{NAME}"],
                      ["--workers", 1, "--config", config])
    yield server.wait_until("/ready")
    server.kill()


def burst(server, names):
    """Sends all queries at once. Returns {name: reply or None}."""
    queries = {number: dns.message.make_query(name, "A", use_edns=0, id=number)
               for number, name in enumerate(names)}
    replies = dict.fromkeys(names)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((ADDRESS, server.port))
        for query in queries.values():
            sock.send(query.to_wire())
        end = time.monotonic() + SECONDS + 1
        while None in replies.values() and time.monotonic() < end:
            sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                octets = sock.recv(65535)
            except socket.timeout:
                break
            strict_message.parse_reply(octets)
            assert socket.inet_aton(POISON) not in octets
            replies[names[struct.unpack("!H", octets[:2])[0]]] = dns.message.from_wire(octets)
    return replies


@pytest.mark.parametrize("case", CASES)
def test_a_burst_of_bad_answers_does_not_affect_others(server, odd, case):
    bad = [f"{case}.b{number}.isolation.example" for number in range(BURST)]
    good = [f"good.g{number}.{case}.isolation.example" for number in range(OTHERS)]
    replies = burst(server, [name for pair in zip(bad, good) for name in pair])
    silent = [name for name, reply in replies.items() if reply is None]
    failed = [name for name in good if name not in silent and not replies[name].answer]
    assert not silent and not failed, f"{len(silent)} not answered, {len(failed)} failed"
    assert all(replies[name].rcode() == dns.rcode.SERVFAIL for name in bad)
    assert max(odd.asked[name] for name in bad) <= 3  # RFC 9520 section 3.1.
    assert server.metric("dotcache_upstream_up") == 1
    reason = REASONS.get(case)
    assert not reason or server.metric("dotcache_upstream_rejected_responses_total",
                                       reason=reason) >= BURST
    assert "upstream down" not in server.log_text()
    assert ask(server, f"after.{case}.isolation.example").answer


@pytest.mark.parametrize("case", ["close", "rst", "halfmsg"])
def test_one_bad_name_is_queried_twice_and_does_not_affect_others(server, odd, case):
    for number in range(20):
        bad = f"{case}.one{number}.isolation.example"
        good = [f"good{other}.{case}.one{number}.isolation.example" for other in range(6)]
        replies = burst(server, [*good[:3], bad, *good[3:]])
        assert all(replies[name] and replies[name].answer for name in good)
        assert replies[bad].rcode() == dns.rcode.SERVFAIL and odd.asked[bad] <= 2
    assert "upstream down" not in server.log_text()
