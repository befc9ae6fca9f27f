# SPDX-License-Identifier: Apache-2.0
"""A DoT provider in its own process, with real TLS. The first label of a name selects its reaction.

`hang...` gets no response, `slow...` one after 300 ms, `late...` one after 1.5 s, `big...` 60,000
octets of text, and every other name one A record at once. Counts the queries of each kind.
"""

import asyncio
import collections
import multiprocessing
import os
import ssl
import struct

ADDRESS = "127.0.0.1"
DELAYS = {b"slow": 0.3, b"late": 1.5}  # Seconds.
KINDS = (b"hang", b"slow", b"late", b"big")
BIG_OCTETS = 60000


class Provider:
    """Serves at 127.0.0.1:`port` until stop()."""

    def __init__(self, certificate, key, yields=True):
        """A real provider has its own machine. One that yields runs only when no other process wants to."""
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_run, args=(certificate, key, theirs, yields),
                                                daemon=True)
        self._process.start()
        theirs.close()
        self.port = self._pipe.recv()

    def counts(self):
        """Returns the queries by kind (`hang`, `slow`, `late`, `big`, `other`) and the `connections` since
        the start.
        """
        self._pipe.send(None)
        return self._pipe.recv()

    def stop(self):
        self._process.kill()
        self._process.join()


class ClassicProvider:
    """The same over UDP without TLS, for a private zone."""

    def __init__(self):
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_run_classic, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.port = self._pipe.recv()

    def stop(self):
        self._process.kill()
        self._process.join()


def _run_classic(pipe):
    asyncio.run(_serve_classic(pipe))


async def _serve_classic(pipe):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(loop), (ADDRESS, 0))
    pipe.send(transport.get_extra_info("sockname")[1])
    await asyncio.Event().wait()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, loop):
        self._loop, self._transport = loop, None

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, query, peer):
        kind = kind_of(query)
        if kind == b"hang":
            return
        reply = reply_to(query, False)[2:]
        self._loop.call_later(DELAYS.get(kind, 0), self._transport.sendto, reply, peer)


def kind_of(query):
    return next((kind for kind in KINDS if query.startswith(kind, 13)), b"other")


def _run(certificate, key, pipe, yields):
    if yields:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    asyncio.run(_serve(certificate, key, pipe))


async def _serve(certificate, key, pipe):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["dot"])
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # Connections that end at once are expected.
    counts = collections.Counter()
    server = await loop.create_server(lambda: _Conversation(loop, counts), ADDRESS, 0, ssl=context,
                                      backlog=1000)
    pipe.send(server.sockets[0].getsockname()[1])
    asked = asyncio.Queue()
    loop.add_reader(pipe.fileno(), lambda: asked.put_nowait(pipe.recv()))
    while True:
        await asked.get()
        pipe.send(dict(counts))


class _Conversation(asyncio.Protocol):
    def __init__(self, loop, counts):
        self._loop, self._counts = loop, counts
        self._input, self._transport = bytearray(), None

    def connection_made(self, transport):
        self._transport = transport
        self._counts["connections"] += 1

    def data_received(self, data):
        octets = self._input
        octets += data
        at, replies = 0, []
        while len(octets) - at >= 2:
            end = at + 2 + (octets[at] << 8 | octets[at + 1])
            if end > len(octets):
                break
            self._take(bytes(octets[at + 2:end]), replies)
            at = end
        del octets[:at]
        if replies:
            self._transport.write(b"".join(replies))

    def _take(self, query, replies):
        kind = kind_of(query)
        self._counts[kind.decode()] += 1
        if kind == b"hang":
            return
        reply = reply_to(query, kind == b"big")
        if kind in DELAYS:
            self._loop.call_later(DELAYS[kind], self._transport.write, reply)
        else:
            replies.append(reply)


def reply_to(query, big):
    end = query.index(b"\0", 12) + 5
    records = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\xcb\0\x71\1"
    if big:
        strings = (b"\xff" + b"x" * 255) * (BIG_OCTETS // 256)
        records = b"\xc0\x0c\0\x10\0\1\0\0\x0e\x10" + struct.pack("!H", len(strings)) + strings
    message = query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + records
    return struct.pack("!H", len(message)) + message
