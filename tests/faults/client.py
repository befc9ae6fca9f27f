# SPDX-License-Identifier: Apache-2.0
"""Sends queries over UDP at a steady rate, switches faults meanwhile, and records the result of
each query.
"""

import collections
import dataclasses
import selectors
import socket
import struct
import time
import typing

TIMEOUT_SECONDS = 5.0
BAD_ADDRESS = bytes((203, 0, 113, 66))
NOERROR, SERVFAIL = 0, 2
TXT, OPT, EDE = 16, 41, 15
STALE, STALE_NXDOMAIN = 3, 19


def fresh(number):
    """Returns a name that was not queried before."""
    return f"q{number}"


def is_giant(name):
    """Returns whether providers answer the name with 65,535 octets, which do not fit into a
    datagram.
    """
    return name[0] == "g"


@dataclasses.dataclass
class Step:
    """Part of a plan: `action` is called, then `count` queries are sent. Names that begin with s
    have a TTL of one second.
    """

    count: int
    action: typing.Callable[[], None] | None = None
    name: typing.Callable[[int], str] = fresh
    burst: int = 1         # The number of queries sent at once. The rate is the same.
    dead: bool = False     # No provider can answer, so SERVFAIL and stale data are correct.
    recovers: bool = False  # `action` repaired the dead providers.
    # False if queries may fail: they are only load, or the program has stopped.
    counted: bool = True
    began: float = 0.0     # Set by ask(): the time after the action.
    ended: float = 0.0


@dataclasses.dataclass
class Reply:
    step: Step
    name: str
    sent: float
    elapsed_ms: float = TIMEOUT_SECONDS * 1000
    rcode: int | None = None  # None if there was no reply.
    answers: int = 0
    truncated: bool = False
    ttl: int | None = None    # The TTL of the first answer record.
    errors: tuple = ()        # The codes of the extended errors (RFC 8914).
    poisoned: bool = False

    @property
    def came(self):
        return self.sent + self.elapsed_ms / 1000

    @property
    def answered(self):
        relayed = self.truncated and is_giant(self.name)
        return self.rcode == NOERROR and self.answers > 0 or relayed

    @property
    def stale(self):
        return self.answered and (STALE in self.errors or STALE_NXDOMAIN in self.errors)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def codes_of(replies):
    """Counts the replies by extended error, with `none` for replies without one."""
    return collections.Counter(str(code) for reply in replies
                               for code in reply.errors or ("none",))


def ask(port, label, per_second, plan):
    """Runs the plan. Returns a Reply for every query."""
    replies, waiting = [], {}
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(client, selectors.EVENT_READ)

    def receive(until):
        while True:
            left = until - time.monotonic()
            if not selector.select(max(left, 0)):
                if left <= 0:
                    return
                continue
            while True:
                try:
                    message = client.recv(65535)
                except (BlockingIOError, ConnectionRefusedError):
                    break
                reply = waiting.pop(struct.unpack("!H", message[:2])[0], None)
                if reply is not None:
                    reply.elapsed_ms = (time.monotonic() - reply.sent) * 1000
                    read_message(message, reply)

    number, next_at = 0, time.monotonic()
    for step in plan:
        if step.action is not None:
            step.action()
        step.began = time.monotonic()
        for sent in range(step.count):
            receive(next_at)
            now = time.monotonic()
            # The queries wait in the order in which they were sent.
            while waiting:
                oldest = next(iter(waiting))
                if now - waiting[oldest].sent <= TIMEOUT_SECONDS:
                    break
                del waiting[oldest]
            reply = Reply(step, step.name(number), now)
            waiting.pop(number & 0xffff, None)
            waiting[number & 0xffff] = reply
            replies.append(reply)
            try:
                client.send(make_query(number & 0xffff, f"{reply.name}-{label}",
                                       TXT if is_giant(reply.name) else 1))
            except ConnectionRefusedError:
                pass  # An earlier query was refused by the kernel. This query gets no reply either.
            number += 1
            if (sent + 1) % step.burst == 0:
                next_at = max(next_at + step.burst / per_second, now - 0.1)
        step.ended = time.monotonic()
    end = time.monotonic() + TIMEOUT_SECONDS
    while waiting and time.monotonic() < end:
        receive(min(end, time.monotonic() + 0.05))
    client.close()
    return replies


def make_query(identifier, label, qtype):
    return (struct.pack("!HHHHHH", identifier, 0x0100, 1, 0, 0, 1) +
            bytes((len(label),)) + label.encode() + b"\x05fault\x07example\0" +
            struct.pack("!HH", qtype, 1) + b"\0\0\x29\x04\xd0\0\0\0\0\0\0")


def read_message(message, reply):
    """Records the content of the message in `reply`."""
    reply.rcode, reply.truncated = message[3] & 15, bool(message[2] & 2)
    reply.poisoned = BAD_ADDRESS in message
    questions, reply.answers, *others = struct.unpack("!HHHH", message[4:12])
    at = 12
    for _ in range(questions):
        at = after_name(message, at) + 4
    for index in range(reply.answers + sum(others)):
        at = after_name(message, at)
        rrtype, _, ttl, size = struct.unpack("!HHIH", message[at:at + 10])
        rdata = message[at + 10:at + 10 + size]
        at += 10 + size
        if index == 0 and reply.answers:
            reply.ttl = ttl
        if rrtype == OPT:
            reply.errors = tuple(extended_errors(rdata))


def after_name(message, at):
    while message[at]:
        if message[at] >= 0xc0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def extended_errors(rdata):
    at = 0
    while at + 4 <= len(rdata):
        option, size = struct.unpack("!HH", rdata[at:at + 4])
        if option == EDE:
            yield struct.unpack("!H", rdata[at + 4:at + 6])[0]
        at += 4 + size
