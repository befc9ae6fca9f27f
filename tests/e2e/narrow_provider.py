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

    async def _serve(self, reader, writer):
        clock = asyncio.get_running_loop().time
        last = clock()
        while True:
            message = await self._next_query(reader)
            if clock() - last > self._seconds:
                await asyncio.Event().wait()
            await self._answer(message, writer)
            last = clock()


class RateLimited(ScriptedProvider):
    """Answers `per_second` queries a second, evenly, and drops the others."""

    BURST = 10

    def __init__(self, certificate, key, per_second):
        super().__init__(certificate, key)
        self._per_second = per_second
        self._tokens, self._filled = self.BURST, 0.0

    async def _serve(self, reader, writer):
        while True:
            message = await self._next_query(reader)
            now = asyncio.get_running_loop().time()
            self._tokens = min(self.BURST,
                               self._tokens + (now - self._filled) * self._per_second)
            self._filled = now
            if self._tokens >= 1:
                self._tokens -= 1
                await self._answer(message, writer)
