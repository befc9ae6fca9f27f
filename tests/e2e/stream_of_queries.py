# SPDX-License-Identifier: Apache-2.0
"""A steady stream of queries in the background, with a count of the replies."""

import asyncio
import itertools
import threading
import time

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode

from ask import ADDRESS, frame, query, trust

# After a time without a processor, the queries of that time are sent at once. So many are far below
# one client's share of the places in which queries wait.
MOST_AT_ONCE = 64
PATIENCE_SECONDS = 5  # The patience of a stub resolver. The server's own deadline is shorter.


class StreamOfQueries:
    """Queries new names at a steady rate until the `with` block ends. `failed` lists the failures.
    """

    def __init__(self, server, label, per_second=50, transports=("udp",)):
        self.server, self.label, self.per_second = server, label, per_second
        self.transports = itertools.cycle(transports)
        self.sent, self.answered, self.failed, self.slowest = 0, 0, [], 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def wait_for_answers(self, count, limit_seconds=60):
        """Waits until `count` more queries have been answered or have failed."""
        target = self.answered + len(self.failed) + count
        deadline = time.monotonic() + limit_seconds
        while self.answered + len(self.failed) < target:
            assert time.monotonic() < deadline, f"{self.summary()}, waiting for {count} more"
            time.sleep(0.02)

    def summary(self):
        return (f"{self.sent} sent, {self.answered} answered, slowest {self.slowest:.2f} s, "
                f"{len(self.failed)} failed: {self.failed[:5]}")

    async def _run(self):
        tasks = set()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        began = time.monotonic()
        while not self._stop.is_set():
            await self._places.acquire()
            tasks.add(asyncio.create_task(self._ask(self.sent, next(self.transports))))
            self.sent += 1
            await asyncio.sleep(max(0, began + self.sent / self.per_second - time.monotonic()))
        await asyncio.gather(*tasks)

    async def _ask(self, number, transport):
        name = f"{self.label}-{number}.fresh.lab.example."
        began = time.monotonic()
        try:
            reply = await send_async(self.server, query(name), transport)
            if reply.rcode() != dns.rcode.NOERROR or not reply.answer:
                raise dns.exception.DNSException(dns.rcode.to_text(reply.rcode()))
            self.answered += 1
        except (dns.exception.DNSException, OSError, EOFError, asyncio.TimeoutError) as error:
            self.failed.append(f"{name} over {transport}: {error!r}")
        finally:
            self._places.release()
        self.slowest = max(self.slowest, time.monotonic() - began)


async def send_async(server, message, transport):
    """Sends queries over its own socket."""
    if transport == "udp":
        return await dns.asyncquery.udp(message, ADDRESS, PATIENCE_SECONDS, server.port)
    reader, writer = await open_stream(server, transport)
    try:
        return await exchange(reader, writer, message)
    finally:
        writer.close()


async def open_stream(server, transport):
    """Returns (reader, writer) of a TCP or DoT connection."""
    if transport == "tcp":
        return await asyncio.open_connection(ADDRESS, server.port)
    return await asyncio.wait_for(asyncio.open_connection(
        ADDRESS, server.dot_port, ssl=trust(str(server.ca_file)),
        server_hostname=server.auth_name), PATIENCE_SECONDS)


async def exchange(reader, writer, message):
    """Sends one query and returns its reply. Raises asyncio.IncompleteReadError if the server ends
    the connection.
    """
    writer.write(frame(message.to_wire()))
    length = await asyncio.wait_for(reader.readexactly(2), PATIENCE_SECONDS)
    wire = await asyncio.wait_for(reader.readexactly(int.from_bytes(length, "big")),
                                  PATIENCE_SECONDS)
    reply = dns.message.from_wire(wire)
    if not message.is_response(reply):
        raise dns.exception.FormError("not the reply to this query")
    return reply
