# SPDX-License-Identifier: Apache-2.0
"""The common part of the DoT servers of these tests: a listener, TLS and a thread."""

import asyncio
import ssl
import struct
import threading


class DotServer:
    """Listens on a free port of 127.0.0.1 between __enter__ and __exit__, on its own thread. A
    subclass defines `_serve(reader, writer)`, which handles a connection after its handshake.
    """

    def __init__(self, certificate, key, client_ca=None):
        """With `client_ca`, clients must present a certificate of that CA."""
        self.connections = 0  # Accepted TCP connections.
        self.open = 0  # Open connections.
        self.port = 0
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
        """Uses this certificate for new connections. Earlier sessions are not resumed."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self._client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if self._client_ca else ssl.CERT_NONE
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["dot"])
        self._context = context

    def hang_up(self):
        """Closes the open connections."""
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])

    async def _run(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda *_: None)  # Failed handshakes are expected.
        listening = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=256)
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        listening.close()

    async def _accept(self, reader, writer):
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


async def read_framed(reader):
    """Returns the next message of the stream."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


def write_framed(writer, message):
    writer.write(struct.pack("!H", len(message)) + message)
