# SPDX-License-Identifier: Apache-2.0
"""An address whose port answers no SYN, as behind a firewall that drops."""

import socket


class BlackHole:
    """A listener on `address` whose full backlog makes the kernel drop whatever comes next."""

    def __init__(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._sockets = [socket.socket(family)]
        listener = self._sockets[0]
        listener.bind((address, 0))
        listener.listen(0)
        self.port = listener.getsockname()[1]
        while True:  # Until one finds no place.
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
