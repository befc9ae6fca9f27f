# SPDX-License-Identifier: Apache-2.0
"""A DoT server that answers every query with 203.0.113.1 and counts its queries and connections."""

from dot_server import DotServer, read_framed, write_framed


class CountingProvider(DotServer):
    """Counts queries and connections."""

    def __init__(self, certificate, key, client_ca=None):
        super().__init__(certificate, key, client_ca)
        self.queries = 0
        self.names = set()  # The names of all queries, in wire form.
        self.lengths = []  # The length of each query in octets.

    async def _next_query(self, reader):
        message = await read_framed(reader)
        self.queries += 1
        self.names.add(message[12:message.index(b"\0", 12) + 1])
        self.lengths.append(len(message))
        return message

    async def _serve(self, reader, writer):
        while True:
            message = await self._next_query(reader)
            question_end = message.index(b"\0", 12) + 5
            write_framed(writer, message[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" +
                         message[12:question_end] +
                         b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\1")
