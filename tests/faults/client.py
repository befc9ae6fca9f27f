"""Asks for names that nobody has asked for before, at a steady rate, over UDP."""

import dataclasses
import selectors
import socket
import struct
import time

TIMEOUT_SECONDS = 5.0
BAD_ADDRESS = bytes((203, 0, 113, 66))


@dataclasses.dataclass
class Outcome:
    asked: int = 0
    answered_ms: list = dataclasses.field(default_factory=list)  # NOERROR with an answer.
    errors_ms: list = dataclasses.field(default_factory=list)    # Any other reply.
    silent: int = 0
    poisoned: int = 0
    first_success_s: float = -1.0  # Since the last mark() of the plan.

    @property
    def failed(self):
        return self.silent + len(self.errors_ms)

    def percentile(self, share):
        values = sorted(self.answered_ms)
        return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")

    def worst(self):
        return max(self.answered_ms, default=float("nan"))


def ask_at_a_rate(port, label, per_second, plan):
    """Sends `sum(count for count, _ in plan)` queries; calls each step's action when it begins."""
    outcome = Outcome()
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(client, selectors.EVENT_READ)
    sent = {}  # Message ID: when.
    marked = None
    number, next_at = 0, time.monotonic()

    def receive(until):
        nonlocal marked
        while True:
            left = until - time.monotonic()
            if not selector.select(max(left, 0)):
                if left <= 0:
                    return
                continue
            while True:
                try:
                    reply = client.recv(65535)
                except (BlockingIOError, ConnectionRefusedError):
                    break
                now = time.monotonic()
                at = sent.pop(struct.unpack("!H", reply[:2])[0], None)
                if at is None:
                    continue
                elapsed_ms = (now - at) * 1000
                outcome.poisoned += BAD_ADDRESS in reply
                if reply[3] & 15 == 0 and reply[7] > 0 or reply[2] & 2:
                    outcome.answered_ms.append(elapsed_ms)
                    if marked is not None:
                        outcome.first_success_s, marked = now - marked, None
                else:
                    outcome.errors_ms.append(elapsed_ms)

    for count, action in plan:
        if action is not None:
            action()
        marked = time.monotonic()
        for _ in range(count):
            receive(next_at)
            now = time.monotonic()
            for identifier in [i for i, at in sent.items() if now - at > TIMEOUT_SECONDS]:
                del sent[identifier]
                outcome.silent += 1
            name = f"q{number}-{label}"
            query = (struct.pack("!HHHHHH", number & 0xffff, 0x0100, 1, 0, 0, 1) +
                     bytes((len(name),)) + name.encode() + b"\x05fault\x07example\0\0\1\0\1" +
                     b"\0\0\x29\x04\xd0\0\0\0\0\0\0")
            sent[number & 0xffff] = now
            client.send(query)
            outcome.asked += 1
            number += 1
            next_at = max(next_at + 1 / per_second, now - 0.1)
    end = time.monotonic() + TIMEOUT_SECONDS
    while sent and time.monotonic() < end:
        receive(min(end, time.monotonic() + 0.05))
    outcome.silent += len(sent)
    client.close()
    return outcome
