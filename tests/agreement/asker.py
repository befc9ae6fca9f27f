# SPDX-License-Identifier: Apache-2.0
"""Sends many pipelined queries to one server, from its own process."""

import multiprocessing
import os
import select
import socket
import ssl
import struct
import time

ADDRESS = "127.0.0.1"
TRANSPORTS = ("udp", "tcp", "dot")
UDP_WINDOW = 100
# BIND 9.18 stops reading from a connection with 23 pending queries.
STREAM_WINDOW = 20
UDP_PATIENCE_SECONDS = 3
UDP_TRIES = 4
STREAM_PATIENCE_SECONDS = 20
STREAM_TRIES = 4
OPT_FLAG_DO = 0x8000


def encode(message_id, question, payload, dnssec_ok):
    """Returns a query, without EDNS if `payload` is 0."""
    query = struct.pack("!6H", message_id, 0x0100, 1, 0, 0, 1 if payload else 0) + question
    if payload:
        query += b"\0" + struct.pack("!HHIH", 41, payload, OPT_FLAG_DO if dnssec_ok else 0, 0)
    return query


class Asker:
    """One server. Replies are matched by ID only; the comparison checks the question."""

    def __init__(self, classic_port, dot_port, auth_name, ca_file):
        self.ports = {"udp": classic_port, "tcp": classic_port, "dot": dot_port}
        self.auth_name = auth_name
        self.context = ssl.create_default_context(cafile=ca_file)

    def ask(self, transport, queries):
        """Returns the replies to these queries, which have IDs 0, 1, ..., or None where there was
        none.
        """
        return self._ask_udp(queries) if transport == "udp" else self._ask_stream(transport, queries)

    def _ask_udp(self, queries):
        replies = [None] * len(queries)
        waiting, left, tries = {}, list(range(len(queries)))[::-1], [0] * len(queries)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.connect((ADDRESS, self.ports["udp"]))
            sock.setblocking(False)
            while left or waiting:
                while left and len(waiting) < UDP_WINDOW:
                    number = left.pop()
                    tries[number] += 1
                    waiting[number] = time.monotonic()
                    sock.send(queries[number])
                if not select.select([sock], [], [], 0.5)[0]:
                    late = time.monotonic() - UDP_PATIENCE_SECONDS
                    for number in [n for n, sent in waiting.items() if sent < late]:
                        del waiting[number]
                        if tries[number] < UDP_TRIES:
                            left.append(number)
                    continue
                while True:
                    try:
                        reply = sock.recv(65535)
                    except BlockingIOError:
                        break
                    number = int.from_bytes(reply[:2], "big")
                    if waiting.pop(number, None) is not None:
                        replies[number] = reply
        return replies

    def _connect(self, transport):
        sock = socket.create_connection((ADDRESS, self.ports[transport]),
                                        timeout=STREAM_PATIENCE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if transport == "dot":
            sock = self.context.wrap_socket(sock, server_hostname=self.auth_name)
        return sock

    def _ask_stream(self, transport, queries):
        """Repeats the queries that a closed connection left without a reply, over a new connection.
        """
        replies = [None] * len(queries)
        for _ in range(STREAM_TRIES):
            left = [number for number, reply in enumerate(replies) if reply is None]
            if not left:
                break
            before = len(left)
            while left:
                try:
                    with self._connect(transport) as sock:
                        self._converse(sock, queries, left, replies)
                except OSError:
                    pass
                left = [number for number in left if replies[number] is None]
                if len(left) == before:
                    break  # The connection gave no reply, so this attempt failed.
                before = len(left)
        return replies

    @staticmethod
    def _converse(sock, queries, numbers, replies):
        buffer, sent, received = bytearray(), 0, 0
        while received < len(numbers):
            if sent < len(numbers) and sent - received <= STREAM_WINDOW // 2:
                upto = min(len(numbers), received + STREAM_WINDOW)
                sock.sendall(b"".join(len(queries[n]).to_bytes(2, "big") + queries[n]
                                      for n in numbers[sent:upto]))
                sent = upto
            # unbound's next reply waits for the ACK of its last one.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = sock.recv(1 << 18)
            if not part:
                return
            buffer += part
            at = 0
            while len(buffer) - at >= 2:
                end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
                if end > len(buffer):
                    break
                replies[buffer[at + 2] << 8 | buffer[at + 3]] = bytes(buffer[at + 2:end])
                received += 1
                at = end
            del buffer[:at]


class AskerProcess:
    """An Asker in its own process. ask() sends the queries; replies() waits."""

    def __init__(self, *arguments):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self._serve, args=(theirs, arguments),
                                               daemon=True)
        self.process.start()
        theirs.close()

    @staticmethod
    def _serve(pipe, arguments):
        asker, owner = Asker(*arguments), os.getppid()
        while os.getppid() == owner:
            if not pipe.poll(1):
                continue
            if (work := pipe.recv()) is None:
                break
            transports, queries = work
            pipe.send({transport: asker.ask(transport, queries) for transport in transports})

    def ask(self, transports, queries):
        self.pipe.send((transports, queries))

    def replies(self):
        return self.pipe.recv()

    def stop(self):
        self.pipe.send(None)
        self.process.join()
