# SPDX-License-Identifier: Apache-2.0
"""Counts connection attempts on the wire, because a provider that does not listen cannot count
them.
"""

import ctypes
import socket
import struct
import threading
import time

ETH_P_IP = 0x0800
SO_ATTACH_FILTER = 26
RECENT_SECONDS = 10
# IPv4 without options, TCP, SYN without ACK (the frame begins with 14 octets of Ethernet).
FILTER = ((0x28, 0, 0, 12), (0x15, 0, 6, ETH_P_IP), (0x30, 0, 0, 23), (0x15, 0, 4, 6),
          (0x30, 0, 0, 47), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 64),
          (0x06, 0, 0, 0))


class SynCounter:
    """Counts SYNs to `ports` on loopback, without retransmissions. Needs CAP_NET_RAW. Without it
    the count is None.
    """

    def __init__(self, ports):
        self._ports = set(ports)
        self._seen = []  # (time, source port, destination port)
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                         socket.htons(ETH_P_IP))
        except PermissionError:
            self._socket = None
            return
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line)
                                                       for line in FILTER))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack(
            "HL", len(FILTER), ctypes.addressof(program)))
        self._socket.bind(("lo", 0))
        self._socket.settimeout(0.1)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        latest = {}
        while not self._stopping.is_set():
            try:
                frame, address = self._socket.recvfrom(64)
            except TimeoutError:
                continue
            if address[2] == socket.PACKET_OUTGOING:
                continue  # Loopback delivers each packet twice.
            source, target = struct.unpack("!HH", frame[34:38])
            now = time.monotonic()
            repeated = now - latest.get((source, target), -RECENT_SECONDS) < RECENT_SECONDS
            latest[source, target] = now
            if target in self._ports and not repeated:
                self._seen.append((now, target))

    def most_to_one(self, begin, end):
        """Returns the highest number of attempts to one port between two times."""
        if self._socket is None:
            return float("nan")
        counts = dict.fromkeys(self._ports, 0)
        for when, port in self._seen:
            if begin <= when < end:
                counts[port] += 1
        return max(counts.values())

    def stop(self):
        if self._socket is not None:
            self._stopping.set()
            self._thread.join()
            self._socket.close()
