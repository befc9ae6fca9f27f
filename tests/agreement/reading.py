# SPDX-License-Identifier: Apache-2.0
"""Parses replies for the comparison: strict about bounds, and without regard to order and case.

It is a small parser of our own, because dnspython would take ten times as long for a million
replies.
"""

import dataclasses
import functools
import struct

HEADER = struct.Struct("!6H")
FIXED = struct.Struct("!HHIH")
OPT, SOA, CNAME, DNAME, RRSIG = 41, 6, 5, 39, 46

# RDATA with names that a server may compress (RFC 3597 section 4) or that are compared in lower
# case (RFC 4034 section 6.2): octets before the names, and the number of names.
NAMES_IN_RDATA = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1), 17: (0, 2), 18: (2, 1),
                  33: (6, 1), 39: (0, 1)}


class Malformed(ValueError):
    """The reply is not a valid DNS message."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """One reply. Sections are {(owner, type): {rdata: lowest TTL}}, with names in lower case."""

    size: int
    flags: int
    rcode: int
    question: bytes  # In the original spelling, with type and class.
    answer: dict
    authority: dict
    additional: dict
    has_opt: bool

    @property
    def truncated(self):
        return bool(self.flags & 0x0200)

    @functools.cached_property
    def answer_set(self):
        """The answer section without TTLs."""
        return frozenset((owner, rr_type, rdata) for (owner, rr_type), rdatas in self.answer.items()
                         for rdata in rdatas)

    @functools.cached_property
    def negative_soa(self):
        """The owner and RDATA of the SOA of a negative reply, or None."""
        for (owner, rr_type), rdatas in self.authority.items():
            if rr_type == SOA:
                return owner, next(iter(rdatas))
        return None


def read_name(message, at):
    """Returns (labels in lower case as wire octets, offset after the name)."""
    labels, end, limit, size = [], 0, at, 0
    while True:
        if at >= len(message):
            raise Malformed("name past the end")
        length = message[at]
        if length < 64:
            labels.append(message[at:at + length + 1])
            at += length + 1
            size += length + 1
            if size > 255 or at > len(message):
                raise Malformed("name too long or cut")
            if length == 0:
                return b"".join(labels).lower(), end or at
        elif length >= 192:
            if at + 1 >= len(message):
                raise Malformed("pointer cut")
            target = (length & 63) << 8 | message[at + 1]
            end = end or at + 2
            if target >= limit or target < 12:
                raise Malformed("pointer not backwards")
            at = limit = target
        else:
            raise Malformed("reserved label type")


def _canonical_rdata(message, rr_type, begin, end):
    if rr_type not in NAMES_IN_RDATA:
        return message[begin:end]
    before, count = NAMES_IN_RDATA[rr_type]
    parts, at = [message[begin:begin + before]], begin + before
    for _ in range(count):
        name, at = read_name(message, at)
        parts.append(name)
    if at > end:
        raise Malformed("name past the RDATA")
    return b"".join(parts) + message[at:end]


def read(message):
    """Returns the Reply in these octets, or raises Malformed."""
    if len(message) < 12:
        raise Malformed("no header")
    _, flags, qdcount, *counts = HEADER.unpack_from(message)
    if qdcount > 1 or not flags & 0x8000:
        raise Malformed("not a reply")
    question, at = b"", 12
    if qdcount:
        _, end = read_name(message, 12)
        question, at = message[12:end + 4], end + 4
    sections, rcode, has_opt = [], flags & 15, False
    for number, count in enumerate(counts):
        records = {}
        for _ in range(count):
            owner, at = read_name(message, at)
            if at + 10 > len(message):
                raise Malformed("record cut")
            rr_type, _, ttl, size = FIXED.unpack_from(message, at)
            begin, at = at + 10, at + 10 + size
            if at > len(message):
                raise Malformed("RDATA cut")
            if rr_type == OPT:
                if has_opt or number != 2:
                    raise Malformed("OPT doubled or misplaced")
                has_opt = True
                rcode |= ttl >> 24 << 4
                continue
            rdata = _canonical_rdata(message, rr_type, begin, at)
            rrset = records.setdefault((owner, rr_type), {})
            rrset[rdata] = min(ttl, rrset.get(rdata, ttl))
        sections.append(records)
    if at != len(message):
        raise Malformed("octets left over")
    return Reply(len(message), flags, rcode, question, *sections, has_opt)
