# SPDX-License-Identifier: Apache-2.0
"""What is broken gets the right error or silence, and the next query its answer."""

import os
import random
import socket
import struct

import dns.message
import dns.rcode
import pytest

from ask import ADDRESS, ask, connect, frame, read_message

NAME = b"\3www\3lab\7example\0"
A_IN = b"\0\1\0\1"
OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)


def message(question=NAME + A_IN, flag_bits=0x0100, qd=1, an=0, ns=0, ar=0, rest=b""):
    return struct.pack("!6H", 0x4242, flag_bits, qd, an, ns, ar) + question + rest


def option(code, data):
    return struct.pack("!HH", code, len(data)) + data


def opt(options=b"", ttl=0, owner=b"\0"):
    return owner + struct.pack("!HHIH", 41, 1232, ttl, len(options)) + options


ANSWERED_WITH = {
    "header alone": (message(b"", qd=0), "FORMERR"),
    "no question but one announced": (message(b""), "FORMERR"),
    "two questions": (message(2 * (NAME + A_IN), qd=2), "FORMERR"),
    "65535 questions": (message(qd=65535), "FORMERR"),
    "cut in the name": (message(b"\3www\3la"), "FORMERR"),
    "cut after the type": (message(NAME + b"\0\1"), "FORMERR"),
    "label type 0x40": (message(b"\x41x\0" + A_IN), "FORMERR"),
    "label type 0x80": (message(b"\x81x\0" + A_IN), "FORMERR"),
    "pointer to itself": (message(b"\xc0\x0c" + A_IN), "FORMERR"),
    "pointer to the header": (message(b"\xc0\x00" + A_IN), "FORMERR"),
    "pointer past the end": (message(b"\xc0\xff" + A_IN), "FORMERR"),
    "name of 256 octets": (message(3 * (b"\x3f" + 63 * b"a") + b"\x3e" + 62 * b"a" + b"\0" + A_IN),
                           "FORMERR"),
    "record announced and missing": (message(ar=1), "FORMERR"),
    "65535 answers announced": (message(an=65535), "FORMERR"),
    "two OPTs": (message(ar=2, rest=2 * OPT), "FORMERR"),
    "OPT with a name": (message(ar=1, rest=opt(owner=b"\1x\0")), "FORMERR"),
    "OPT in the answer section": (message(an=1, rest=OPT), "FORMERR"),
    "OPT longer than the message": (message(ar=1, rest=OPT[:-2] + b"\0\x40"), "FORMERR"),
    "option longer than its OPT": (message(ar=1, rest=opt(b"\0\x0a\0\x20abcd")), "FORMERR"),
    "option header cut": (message(ar=1, rest=opt(b"\0\x0a\0")), "FORMERR"),
    "cookie of 7 octets": (message(ar=1, rest=opt(option(10, b"x" * 7))), "FORMERR"),
    "EDNS version 1": (message(ar=1, rest=opt(ttl=1 << 16)), "BADVERS"),
    "EDNS version 255": (message(ar=1, rest=opt(ttl=255 << 16)), "BADVERS"),
    "opcode IQUERY": (message(flag_bits=0x0900), "NOTIMP"),
    "opcode STATUS": (message(flag_bits=0x1100), "NOTIMP"),
    "opcode NOTIFY": (message(flag_bits=0x2100), "NOTAUTH"),
    "opcode UPDATE": (message(flag_bits=0x2900), "NOTAUTH"),
    "opcode 15": (message(flag_bits=0x7900), "NOTIMP"),
    "AXFR": (message(NAME + b"\0\xfc\0\1"), "NOTIMP REFUSED"),
    "IXFR": (message(NAME + b"\0\xfb\0\1"), "NOTIMP REFUSED"),
    "QTYPE OPT": (message(NAME + b"\0\x29\0\1"), "FORMERR NOTIMP REFUSED"),
    "QTYPE 0": (message(NAME + b"\0\0\0\1"), "FORMERR NOTIMP REFUSED"),
    "class CH": (message(NAME + b"\0\x10\0\3"), "REFUSED NOTIMP"),
    "class NONE": (message(NAME + b"\0\1\0\xfe"), "REFUSED NOTIMP FORMERR"),
    "class 0": (message(NAME + b"\0\1\0\0"), "REFUSED NOTIMP FORMERR"),
}
DROPPED = {
    "nothing": b"", "one octet": b"\0", "eleven octets": message()[:11],
    "a response": message(flag_bits=0x8180), "a NOTIFY response": message(flag_bits=0xa000),
}


