# SPDX-License-Identifier: Apache-2.0
"""DoT servers that treat a connection as few servers do."""

import asyncio

from scripted_provider import ScriptedProvider

BUSY_SECONDS = 0.02


class OneAtATime(ScriptedProvider):
    """Works on one query of a connection at a time and drops what comes meanwhile."""

    async def _serve(self, reader, writer):
        busy = None
        while True:
            message = await self._next_query(reader)
            if busy is None or busy.done():
                busy = asyncio.create_task(self._work(message, writer))

    async def _work(self, message, writer):
        await asyncio.sleep(BUSY_SECONDS)
        await self._answer(message, writer)


class Forgetful(ScriptedProvider):
    """Ignores a connection after it was without a query for `seconds`, as behind some NAT devices."""

    def __init__(self, certificate, key, seconds):
        super().__init__(certificate, key)
        self._seconds = seconds
        self.forgotten = 0  # Connections on which a query came too late.

    async def _serve(self, reader, writer):
        clock = asyncio.get_running_loop().time
        last = clock()
        while True:
            message = await self._next_query(reader)
            if clock() - last > self._seconds:
                self.forgotten += 1
                await asyncio.Event().wait()
            await self._answer(message, writer)
            last = clock()
