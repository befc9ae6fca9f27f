# SPDX-License-Identifier: Apache-2.0
"""Client connections that use resources and send no complete query."""

import clients

KINDS = ("idle-tcp", "one-byte", "half-query", "no-hello", "idle-dot", "slow-reader", "slow-dot-reader")
BIG_ANSWERS = 20


class Held:
    """Holds `count` connections of one kind until close()."""

    def __init__(self, kind, count, server, context, name):
        self._connections = [self._open(kind, server, context, name) for _ in range(count)]

    @staticmethod
    def _open(kind, server, context, name):
        if kind == "no-hello":
            return clients.StreamClient(server.dot_port)
        if kind in ("idle-dot", "slow-dot-reader"):
            connection = clients.StreamClient(server.dot_port, context, name, 4096)
        else:
            connection = clients.StreamClient(server.port, receive_buffer=4096)
        message = clients.frame(clients.query("cached1", 1))
        if kind == "one-byte":
            connection.send(message[:1])
        elif kind == "half-query":
            connection.send(message[:len(message) // 2])
        elif kind.endswith("reader"):
            connection.send(b"".join(clients.frame(clients.query("big", number, 16))
                                     for number in range(BIG_ANSWERS)))
        elif kind == "idle-dot":
            connection.send(message)  # Completes the handshake on both sides.
            connection.read()
        return connection

    def close(self):
        for connection in self._connections:
            connection.close()
