# SPDX-License-Identifier: Apache-2.0
"""Access rules and the rates of clients, with clients at several addresses of loopback."""

import signal
import socket
import ssl
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from ask import ADDRESS, frame, query, read_message
from lab.lab import free_port
from waiting import wait_for

ALLOWED, REFUSED, DROPPED, LIMITED, DOT_ONLY = (f"127.0.0.{last}" for last in range(11, 16))
NAME, SECRET = "www.lab.example.", "a.secret.lab.example."

RULES = """access:
  - {{network: {refused}, action: refuse}}
  - {{network: {dropped}, action: drop}}
  - {{network: 0.0.0.0/0, action: refuse, zone: secret.lab.example}}
  - {{network: {limited}, action: allow, zone: secret.lab.example}}
  - {{network: {limited}, action: allow, client-rate: 1, client-burst: 5}}
  - {{network: {dot_only}, action: drop}}
  - {{network: {dot_only}, action: allow, listen: "tls://127.0.0.1:{dot_port}"}}
"""


@pytest.fixture
def server(launch, tmp_path):
    ports = [free_port() for _ in range(3)]
    config = tmp_path / "dotcache.yaml"
    config.write_text(RULES.format(refused=REFUSED, dropped=DROPPED, limited=LIMITED,
                                   dot_only=DOT_ONLY, dot_port=ports[1]))
    started = launch("--config", config, ports=ports)
    started.config = config
    return started


def over_udp(server, source, name=NAME, timeout=5):
    return dns.query.udp(query(name), ADDRESS, timeout, server.port, source=source)


def over_tcp(server, source, *names):
    """Sends all queries at once. Returns the replies until the server closes or all are there."""
    replies = []
    with socket.create_connection((ADDRESS, server.port), 5, source_address=(source, 0)) as sock:
        sock.sendall(b"".join(frame(query(name).to_wire()) for name in names))
        while len(replies) < len(names):
            message = read_message(sock)
            if not message:
                break
            replies.append(dns.message.from_wire(message))
    return replies


def over_dot(server, source):
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with socket.create_connection((ADDRESS, server.dot_port), 5,
                                  source_address=(source, 0)) as plain:
        with context.wrap_socket(plain, server_hostname=server.auth_name) as sock:
            sock.sendall(frame(query(NAME).to_wire()))
            return dns.message.from_wire(read_message(sock))


def prohibited(reply):
    return reply.rcode() == dns.rcode.REFUSED and any(
        option.otype == dns.edns.EDE and option.code == 18 for option in reply.options)


def test_rules_refuse_and_drop_clients(server):
    assert over_udp(server, ALLOWED).rcode() == dns.rcode.NOERROR
    assert over_udp(server, REFUSED).rcode() == dns.rcode.REFUSED
    assert prohibited(over_tcp(server, REFUSED, NAME)[0])
    with pytest.raises(dns.exception.Timeout):
        over_udp(server, DROPPED, timeout=0.5)
    assert over_tcp(server, DROPPED, NAME) == []
    assert server.metric("dotcache_refused_clients_total") == 2
    # Another worker may come to the dropped query after its client has given up.
    wait_for(lambda: server.metric("dotcache_dropped_clients_total") == 2, "not counted")


def test_a_rule_of_a_zone_concerns_its_names(server):
    assert over_udp(server, ALLOWED, SECRET).rcode() == dns.rcode.REFUSED
    assert over_udp(server, LIMITED, SECRET).rcode() != dns.rcode.REFUSED
    replies = over_tcp(server, ALLOWED, NAME, SECRET)
    rcodes = {str(reply.question[0].name): reply.rcode() for reply in replies}
    assert rcodes == {NAME: dns.rcode.NOERROR, SECRET: dns.rcode.REFUSED}


def test_a_rule_of_a_listener_concerns_that_listener(server):
    with pytest.raises(dns.exception.Timeout):
        over_udp(server, DOT_ONLY, timeout=0.5)
    assert over_dot(server, DOT_ONLY).rcode() == dns.rcode.NOERROR


def added_since(began):
    """How many queries the rate of one a second can have added to the five at once."""
    return int(time.monotonic() - began) + 1


def test_a_client_above_its_rate_is_truncated_and_then_refused(server):
    over_udp(server, ALLOWED)
    began = time.monotonic()
    replies = [over_udp(server, LIMITED) for _ in range(10)]
    truncated = [reply for reply in replies if reply.flags & dns.flags.TC]
    assert 5 - added_since(began) <= len(truncated) <= 5
    assert server.metric("dotcache_limit_rejections_total", limit="client-rate") == len(truncated)
    began = time.monotonic()
    replies = over_tcp(server, LIMITED, *[NAME] * 10)
    refused = [reply for reply in replies if prohibited(reply)]
    assert len(replies) == 10 and 5 - added_since(began) <= len(refused) <= 5
    # Other clients are not affected.
    assert all(not over_udp(server, ALLOWED).flags & dns.flags.TC for _ in range(10))


def test_a_reload_changes_the_rules(server):
    assert over_udp(server, REFUSED).rcode() == dns.rcode.REFUSED
    server.config.write_text("access: [{network: %s, action: refuse}]\n" % ALLOWED)
    server.signal(signal.SIGHUP)
    wait_for(lambda: over_udp(server, ALLOWED).rcode() == dns.rcode.REFUSED,
             "the rules of the new configuration do not hold")

    def answers(source):
        try:
            return over_udp(server, source).rcode() == dns.rcode.NOERROR
        except dns.exception.Timeout:
            return False

    # Each worker takes them over in its own time.
    for source in (REFUSED, DROPPED):
        wait_for(lambda: answers(source), f"{source} is still refused")


def test_limited_clients_are_logged_before_their_rate_ends(server):
    replies = [over_udp(server, LIMITED) for _ in range(10)]
    limited = sum(reply.flags & dns.flags.TC != 0 for reply in replies)
    server.config.write_text("access: []\n")
    server.signal(signal.SIGHUP)
    line = f"client={LIMITED}/32 limited_queries={limited} "
    wait_for(lambda: line in server.log_text(), "the log does not name the client")
