# SPDX-License-Identifier: Apache-2.0
"""A strict parser of DNS messages: it accepts only well-formed messages.

It shares no code with the program, and uses no DNS library.
"""

import dataclasses
import struct

TXT, OPT, TSIG, IN = 16, 41, 250, 1
NOTAUTH = 9
QR, Z = 0x8000, 0x0040
# The RDATA sizes of types with a fixed size.
FIXED_SIZES = {1: 4, 28: 16}
# RDATA with names: each field is a name ("n") or a number of octets.
FIELDS = {2: ("n",), 5: ("n",), 12: ("n",), 39: ("n",), 6: ("n", "n", 20), 15: (2, "n"), 33: (6, "n")}


class Malformed(Exception):
    """The message is not valid by RFC 1035 and RFC 6891."""


@dataclasses.dataclass
class Record:
    owner: bytes  # In wire form, uncompressed.
    type: int
    klass: int
    ttl: int
    rdata: bytes
    section: str

    @property
    def options(self):
        """Returns the options of an OPT record as (code, data)."""
        rest, found = self.rdata, []
        while rest:
            require(len(rest) >= 4, "option header cut")
            code, size = struct.unpack("!HH", rest[:4])
            require(len(rest) >= 4 + size, "option longer than its OPT")
            found.append((code, rest[4:4 + size]))
            rest = rest[4 + size:]
        return found


@dataclasses.dataclass
class Message:
    id: int
    flags: int
    question: bytes = b""  # The octets of the one question, or empty.
    records: list = dataclasses.field(default_factory=list)

    @property
    def opt(self):
        return next((record for record in self.records if record.type == OPT), None)

    @property
    def rcode(self):
        return (self.flags & 15) | (self.opt.ttl >> 24 << 4 if self.opt else 0)

    @property
    def opcode(self):
        return self.flags >> 11 & 15

    def section(self, name):
        return [record for record in self.records
                if record.section == name and record.type != OPT]


def require(condition, what):
    if not condition:
        raise Malformed(what)


def read_name(wire, at, limit=None, compressed=True):
    """Returns (name in wire form, offset after it), within `limit`.

    Pointers must go backwards, not into the header, and to labels that end before the pointer's own
    name begins.
    """
    name, end, first = b"", None, at
    limit = len(wire) if limit is None else limit
    while True:
        require(at < limit, "name cut")
        size = wire[at]
        if size >= 0xc0:
            require(compressed, "pointer in the question")
            require(at + 1 < limit, "pointer cut")
            end = end or at + 2
            at, limit = (size & 0x3f) << 8 | wire[at + 1], first
            require(12 <= at < first, "pointer not backwards")
            first = at
            continue
        require(size < 0x40, "reserved label type")
        require(at + 1 + size <= limit, "label cut")
        name += wire[at:at + 1 + size]
        require(len(name) <= 255, "name over 255 octets")
        at += 1 + size
        if size == 0:
            return name, end or at


def parse(wire):
    """Returns the message, or raises Malformed."""
    require(12 <= len(wire) <= 65535, "header cut")
    message_id, flags, qd, *counts = struct.unpack("!6H", wire[:12])
    require(qd <= 1, "more than one question")
    message, at = Message(message_id, flags), 12
    if qd:
        _, end = read_name(wire, at, compressed=False)
        require(end + 4 <= len(wire), "question cut")
        message.question, at = wire[at:end + 4], end + 4
    for section, count in zip(("answer", "authority", "additional"), counts):
        for _ in range(count):
            owner, at = read_name(wire, at)
            require(at + 10 <= len(wire), "record cut")
            rr_type, klass, ttl, size = struct.unpack("!HHIH", wire[at:at + 10])
            at += 10
            require(at + size <= len(wire), "RDATA cut")
            check_rdata(wire, at, rr_type, size)
            message.records.append(Record(owner, rr_type, klass, ttl, wire[at:at + size], section))
            at += size
    require(at == len(wire), "octets left over")
    opts = [record for record in message.records if record.type == OPT]
    require(len(opts) <= 1, "more than one OPT")
    for opt in opts:
        require(opt.owner == b"\0" and opt.section == "additional", "OPT out of place")
        opt.options  # pylint: disable=pointless-statement
    require(all(record.ttl < 2**31 for record in message.records if record.type != OPT), "TTL")
    return message


def parse_reply(wire):
    """Like parse(), for a reply to a client: a response of class IN. Its only TSIG is BADKEY."""
    message = parse(wire)
    require(message.flags & QR, "QR is 0")
    require(not message.flags & Z, "Z is 1")
    for record in message.records:
        if record.type == TSIG and message.flags & 0xf == NOTAUTH:
            # No MAC, error BADKEY, no other data (RFC 8945 section 5.3.2).
            require(record is message.records[-1] and record.rdata[-8:-6] == b"\0\0" and
                    record.rdata[-4:] == b"\0\x11\0\0", "a TSIG that does not say BADKEY")
        elif record.type != OPT:
            require(record.klass == IN and record.type != TSIG,
                    f"a record of type {record.type}, class {record.klass}")
    return message


def check_rdata(wire, at, rr_type, size):
    if rr_type in FIXED_SIZES:
        require(size == FIXED_SIZES[rr_type], "RDATA of a wrong size")
    end = at + size
    if rr_type in FIELDS:
        for field in FIELDS[rr_type]:
            at = read_name(wire, at, end)[1] if field == "n" else at + field
        require(at == end, f"RDATA of type {rr_type} is not as long as RDLENGTH says")
    if rr_type == TXT:
        require(size > 0, "TXT without a string")
        while at < end:
            at += 1 + wire[at]
        require(at == end, "character-string cut")
