# SPDX-License-Identifier: Apache-2.0
"""TCP and DoT clients: pipelining, odd segments, half-close, idle and many connections (RFC 7766,
RFC 7858).
"""

import socket
import ssl
import subprocess

import dns.message
import pytest

from ask import ADDRESS, ask, connect, frame, queries, query, read_message
from waiting import wait_for

STREAMS = ["tcp", "dot"]


def check_all_answered(sock, asked):
    left = dict(asked)
    while left:
        wire = read_message(sock)
        assert wire is not None, f"{len(left)} of {len(asked)} without a reply"
        reply = dns.message.from_wire(wire)
        assert left.pop(reply.id).is_response(reply)
        assert [str(rdata) for rdata in reply.answer[0]] == ["198.18.0.99"]


@pytest.mark.parametrize("transport", STREAMS)
def test_more_pipelined_queries_than_may_wait_are_all_answered(server, transport):
    asked = queries(1000, f"pipeline-{transport}")
    with connect(server, transport) as sock:
        sock.sendall(b"".join(frame(message.to_wire()) for message in asked.values()))
        check_all_answered(sock, asked)


def test_replies_are_sent_after_close_notify(server):
    """A TLS client ends its sending side and still reads."""
    message = query("half-close-dot.fresh.lab.example.")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(server.ca_file))
    tls = context.wrap_bio(incoming, outgoing, server_hostname=server.auth_name)
    with socket.create_connection((ADDRESS, server.dot_port), timeout=5) as sock:
        def step(action):
            while True:
                try:
                    return action()
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    data = sock.recv(65535)
                    incoming.write(data) if data else incoming.write_eof()

        step(tls.do_handshake)
        tls.write(frame(message.to_wire()))
        try:
            tls.unwrap()  # Writes close_notify, then waits for the peer's.
        except ssl.SSLWantReadError:
            pass
        sock.sendall(outgoing.read())
        received = b""
        while part := sock.recv(65535):
            received += part
    # This client cannot decrypt the reply any more, but it arrives: more octets than a
    # close_notify.
    assert len(received) > len(message.to_wire())


def test_a_tls_hello_on_the_tcp_port_does_no_harm(server):
    with socket.create_connection((ADDRESS, server.port)) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
    assert ask(server, "www.lab.example.", transport="tcp").answer


def test_clear_text_on_the_dot_port_gets_no_dns(server):
    with socket.create_connection((ADDRESS, server.dot_port), timeout=60) as sock:
        sock.sendall(frame(query("www.lab.example.").to_wire()))
        received = b""
        try:
            while part := sock.recv(4096):
                received += part
        except ConnectionError:
            pass
    assert b"example" not in received


def test_a_stalled_handshake_does_not_affect_other_clients(server):
    stalled = [socket.create_connection((ADDRESS, server.dot_port)) for _ in range(50)]
    for sock in stalled:
        sock.sendall(b"\x16\x03\x01")
    for _ in range(10):
        assert ask(server, "www.lab.example.", transport="dot").answer
    for sock in stalled:
        sock.close()


def test_a_thousand_silent_connections_leave_room_for_the_next_ones(server):
    def seen():
        return (server.metric("dotcache_stream_connections_total")
                + server.metric("dotcache_limit_rejections_total", limit="connections-per-client"))

    before = seen()
    held = [socket.create_connection((ADDRESS, server.port)) for _ in range(1000)]
    wait_for(lambda: seen() - before >= 1000, "not all connections were accepted or refused")
    for sock in held:
        try:
            sock.sendall(b"\0")
        except ConnectionError:
            pass  # One of those that the server has closed.
    for transport in ("udp", "tcp", "dot"):
        assert ask(server, "www.lab.example.", transport=transport).answer
    for sock in held:
        sock.close()


def test_a_client_that_does_not_read_does_not_affect_others(server):
    message = query("big-64k.lab.example.", "TXT").to_wire()
    with connect(server, "tcp") as deaf:
        deaf.setblocking(False)
        try:
            for _ in range(2000):
                deaf.send(frame(message))
        except (BlockingIOError, ConnectionError):
            pass  # The server stopped reading or closed the connection.
        for transport in ("udp", "tcp", "dot"):
            assert ask(server, "www.lab.example.", transport=transport).answer


def test_a_client_that_leaves_before_its_reply_does_no_harm(server):
    for number in range(50):
        with connect(server, ("tcp", "dot")[number % 2]) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(frame(query(f"gone-{number}.fresh.lab.example.").to_wire()))
    assert ask(server, "www.lab.example.").answer
    assert server.process.poll() is None


def test_dot_uses_tls_1_2_or_later_and_alpn_dot(server):
    with connect(server, "dot") as sock:
        assert sock.version() in ("TLSv1.2", "TLSv1.3")
        assert sock.selected_alpn_protocol() == "dot"
    old = subprocess.run(["gnutls-cli", "--x509cafile", server.ca_file, "--sni-hostname",
                          server.auth_name, "--verify-hostname", server.auth_name, "-p",
                          str(server.dot_port), "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.1",
                          ADDRESS], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert old.returncode != 0


def test_a_second_connection_resumes_the_session(server):
    context = ssl.create_default_context(cafile=str(server.ca_file))
    session, reused = None, []
    for _ in range(2):
        with socket.create_connection((ADDRESS, server.dot_port), timeout=5) as raw, \
             context.wrap_socket(raw, server_hostname=server.auth_name, session=session) as sock:
            sock.sendall(frame(query("www.lab.example.").to_wire()))
            assert read_message(sock)
            reused.append(sock.session_reused)
            session = sock.session
    assert reused == [False, True]
