# SPDX-License-Identifier: Apache-2.0
"""An address whose port answers no SYN, like behind a firewall that drops packets."""

import socket


class BlackHole:
    """A listener on `address` with a full backlog, so that the kernel drops every further SYN."""

    def __init__(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._sockets = [socket.socket(family)]
        listener = self._sockets[0]
        listener.bind((address, 0))
        listener.listen(0)
        self.port = listener.getsockname()[1]
        while True:  # Until the backlog is full.
            client = socket.socket(family)
            client.settimeout(0.1)
            self._sockets.append(client)
            try:
                client.connect((address, self.port))
            except TimeoutError:
                return

    def close(self):
        for each in self._sockets:
            each.close()
