# SPDX-License-Identifier: Apache-2.0
"""A DoT server that answers according to the first label of the name, and records its questions."""

import asyncio
import struct

from counting_provider import CountingProvider
from dot_server import write_framed

SLOW_SECONDS = 0.3
ADDRESS_RDATA = b"\xc6\x33\x64\x07"  # 198.51.100.7


class ScriptedProvider(CountingProvider):
    """A and ANY get `address`, TXT a text, other types NODATA. `big-N...` has N octets of text, and
    `slow...` is answered late.
    """

    def __init__(self, certificate, key):
        super().__init__(certificate, key)
        self.address = ADDRESS_RDATA
        self.ttl = 300
        self.questions = []  # (QNAME in lower case, QTYPE, QCLASS), in order.
        self._tasks = set()

    async def _serve(self, reader, writer):
        while True:
            task = asyncio.create_task(self._answer(await self._next_query(reader), writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message, writer):
        end = 12
        while message[end]:
            end += 1 + message[end]
        qtype, qclass = struct.unpack("!HH", message[end + 1:end + 5])
        qname = message[12:end + 1]
        self.questions.append((qname.lower(), qtype, qclass))
        label = qname[1:1 + qname[0]].decode("latin-1").lower()
        records = []
        if qtype in (1, 255):
            records.append((1, self.address))
        if qtype in (16, 255):
            size = int(label.split("-")[1]) if label.startswith("big-") else 20
            records += [(16, bytes([255]) + b"t" * 255) for _ in range(size // 256)]
            records.append((16, bytes([size % 256]) + b"t" * (size % 256)))
        if label.startswith("slow"):
            await asyncio.sleep(SLOW_SECONDS)
        reply = message[:2] + struct.pack("!5H", 0x8180, 1, len(records), 0, 0)
        reply += message[12:end + 5]
        for rr_type, rdata in records:
            reply += b"\xc0\x0c" + struct.pack("!HHIH", rr_type, 1, self.ttl, len(rdata)) + rdata
        write_framed(writer, reply)
