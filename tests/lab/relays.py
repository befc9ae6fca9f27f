# SPDX-License-Identifier: Apache-2.0
"""Relays on loopback whose target can be changed, like NAT and redirects."""

import asyncio
import collections
import contextlib
import socket
import threading

import dns.message

ADDRESS = "127.0.0.1"


class DatagramRelay:
    """Passes datagrams to 127.0.0.1:`target` and back, and counts the queries by name."""

    def __init__(self, target=0):
        self.target = target  # 0 if there is no server.
        self.names = collections.Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self._socket.close()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(65535)
                self.names[str(dns.message.from_wire(query).question[0].name)] += 1
                threading.Thread(target=self._pass, args=(query, client), daemon=True).start()

    def _pass(self, query, client):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.settimeout(10)
            there.connect((ADDRESS, self.target))
            there.send(query)
            self._socket.sendto(there.recv(65535), client)


class StreamRelay:
    """Passes the octets of connections to `address` on to 127.0.0.1:`target` and back. Does not
    look into TLS.
    """

    def __init__(self, target=0, address=ADDRESS):
        self._target = target
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, address, 0), self._loop).result()
        self.port = server.sockets[0].getsockname()[1]

    def turn_to(self, target):
        """Sends new connections to `target` and closes the old ones."""
        self._target = target
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])

    def close(self):
        asyncio.run_coroutine_threadsafe(self._cancel_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _cancel_all(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        try:
            there_reader, there_writer = await asyncio.open_connection(ADDRESS, self._target)
        except OSError:
            writer.close()
            return
        both = {writer, there_writer}
        self._writers |= both
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        self._writers -= both


async def _copy(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
