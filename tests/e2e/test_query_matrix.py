# SPDX-License-Identifier: Apache-2.0
"""Every row of query_matrix.py against the running program, over each of its transports."""

import socket
import struct
import types

import pytest

import query_matrix
from ask import ADDRESS, connect, frame, read_message
from dotcache import Dotcache
from lab.lab import PROVIDER_NAME
from query_matrix import (A_IN, BADVERS, DOT, FORMERR, ID, NOTAUTH, NOTIMP, OK, REFUSED, ROWS,
                          SILENCE, TRUNCATED, UDP, ZONE, message, of_type)
from scripted_provider import ADDRESS_RDATA, ScriptedProvider
from strict_message import Malformed, parse

QR, AA, TC, RD, RA, Z, AD, CD = (0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010)
DO = 0x8000
CONTROL_ID = 0x6363
CONTROL = struct.pack("!6H", CONTROL_ID, RD, 1, 0, 0, 0) + b"\7control" + ZONE + A_IN
CASES = [(row, transport) for row in ROWS for transport in row.transports]


@pytest.fixture(scope="module")
def matrix(bare_lab, tmp_path_factory):
    """(dotcache, its only provider, the questions that may reach the provider)."""
    with ScriptedProvider(*bare_lab.provider) as provider:
        server = Dotcache(bare_lab, tmp_path_factory.mktemp("matrix") / "log",
                          [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"])
        try:
            yield types.SimpleNamespace(server=server.wait_until(), provider=provider,
                                        expected={question(CONTROL)})
        finally:
            server.kill()


def question(wire):
    """Returns (QNAME in lower case, QTYPE, QCLASS) of a well-formed message."""
    asked = parse(wire).question
    return (asked[:-4].lower(), *struct.unpack("!HH", asked[-4:]))


def own_name(row, transport):
    """Returns a name that no other case uses, so its answer comes from upstream."""
    label = f"{row.label or 'r'}-{ROWS.index(row)}-{transport}".encode()
    return bytes([len(label)]) + label + ZONE


class Peer:
    """A client's socket. On a stream, messages are framed."""

    def __init__(self, server, transport):
        self.transport = transport
        if transport == UDP:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sock.settimeout(8)
            self.sock.connect((ADDRESS, server.port))
        else:
            self.sock = connect(server, transport)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *wires):
        if self.transport == UDP:
            for wire in wires:
                self.sock.send(wire)
        else:
            self.sock.sendall(b"".join(map(frame, wires)))

    def read(self):
        """Returns the next message, or None at the end of the stream."""
        return self.sock.recv(65535) if self.transport == UDP else read_message(self.sock)

    def exchange(self, wire):
        self.send(wire)
        return self.read()

    def check_silence(self, wire):
        """Checks that there is no reply: over UDP the control query's reply is next, and a stream
        ends.
        """
        self.send(wire)
        if self.transport == UDP:
            self.check_control()
        else:
            assert self.read() is None

    def check_control(self):
        check_answer(CONTROL, self.exchange(CONTROL))


def check_reply(query, reply, options=frozenset()):
    """Checks what holds for every reply. Returns the parsed reply."""
    assert reply is not None, "no reply"
    read, sent_flags = parse(reply), struct.unpack("!H", query[2:4])[0]
    assert read.id == struct.unpack("!H", query[:2])[0]
    assert read.flags & QR and not read.flags & (AA | Z | AD)
    assert read.flags & 0x7800 == sent_flags & 0x7800
    # RA and CD concern resolution, so errors about the message have neither of them.
    resolved = read.rcode not in (FORMERR, NOTIMP, REFUSED, NOTAUTH, BADVERS)
    is_query = sent_flags & 0x7800 == 0
    assert read.flags & RA == (RA if resolved else 0)
    assert read.flags & CD == (sent_flags & CD if resolved else 0)
    assert read.flags & RD == (sent_flags & RD if is_query else 0)
    try:
        asked = parse(query)
    except Malformed:
        asked = None
    # The question is returned octet for octet, or not at all.
    assert read.question in (b"", query[12:12 + len(read.question)])
    if asked is not None:
        assert read.question == asked.question
        # RFC 6891 section 6.1.1; a message over 4096 octets is not read.
        assert (read.opt is not None) == (asked.opt is not None) or len(query) > 4096
        if read.opt is not None:
            assert read.opt.ttl & 0xffff == asked.opt.ttl & DO  # DO is copied and Z is cleared.
    if read.opt is not None:
        assert read.opt.klass == 1232 and read.opt.ttl >> 16 & 0xff == 0
        assert sorted(code for code, _ in read.opt.options) == sorted(options)
    return read


def check_error(query, reply, rcode):
    read = check_reply(query, reply)
    assert read.rcode == rcode
    assert not read.section("answer") and not read.section("authority")
    assert not read.flags & TC
    if query.endswith(query_matrix.TSIG_RECORD) and rcode == NOTAUTH:
        # BADKEY without a MAC (RFC 8945 section 5.3.2).
        assert read.records[-1].type == 250 and read.records[-1].rdata.endswith(b"\0\x11\0\0")
    assert len(reply) <= len(query), "an error reply longer than its query"
    return read


def check_answer(query, reply, options=frozenset()):
    read = check_reply(query, reply, options)
    assert read.rcode == OK and not read.flags & TC
    if question(query)[1] == 1:
        assert [record.rdata for record in read.section("answer")] == [ADDRESS_RDATA]
    return read


def test_the_table_has_every_row():
    assert len(ROWS) == 180
    assert len({row.name for row in ROWS}) == 180
    assert all(row.transports for row in ROWS)
    assert all((row.wire is None) == (row.scene in SCENES) for row in ROWS)
    assert len(SCENES) == len({row.scene for row in ROWS} - {""})


@pytest.mark.parametrize("row, transport", [case for case in CASES if case[0].wire],
                         ids=lambda value: getattr(value, "name", value))
def test_query(matrix, row, transport):
    wire = row.wire(own_name(row, transport))
    if row.forwarded:
        matrix.expected.add(question(wire))
    with Peer(matrix.server, transport) as peer:
        if row.reaction == SILENCE:
            peer.check_silence(wire)
            return
        if row.name == "flag-rd0":  # Such a query gets cached data only.
            peer.exchange(message()(own_name(row, transport)))
        reply = peer.exchange(wire)
        if row.reaction == TRUNCATED:
            check_truncated(wire, reply)
        elif row.forwarded:
            check_forwarded(wire, reply, row, transport)
        elif row.reaction == OK or row.name.startswith("special-"):
            check_local(wire, reply, row)
        else:
            check_error(wire, reply, row.reaction)
            if not_parsable(row.name):
                assert parse(reply).question == b""
        peer.check_control()  # The stream is still open, and no other message arrived.


def not_parsable(name):
    return name.startswith(("ptr-", "name-label", "name-1000", "name-256", "q-cut", "hdr-qd"))


def check_truncated(wire, reply):
    read = check_reply(wire, reply)
    announced = parse(wire).opt
    assert read.rcode == OK and read.flags & TC
    # Only a client without EDNS gets the part of the answer that fits.
    assert bool(read.section("answer")) == (announced is None)
    assert len(reply) <= min(max(announced.klass if announced else 0, 512), 1232)


def check_forwarded(wire, reply, row, transport):
    check_answer(wire, reply, row.options)
    if transport == DOT and query_matrix.PADDING in row.options:
        assert len(reply) % 468 == 0


def check_local(wire, reply, row):
    read = check_reply(wire, reply, row.options)
    assert read.rcode == row.reaction
    if row.name.startswith("special-"):
        negative = [record.type for record in read.section("authority")] == [6]
        assert negative != bool(read.section("answer"))
    if query_matrix.COOKIE in row.options:
        [(_, cookie)] = read.opt.options
        assert len(cookie) == 24 and cookie[:8] == wire[-8:]


@pytest.mark.parametrize("transport", query_matrix.EVERYWHERE)
def test_without_rd_an_uncached_name_is_refused(matrix, transport):
    name = b"\7unasked" + ZONE
    with Peer(matrix.server, transport) as peer:
        wire = message(flags=0)(name)
        check_error(wire, peer.exchange(wire), query_matrix.REFUSED)


# The scenes of the stream rows: scene(peer, names, expected). `names` returns a new name at each
# call.


def two_in_one_segment(peer, names, expected):
    ask_at_once(peer, [message()(next(names)) for _ in range(2)], expected)


def pipeline_20(peer, names, expected):
    ask_at_once(peer, [message()(next(names)) for _ in range(20)], expected)


def dup_id_pipelined(peer, names, expected):
    ask_at_once(peer, [message()(next(names)) for _ in range(2)], expected)


def ask_at_once(peer, wires, expected):
    expected.update(map(question, wires))
    peer.send(*wires)
    left = {question(wire): wire for wire in wires}
    while left:
        reply = peer.read()
        assert reply is not None, f"{len(left)} of {len(wires)} without a reply"
        check_answer(left.pop(question(reply)), reply)


def out_of_order(peer, names, expected):
    slow, fast = (message()(b"\x04slow" + next(names)), message()(next(names)))
    expected.update((question(slow), question(fast)))
    peer.send(slow, fast)
    check_answer(fast, peer.read())
    check_answer(slow, peer.read())


def byte_at_a_time(peer, names, expected):
    wire = message()(next(names))
    expected.add(question(wire))
    for octet in frame(wire):
        peer.sock.sendall(bytes([octet]))
    check_answer(wire, peer.read())


def half_close(peer, names, expected):
    wire = message()(next(names))
    expected.add(question(wire))
    peer.send(wire)
    peer.sock.shutdown(socket.SHUT_WR)
    check_answer(wire, peer.read())
    assert peer.read() is None


def half_close_slow(peer, names, expected):
    half_close(peer, (b"\x04slow" + name for name in names), expected)


def length_0(peer, _names, _expected):
    peer.sock.sendall(frame(b""))
    assert peer.read() is None


def length_0_then_good(peer, names, _expected):
    peer.send(b"", message()(next(names)))
    assert peer.read() is None


def length_11(peer, names, _expected):
    peer.send(message()(next(names))[:11])
    assert peer.read() is None


def short_then_good(peer, names, _expected):
    peer.send(message()(next(names))[:11], message()(next(names)))
    assert peer.read() is None


def formerr_then_good(peer, names, expected):
    bad, good = message(b"\xc0\x0c")(b""), message()(next(names))
    expected.add(question(good))
    peer.send(bad, good)
    check_error(bad, peer.read(), FORMERR)
    check_answer(good, peer.read())


def qr1_then_good(peer, names, _expected):
    peer.send(message(flags=0x8180)(next(names)), message()(next(names)))
    assert peer.read() is None


def length_lie_close(peer, names, _expected):
    peer.sock.sendall(b"\1\xf4" + message()(next(names)))
    peer.sock.shutdown(socket.SHUT_WR)
    assert peer.read() is None


def a_65535_garbage(peer, _names, _expected):
    wire = struct.pack("!HH", ID, RD) + bytes(place * 7 % 256 for place in range(65531))
    check_error(wire, peer.exchange(wire), FORMERR)
    peer.check_control()


def big_response(peer, names, expected):
    wire = of_type(16)(b"\x09big-20000" + next(names))
    expected.add(question(wire))
    [text] = {len(reply) for reply in [peer.exchange(wire)]}
    assert text > 20000


def http_get(peer, _names, _expected):
    peer.sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    peer.sock.shutdown(socket.SHUT_WR)
    assert peer.read() is None


def dso_keepalive(peer, names, expected):
    dso = struct.pack("!6H", ID, 6 << 11, 0, 0, 0, 0) + struct.pack("!HHII", 1, 8, 15000, 15000)
    good = message()(next(names))
    expected.add(question(good))
    check_error(dso, peer.exchange(dso), NOTIMP)
    check_answer(good, peer.exchange(good))


SCENES = {function.__name__.removeprefix("a_"): function for function in (
    two_in_one_segment, pipeline_20, dup_id_pipelined, out_of_order, byte_at_a_time, half_close,
    half_close_slow, length_0, length_0_then_good, length_11, short_then_good, formerr_then_good,
    qr1_then_good, length_lie_close, a_65535_garbage, big_response, http_get, dso_keepalive)}


@pytest.mark.parametrize("row, transport", [case for case in CASES if case[0].scene],
                         ids=lambda value: getattr(value, "name", value))
def test_stream(matrix, row, transport):
    number = iter(range(100))
    names = (b"\1" + bytes([97 + next(number)]) + own_name(row, transport) for _ in range(100))
    with Peer(matrix.server, transport) as peer:
        SCENES[row.scene](peer, names, matrix.expected)


def test_only_allowed_queries_were_forwarded(matrix):
    """Runs after all other tests: sends a last query and checks the list of questions that the
    provider received.
    """
    last = message()(b"\4last" + ZONE)
    with Peer(matrix.server, DOT) as peer:
        check_answer(last, peer.exchange(last))
    assert set(matrix.provider.questions) == matrix.expected | {question(last)}
    # Only our own query was sent, padded to a multiple of 128 octets.
    assert {length % 128 for length in matrix.provider.lengths} == {0}
