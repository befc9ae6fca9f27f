# SPDX-License-Identifier: Apache-2.0
"""Clients that count and measure replies over UDP, TCP and DoT."""

import dataclasses
import multiprocessing
import selectors
import socket
import ssl
import struct
import time

ADDRESS = "127.0.0.1"
SO_TIMESTAMPNS = 35  # From asm-generic/socket.h. Python's socket module does not have it.
TIMEOUT_SECONDS = 5.0
ZONE = b"\x06limits\x07example\0"


def query(label, identifier, qtype=1):
    label = label.encode()
    return (struct.pack("!6H", identifier, 0x0100, 1, 0, 0, 1) + bytes((len(label),)) + label + ZONE +
            struct.pack("!HH", qtype, 1) + b"\0\0\x29\x04\xd0\0\0\0\0\0\0")


def frame(message):
    return struct.pack("!H", len(message)) + message


def is_answer(reply):
    """True for NOERROR with an answer, or with TC."""
    return reply[3] & 15 == 0 and (reply[7] > 0 or reply[2] & 2 != 0)


@dataclasses.dataclass
class Outcome:
    asked: int = 0
    times_ms: list = dataclasses.field(default_factory=list)  # Of the answered queries.
    errors: int = 0

    @property
    def unanswered(self):
        return self.asked - len(self.times_ms)

    def percentile(self, share):
        values = sorted(self.times_ms)
        return values[min(len(values) - 1, int(len(values) * share))] if values else float("inf")


class UdpClients:
    """Many sockets, so that the kernel spreads the queries over the workers.

    A time ends when the reply reaches the socket, by the kernel's clock. The time that this process
    then waits for a processor does not count.
    """

    def __init__(self, port, sockets=16, source=ADDRESS):
        self._selector = selectors.DefaultSelector()
        self.sockets = []
        for _ in range(sockets):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.bind((source, 0))
            client.connect((ADDRESS, port))
            client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            client.setblocking(False)
            self._selector.register(client, selectors.EVENT_READ)
            self.sockets.append(client)
        self._sent = {}  # (socket, ID): (when, outcome).

    def send(self, number, label, outcome):
        client = self.sockets[number % len(self.sockets)]
        identifier = number // len(self.sockets) & 0xffff
        self._sent[client, identifier] = (time.time_ns(), outcome)
        outcome.asked += 1
        client.send(query(label, identifier))

    def receive(self, until):
        while True:
            left = until - time.monotonic()
            ready = self._selector.select(max(left, 0))
            for key, _ in ready:
                self._read(key.fileobj)
            if not ready and left <= 0:
                return

    def _read(self, client):
        while True:
            try:
                reply, ancillary, _, _ = client.recvmsg(65535, 64)
            except (BlockingIOError, ConnectionRefusedError):
                return
            seconds, nanoseconds = struct.unpack("@qq", ancillary[0][2])
            sent, outcome = self._sent.pop((client, struct.unpack("!H", reply[:2])[0]), (0, None))
            if outcome is None:
                continue
            if is_answer(reply):
                outcome.times_ms.append((seconds * 10**9 + nanoseconds - sent) / 1e6)
            else:
                outcome.errors += 1

    def wait(self):
        """Waits until all queries have a reply, for 5 s at most."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while self._sent and time.monotonic() < end:
            self.receive(min(end, time.monotonic() + 0.02))

    def close(self):
        self._selector.close()
        for client in self.sockets:
            client.close()


def ask_at_rates(port, seconds, streams, source=ADDRESS):
    """Sends `streams` of queries, each (labels by number, per second). Returns an Outcome for each.
    """
    clients = UdpClients(port, source=source)
    outcomes = [Outcome() for _ in streams]
    began = time.monotonic()
    sent, number = [0] * len(streams), 0
    while (now := time.monotonic()) - began < seconds:
        due = []
        for index, (label, rate) in enumerate(streams):
            while began + sent[index] / rate <= now:
                clients.send(number, label(sent[index]), outcomes[index])
                sent[index] += 1
                number += 1
            due.append(began + sent[index] / rate)
        clients.receive(min(due))
    clients.wait()
    clients.close()
    return outcomes


class Flood:
    """Sends queries for names that no provider answers, at a steady rate and from its own process.
    """

    def __init__(self, port, per_second, source):
        self._process = multiprocessing.Process(target=self._send, args=(port, per_second, source),
                                                daemon=True)
        self._process.start()

    @staticmethod
    def _send(port, per_second, source):
        clients = UdpClients(port, source=source)
        began, number, ignored = time.monotonic(), 0, Outcome()
        while True:
            while began + number / per_second <= time.monotonic():
                clients.send(number, f"hang{number}-{source.replace('.', '-')}", ignored)
                number += 1
            clients.receive(time.monotonic() + 0.0005)  # Evenly, like many clients.

    def stop(self):
        self._process.kill()
        self._process.join()


def tls_context(ca_file):
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols(["dot"])
    return context


class StreamClient:
    """One TCP connection, or a DoT connection if `context` and `name` are given."""

    def __init__(self, port, context=None, name=None, receive_buffer=0, source=ADDRESS):
        self.socket = socket.socket()
        self.socket.settimeout(TIMEOUT_SECONDS)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.bind((source, 0))
        self.socket.connect((ADDRESS, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def send(self, octets):
        self.socket.sendall(octets)

    def read(self):
        """Returns the next message, or b"" at the end of the stream."""
        head = self._read_exactly(2)
        return self._read_exactly(struct.unpack("!H", head)[0]) if head else b""

    def _read_exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                return b""
            data += piece
        return data

    def close(self):
        self.socket.close()
