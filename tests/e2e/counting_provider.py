# SPDX-License-Identifier: Apache-2.0
"""A DoT server that answers every query with 203.0.113.1 and counts what reaches it."""

import asyncio
import ssl
import struct
import threading


class CountingProvider:
    """Serves from a thread of its own between __enter__ and __exit__."""

    def __init__(self, certificate, key, client_ca=None):
        """With `client_ca` clients must show a certificate of that CA."""
        self.connections = 0  # TCP connections.
        self.queries = 0
        self.lengths = []  # Of each query, in octets.
        self.port = 0
        self.open = 0  # Of them, those that are.
        self._writers = set()
        self._client_ca = client_ca
        self.use_certificate(certificate, key)
        self._loop, self._stop = None, None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def use_certificate(self, certificate, key):
        """For connections to come. No session of before is resumed."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self._client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if self._client_ca else ssl.CERT_NONE
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["dot"])
        self._context = context

    def hang_up(self):
        """Closes the connections that are open."""
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])

    async def _run(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda *_: None)  # Failed handshakes are expected.
        listening = await asyncio.start_server(self._count, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        listening.close()

    async def _count(self, reader, writer):
        self.connections += 1
        self.open += 1
        self._writers.add(writer)
        try:
            await writer.start_tls(self._context)
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()

    async def _serve(self, reader, writer):
        while True:
            length = struct.unpack("!H", await reader.readexactly(2))[0]
            message = await reader.readexactly(length)
            self.queries += 1
            self.lengths.append(length)
            question_end = message.index(b"\0", 12) + 5
            reply = (message[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + message[12:question_end] +
                     b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\1")
            writer.write(struct.pack("!H", len(reply)) + reply)