def exchange(sock, wire):
    """The reply over UDP, or None when there is none before that to an ordinary query."""
    marker = os.urandom(2)
    sock.send(wire)
    sock.send(marker + message()[2:])
    replies = [sock.recv(65535)]
    if replies[0][:2] != marker:
        return replies[0]
    return None


@pytest.fixture
def udp(server):
    ask(server, "www.lab.example.")  # In the cache from now on: its reply overtakes nothing.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((ADDRESS, server.port))
        yield sock


@pytest.mark.parametrize("case", ANSWERED_WITH)
def test_error_over_udp(server, udp, case):
    wire, rcodes = ANSWERED_WITH[case]
    asked = server.metric("dotcache_upstream_queries_total")
    reply = exchange(udp, wire)
    assert reply is not None, "dropped"
    check_error(wire, reply, rcodes)
    assert server.metric("dotcache_upstream_queries_total") == asked


def check_error(wire, reply, rcodes):
    assert reply[:2] == wire[:2]
    assert reply[2] & 0xf8 == 0x80 | wire[2] & 0x78  # QR, and the opcode of the query.
    # As a response to opcode QUERY: dnspython does not read those of all opcodes.
    parsed = dns.message.from_wire(reply[:2] + bytes([reply[2] & 0x87]) + reply[3:])
    assert dns.rcode.to_text(parsed.rcode()) in rcodes.split()
    assert not parsed.answer and not parsed.authority
    assert len(reply) <= len(wire)


@pytest.mark.parametrize("case", DROPPED)
def test_silence_over_udp(udp, case):
    assert exchange(udp, DROPPED[case]) is None


@pytest.mark.parametrize("transport", ["tcp", "dot"])
@pytest.mark.parametrize("case", ANSWERED_WITH)
def test_error_on_a_stream_that_stays_open(server, transport, case):
    wire, rcodes = ANSWERED_WITH[case]
    with connect(server, transport) as sock:
        sock.sendall(frame(wire))
        check_error(wire, read_message(sock), rcodes)
        sock.sendall(frame(message()))
        reply = dns.message.from_wire(read_message(sock))
        assert reply.rcode() == dns.rcode.NOERROR and reply.answer


@pytest.mark.parametrize("transport", ["tcp", "dot"])
@pytest.mark.parametrize("case", DROPPED)
def test_a_broken_frame_ends_the_stream(server, transport, case):
    with connect(server, transport) as sock:
        sock.sendall(frame(DROPPED[case]))
        assert read_message(sock) is None


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"])
def test_another_protocol_on_the_tcp_port_harms_nobody(server, first):
    with socket.create_connection((ADDRESS, server.port)) as sock:
        sock.sendall(first)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
    assert ask(server, "www.lab.example.", transport="tcp").answer


def test_clear_text_on_the_dot_port_gets_no_dns(server):
    with socket.create_connection((ADDRESS, server.dot_port), timeout=15) as sock:
        sock.sendall(frame(message()))
        received = b""
        try:
            while part := sock.recv(4096):
                received += part
        except ConnectionError:
            pass
    assert b"example" not in received


def test_ten_thousand_damaged_queries_do_not_stop_it(server):
    """Octets of real queries, changed at random but the same in every run."""
    chosen = random.Random(7)
    originals = [wire for wire, _ in ANSWERED_WITH.values()] + [message(ar=1, rest=OPT)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((ADDRESS, server.port))
        for number in range(10000):
            wire = bytearray(chosen.choice(originals))
            for _ in range(chosen.randint(1, 4)):
                wire[chosen.randrange(len(wire))] = chosen.randrange(256)
            sock.send(wire[:chosen.randint(0, len(wire))] if chosen.random() < 0.2 else wire)
            if number % 100 == 0:  # Not faster than it reads.
                assert ask(server, "www.lab.example.").answer
    assert ask(server, "after.fresh.lab.example.").answer
    assert server.process.poll() is None
