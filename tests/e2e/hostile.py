# SPDX-License-Identifier: Apache-2.0
"""Hostile messages by seed: the fuzz corpora, shapes that are expensive to parse, and mutations of
both.
"""

import os
import pathlib
import random
import select
import socket
import ssl
import struct

import strict_message
from ask import ADDRESS, connect, frame, read_message

CORPORA = pathlib.Path(__file__).resolve().parents[1] / "fuzz/corpus"
MARKER = b"\3www\3lab\7example\0\0\1\0\1"  # A name that is in the cache.
OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
BATCH = 40
PATIENCE_SECONDS = 5


def header(flags=0x0100, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!6H", 0, flags, qd, an, ns, ar)


def shapes():
    """Returns pointer loops and chains, and many options, OPTs, TSIGs, labels and questions."""
    def flood(record, size=512):
        count = (size - 12 - len(MARKER)) // len(record)
        return header(ar=count) + MARKER + count * record

    tsig = b"\0\0\xfa\0\xff\0\0\0\0\0\x10" + bytes(16)
    options = b"\0\0\x29\x04\xd0\0\0\0\0\1\x90" + 100 * b"\xfd\xe9\0\0"
    chain = b"".join(struct.pack("!H", 0xc000 | target) for target in range(12, 500, 2))
    small = [
        header() + b"\xc0\x0c\0\1\0\1", header() + b"\xc0\x0e\xc0\x0c\0\1\0\1",
        header() + b"\1x" + chain, header() + 127 * b"\1x" + b"\0\0\1\0\1",
        header() + 250 * b"\1x", header(qd=20) + 20 * MARKER, header(ar=1) + MARKER + options,
        flood(tsig), flood(OPT), flood(b"\0\0\x10\0\1\0\0\0\0\0\1\0"),
        header(0x8180, an=65535) + MARKER, header(ar=65535) + MARKER,
    ]
    large = [flood(record, 65000) for record in (tsig, OPT, b"\0\0\1\0\1\0\0\0\0\0\0")] + [
        header(ar=1) + MARKER + b"\0\0\x10\0\1\0\0\0\0\xf0\0" + bytes(0xf000),
        header() + 32000 * b"\xc0\x0c", header(ar=1) + MARKER + OPT[:-2] + b"\xf0\0" + bytes(0xf000)]
    return small, large


class Messages:
    """An endless sequence of messages. The same seed gives the same sequence."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.small, self.large = shapes()
        for kind in ("query", "query", "response"):  # Twice as many queries as responses.
            for file in sorted((CORPORA / kind).iterdir()):
                octets = file.read_bytes()
                (self.small if len(octets) <= 512 else self.large).append(octets)

    def next(self, large=0.0, closing=0.0):
        """Returns one message. `large` and `closing` are the probabilities that it has over 512
        octets, or ends a stream.
        """
        while True:
            octets = self.random.choice(self.large if self.random.random() < large else self.small)
            octets = bytearray(octets[:65535])
            if self.random.random() < 0.7:
                self.mutate(octets)
            ends_stream = len(octets) < 12 or octets[2] & 0x80
            if not ends_stream or self.random.random() < closing:
                return bytes(octets)

    def mutate(self, octets, begin=0):
        for _ in range(self.random.randint(1, 4)):
            if len(octets) <= begin:
                return
            at = self.random.randrange(begin, len(octets))
            change = self.random.randrange(6)
            if change == 0:
                octets[at] = self.random.randrange(256)
            elif change == 1:
                octets[at] ^= 1 << self.random.randrange(8)
            elif change == 2:
                octets[at] = (octets[at] + self.random.choice((1, 255))) % 256
            elif change == 3:
                del octets[at:]
            elif change == 4:
                octets[at:at] = self.random.randbytes(self.random.randint(1, 8))
            else:
                del octets[at:at + self.random.randint(1, 8)]


def marker(number):
    """Returns a query whose answer is cached, so its reply comes after the errors of all earlier
    messages.
    """
    return struct.pack("!H", number % 65536) + header()[2:] + MARKER


def send_over_udp(server, messages, count):
    """Sends messages in batches and checks every reply. Returns the number of replies."""
    replies = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.connect((ADDRESS, server.port))
        for begin in range(0, count, BATCH):
            for _ in range(min(BATCH, count - begin)):
                sock.send(messages.next()[:60000])
            last = marker(begin)
            sock.send(last)
            while True:
                assert select.select([sock], [], [], PATIENCE_SECONDS)[0], "no reply any more"
                reply = sock.recv(65535)
                strict_message.parse_reply(reply)
                replies += 1
                if reply[:2] == last[:2] and reply[12:12 + len(MARKER)] == MARKER:
                    break
    return replies


def send_over_stream(server, transport, messages, count):
    """Like send_over_udp(), over connections, each until the server closes it."""
    replies, sent, sock = 0, 0, None
    while sent < count:
        sock = sock or connect(server, transport)
        batch = [messages.next(large=0.02, closing=0.02) for _ in range(min(BATCH, count - sent))]
        last = marker(sent)
        sent += len(batch)
        try:
            sock.sendall(b"".join(frame(message) for message in (*batch, last)))
            while (reply := read_message(sock)) is not None:
                strict_message.parse_reply(reply)
                replies += 1
                if reply[:2] == last[:2] and reply[12:12 + len(MARKER)] == MARKER:
                    break
        except (ConnectionError, ssl.SSLError):
            reply = None  # The server closed the connection while we wrote.
        except socket.timeout:
            raise AssertionError("no reply any more") from None
        if reply is None:
            sock.close()
            sock = None
    if sock:
        sock.close()
    return replies


def resident_kib(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def is_sanitized(binary):
    return b"__asan_init" in pathlib.Path(binary).read_bytes() or "tsan" in os.fspath(binary)
