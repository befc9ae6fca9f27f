"""Whether octets are a well-formed reply, judged without the libraries that the program or the tests use."""

NAMES_IN_RDATA = {2: "n", 5: "n", 12: "n", 39: "n", 6: "nn4444", 15: "2n", 33: "222n"}
FIXED_SIZES = {1: 4, 28: 16}
OPT, TSIG, IN = 41, 250, 1


class Malformed(Exception):
    """Says what is wrong."""


def check(octets):
    """Raises Malformed unless this is a whole response to a QUERY with one question of class IN or none.

    Pointers lead backwards, RDATA of the common types has their form, there is one OPT at most, in
    the additional section, owned by the root, with whole options, and nothing is left over.
    """
    if not 12 <= len(octets) <= 65535:
        raise Malformed(f"{len(octets)} octets")
    flags, *counts = (_u16(octets, at) for at in (2, 4, 6, 8, 10))
    if not flags & 0x8000:
        raise Malformed("QR is 0")
    if flags & 0x0040:
        raise Malformed("Z is 1")
    if counts[0] > 1:
        raise Malformed(f"{counts[0]} questions")
    at = 12
    for _ in range(counts[0]):
        at = _name(octets, at, len(octets), compressed=False) + 4
    opts = 0
    for section, count in enumerate(counts[1:]):
        for _ in range(count):
            at, is_opt = _record(octets, at, section)
            opts += is_opt
    if opts > 1:
        raise Malformed("two OPTs")
    if at != len(octets):
        raise Malformed(f"{len(octets) - at} octets left over")


def _u16(octets, at):
    if at + 2 > len(octets):
        raise Malformed("cut short")
    return int.from_bytes(octets[at:at + 2], "big")


def _name(octets, at, end, compressed=True):
    """Where the name that begins at `at` ends."""
    size, after, run = 0, None, at
    while True:
        if at >= end:
            raise Malformed("a name past its end")
        length = octets[at]
        if length >= 0xc0:
            target = _u16(octets, at) & 0x3fff
            if not compressed or not 12 <= target < run or at + 2 > end:
                raise Malformed("a bad pointer")
            after = after or at + 2
            at, end, run = target, run, target
            continue
        if length > 63:
            raise Malformed("a reserved label")
        at += 1 + length
        size += 1 + length
        if size > 255 or at > end:
            raise Malformed("a name too long")
        if length == 0:
            return after or at


def _record(octets, at, section):
    owner = at
    at = _name(octets, at, len(octets))
    rr_type, rr_class, size = _u16(octets, at), _u16(octets, at + 2), _u16(octets, at + 8)
    begin, end = at + 10, at + 10 + size
    if end > len(octets):
        raise Malformed("RDATA past the end")
    if rr_type == OPT:
        if section != 2 or octets[owner] != 0:
            raise Malformed("an OPT out of place")
        _options(octets, begin, end)
        return end, 1
    if rr_type == TSIG or rr_class != IN:
        raise Malformed(f"a record of type {rr_type}, class {rr_class}")
    if octets[at + 4] & 0x80:
        raise Malformed("a TTL with the top bit set")
    if FIXED_SIZES.get(rr_type, size) != size:
        raise Malformed(f"{size} octets of RDATA in type {rr_type}")
    if rr_type in NAMES_IN_RDATA:
        at = begin
        for field in NAMES_IN_RDATA[rr_type]:
            at = _name(octets, at, end) if field == "n" else at + int(field)
        if rr_type == 6:
            at += 4
        if at != end:
            raise Malformed(f"RDATA of type {rr_type} is not as long as RDLENGTH says")
    return end, 0


def _options(octets, at, end):
    while at < end:
        if at + 4 > end:
            raise Malformed("an option cut short")
        at += 4 + _u16(octets, at + 2)
    if at != end:
        raise Malformed("an option past its OPT")
