# SPDX-License-Identifier: Apache-2.0
"""The table of what a client can send and how dotcache reacts: 180 rows.

A row gives the octets of a query and the one correct reaction on each transport. It also gives the
EDNS options of the reply, and whether the query may be forwarded. `python3 query_matrix.py` prints
the table.
"""

import dataclasses
import struct
import typing

# Reactions.
OK, FORMERR, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH = 0, 1, 3, 4, 5, 9
BADVERS = 16
TRUNCATED = "NOERROR with TC"
SILENCE = "no reply; a stream is closed"

UDP, TCP, DOT = "udp", "tcp", "dot"
EVERYWHERE, STREAMS = (UDP, TCP, DOT), (TCP, DOT)
ZONE = b"\6matrix\7example\0"
ID = 0x4d58
RD = 0x0100
A_IN = b"\0\1\0\1"
NSID, ECS, COOKIE, KEEPALIVE, PADDING, EDE = 3, 8, 10, 11, 12, 15


@dataclasses.dataclass
class Row:
    name: str
    # Makes the octets of the message from a QNAME in wire form.
    wire: typing.Callable = None
    reaction: object = OK
    # True if the query is forwarded and answered, False if it must not be forwarded.
    forwarded: bool = True
    # The exact set of EDNS option codes in the reply.
    options: frozenset = frozenset()
    transports: tuple = EVERYWHERE
    # Stream rows: the function of test_query_matrix.py that runs the row.
    scene: str = ""
    # The first label of the QNAME if it selects the upstream server's response.
    label: str = ""


def message(question=None, tail=A_IN, flags=RD, counts=(1, 0, 0, 0), rest=b""):
    """Returns a function that makes messages. `question` replaces the row's own QNAME; `tail`
    follows it.
    """
    def make(name):
        asked = name if question is None else question
        return struct.pack("!6H", ID, flags, *counts) + asked + tail + rest
    return make


def of_type(qtype, qclass=1, name=None, **more):
    return message(name, struct.pack("!HH", qtype, qclass), **more)


def opt(options=b"", size=1232, ttl=0, owner=b"\0", rdlength=None):
    return owner + struct.pack("!HHIH", 41, size, ttl,
                               len(options) if rdlength is None else rdlength) + options


def option(code, data=b"", size=None):
    return struct.pack("!HH", code, len(data) if size is None else size) + data


def edns(options=b"", tail=A_IN, **more):
    return message(tail=tail, counts=(1, 0, 0, 1), rest=opt(options, **more))


def record(rr_type, rdata, klass=1, ttl=300, owner=b"\1x\0"):
    return owner + struct.pack("!HHIH", rr_type, klass, ttl, len(rdata)) + rdata


def text_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


ADDRESS_RECORD = record(1, b"\xc0\0\2\1")
TSIG_RECORD = record(250, text_name("hmac-sha256") + bytes(6) + struct.pack("!HH", 300, 32) +
                     bytes(32) + struct.pack("!HHH", ID, 0, 0), klass=255, ttl=0)
SIG0_RECORD = record(24, bytes(18) + text_name("key.example") + bytes(64), klass=255, ttl=0,
                     owner=b"\0")
LONGEST_NAME = 3 * (b"\x3f" + 63 * b"n") + b"\x2e" + 46 * b"n" + b"\6matrix\7example\0"
assert len(LONGEST_NAME) == 255
LOOPBACK_V6 = text_name("1." + "0." * 31 + "ip6.arpa")


def mixed_case(name):
    return message()(bytes(octet - 32 if place % 2 and 97 <= octet <= 122 else octet
                           for place, octet in enumerate(name)))


def error(name, wire, reaction=FORMERR, **more):
    """Returns a row that dotcache answers with an error, or does not answer."""
    return Row(name, wire, reaction, forwarded=False, **more)


def header_rows():
    yield Row("ctl-plain", message())
    yield Row("ctl-edns", edns())
    yield Row("ctl-mixed-case-echo", mixed_case)
    yield error("hdr-empty-datagram", lambda name: b"", SILENCE)
    yield error("hdr-1-byte", lambda name: b"\x4d", SILENCE)
    yield error("hdr-11-bytes", lambda name: message()(name)[:11], SILENCE)
    yield error("hdr-only-qd0", message(b"", b"", counts=(0, 0, 0, 0)))
    yield error("hdr-qd0-with-opt", message(b"", b"", counts=(0, 0, 0, 1), rest=opt()))
    # RFC 7873 section 5.4: a query for a server cookie.
    yield Row("hdr-qd0-with-cookie", message(b"", b"", counts=(0, 0, 0, 1),
                                             rest=opt(option(COOKIE, b"12345678"))),
              forwarded=False, options=frozenset({COOKIE}))
    yield error("hdr-qd1-but-no-question", message(b"", b""))
    yield error("q-cut-in-name", message(b"\3www\7exa", b""))
    yield error("q-cut-after-qtype", message(tail=b"\0\1"))
    yield error("hdr-qd2-same", lambda name: message(2 * (name + A_IN), b"",
                                                     counts=(2, 0, 0, 0))(name))
    yield error("hdr-qd2-different", message(counts=(2, 0, 0, 0), rest=b"\1y" + ZONE + A_IN))
    yield error("hdr-qd65535", message(counts=(65535, 0, 0, 0)))
    yield error("hdr-qr1", message(flags=RD | 0x8000), SILENCE)
    yield error("hdr-qr1-notify", message(flags=0xa000), SILENCE)
    for opcode in (1, 2, 3, 4, 5, 6, 15):
        # NOTIFY and UPDATE for a zone that is not ours (RFC 1996 section 3.10, RFC 2136 section
        # 3.1.1).
        yield error(f"op-{opcode}", message(flags=RD | opcode << 11),
                    NOTAUTH if opcode in (4, 5) else NOTIMP)
    yield error("op-15-header-only", message(b"", b"", flags=RD | 15 << 11, counts=(0, 0, 0, 0)),
                NOTIMP)
    for name, bits in (("aa-set", 0x0400), ("tc-set", 0x0200), ("ra-set", 0x0080),
                       ("z-set", 0x0040), ("ad-set", 0x0020), ("cd-set", 0x0010),
                       ("rcode15-in-query", 0x000f)):
        yield Row(f"flag-{name}", message(flags=RD | bits))
    # Answered from the cache, like BIND; the test queries the name first. Other names get REFUSED.
    yield Row("flag-rd0", message(flags=0))


def section_rows():
    # Stricter than BIND: no ordinary client sends records, and a relay would hide them (exception).
    yield error("sec-answer-rr", message(counts=(1, 1, 0, 0), rest=ADDRESS_RECORD))
    yield error("sec-authority-rr", message(counts=(1, 0, 1, 0), rest=ADDRESS_RECORD))
    yield error("sec-additional-a", message(counts=(1, 0, 0, 1), rest=ADDRESS_RECORD))
    yield error("sec-ar1-missing", message(counts=(1, 0, 0, 1)))
    yield error("sec-an65535", message(counts=(1, 65535, 0, 0)))
    # Stricter than BIND: octets outside of all records are not valid (exception).
    yield error("trail-1", message(rest=b"\0"))
    yield error("trail-100", message(rest=100 * b"t"))
    yield error("trail-after-opt", message(counts=(1, 0, 0, 1), rest=opt() + b"tail"))
    yield error("trail-3900", message(rest=3900 * b"t"))


def name_rows():
    yield error("name-label-0x40", message(b"\x41" + ZONE))
    yield error("name-label-0x80", message(b"\x81x" + ZONE))
    # Only one name of 255 octets exists below this zone. It is cached after its first use.
    yield Row("name-255-octets", message(LONGEST_NAME))
    yield error("name-256-octets", message(b"\x3f" + 63 * b"n" + LONGEST_NAME[63:]))
    yield error("name-1000-octets", message(15 * (b"\x3f" + 63 * b"n") + ZONE))
    yield Row("name-127-labels", message(127 * b"\1n" + b"\0"))
    yield error("ptr-self-loop", message(b"\xc0\x0c"))
    yield error("ptr-label-then-loop", message(b"\1x\xc0\x0c"))
    yield error("ptr-two-loop", message(b"\xc0\x0e\xc0\x0c"))
    yield error("ptr-forward", message(b"\xc0\x12", rest=b"\1x\0"))
    yield error("ptr-to-header", message(b"\xc0\0"))
    yield error("ptr-past-end", message(b"\xc0\xff"))
    yield error("ptr-half", message(b"\xc0", b""))
    yield Row("name-binary-labels", lambda name: message(b"\4\0. \xff" + name)(name))
    yield Row("name-root-ns", of_type(2, name=b"\0"))


def type_rows():
    yield error("qtype-0", of_type(0))  # Stricter than BIND: type 0 is reserved (exception).
    yield Row("qtype-10", of_type(10))
    yield error("qtype-41", of_type(41))
    yield Row("qtype-46", of_type(46))
    yield error("qtype-249", of_type(249))
    yield error("qtype-250", of_type(250))
    # There is no zone to transfer, so the reply is not BIND's NOTAUTH.
    yield error("qtype-251", of_type(251), NOTIMP)
    yield error("qtype-252", of_type(252), NOTIMP)
    yield error("qtype-253", of_type(253), NOTIMP)
    yield error("qtype-254", of_type(254), NOTIMP)
    yield Row("qtype-255", of_type(255))
    yield Row("qtype-65280", of_type(65280))
    yield Row("qtype-65535", of_type(65535))
    yield error("qtype-252-axfr-tcp", of_type(252), NOTIMP, transports=STREAMS)
    yield error("qtype-251-ixfr-tcp",
                of_type(251, counts=(1, 0, 1, 0), rest=record(6, b"\0\0" + bytes(20))), NOTIMP,
                transports=STREAMS)
    yield error("qclass-0", of_type(1, 0))
    # Stricter than BIND: the version is not shown unless configured (exception).
    yield error("qclass-ch-version.bind", of_type(16, 3, text_name("version.bind")), REFUSED)
    yield error("qclass-ch-id.server", of_type(16, 3, text_name("id.server")), REFUSED)
    yield error("qclass-ch-other", of_type(1, 3), REFUSED)
    yield error("qclass-hs", of_type(1, 4), REFUSED)
    yield error("qclass-none-254", of_type(1, 254))
    yield error("qclass-any-255", of_type(1, 255))
    yield error("qclass-65535", of_type(1, 65535), NOTIMP)


def edns_rows():
    yield error("edns-v1", edns(ttl=1 << 16), BADVERS)
    yield error("edns-v255", edns(ttl=255 << 16), BADVERS)
    yield error("edns-v1-unknown-opt", edns(option(100, b"data"), ttl=1 << 16), BADVERS)
    yield error("edns-two-opt", message(counts=(1, 0, 0, 2), rest=opt() + opt()))
    yield error("edns-owner-not-root", edns(owner=b"\1x\0"))
    yield error("edns-opt-in-answer", message(counts=(1, 1, 0, 0), rest=opt()))
    yield error("edns-opt-in-authority", message(counts=(1, 0, 1, 0), rest=opt()))
    yield error("edns-rdlen-past-end", edns(rdlength=64))
    yield error("edns-opt-cut", message(counts=(1, 0, 0, 1), rest=opt()[:7]))
    yield error("edns-option-overflow", edns(option(100, b"abcd", size=32)))
    yield error("edns-option-header-3", edns(b"\0\x64\0"))
    yield Row("edns-unknown-option", edns(option(100, b"secret")))
    yield Row("edns-unknown-option-65001", edns(option(65001, b"secret")))
    yield Row("edns-100-options", edns(100 * option(65001, b"x")))
    yield Row("edns-size-0", edns(size=0))
    yield Row("edns-size-65535", edns(size=65535))
    yield Row("edns-z-bits", edns(ttl=0x7fff))
    yield Row("edns-do", edns(ttl=0x8000))
    yield Row("edns-extrcode-in-query", edns(ttl=255 << 24))
    # Stricter than BIND: a record that is not OPT (exception).
    yield error("edns-not-last", message(counts=(1, 0, 0, 2), rest=opt() + ADDRESS_RECORD))


def option_rows():
    for size in (0, 7, 8, 9, 15, 24, 41):
        wire, name = edns(option(COOKIE, bytes(range(size)))), f"cookie-len-{size}"
        yield (Row(name, wire, options=frozenset({COOKIE})) if size in (8, 24)
               else error(name, wire))  # RFC 7873 section 5.2.2.
    yield Row("ecs-v4-24", edns(option(ECS, b"\0\1\x18\0\xc0\0\2")))
    yield Row("ecs-zero", edns(option(ECS, b"\0\1\0\0")))
    # RFC 7871 section 7.1.2 allows FORMERR, and BIND sends it.
    yield error("ecs-prefix-33", edns(option(ECS, b"\0\1\x21\0\xc0\0\2\1\0")))
    yield error("ecs-short-addr", edns(option(ECS, b"\0\1\x18\0\xc0")))
    yield error("ecs-scope-in-query", edns(option(ECS, b"\0\1\x18\x18\xc0\0\2")))
    yield error("ecs-bad-family", edns(option(ECS, b"\0\x09\x18\0\xc0\0\2")))
    yield Row("nsid", edns(option(NSID)))
    yield Row("keepalive-udp", edns(option(KEEPALIVE)), transports=(UDP,))
    yield Row("keepalive-tcp", edns(option(KEEPALIVE)), options=frozenset({KEEPALIVE}),
              transports=STREAMS)
    # RFC 7828 does not define this as an error, and BIND serves the query. It is not a request for
    # the option.
    yield Row("keepalive-tcp-len3", edns(option(KEEPALIVE, b"abc")), transports=STREAMS)
    yield Row("padding-udp", edns(option(PADDING, bytes(40))), transports=(UDP, TCP))
    yield Row("padding-dot", edns(option(PADDING, bytes(40))), options=frozenset({PADDING}),
              transports=(DOT,))
    yield Row("ctl-dot", edns(), transports=(DOT,))
    yield Row("ede-in-query", edns(option(EDE, b"\0\x0fmine")))
    yield error("tsig-unknown-key", message(counts=(1, 0, 0, 1), rest=TSIG_RECORD), NOTAUTH)
    fields = TSIG_RECORD[TSIG_RECORD.index(b"\0\xfa\0\xff"):]
    yield error("tsig-compressed-owner", message(
        counts=(1, 0, 0, 1), rest=b"\xc0\x0c" + fields), NOTAUTH)
    yield error("tsig-class-in", message(
        counts=(1, 0, 0, 1), rest=TSIG_RECORD.replace(b"\0\xfa\0\xff", b"\0\xfa\0\1")))
    yield error("opcode-2-edns", message(
        flags=2 << 11, counts=(1, 0, 0, 1), rest=opt()), NOTIMP)
    yield error("edns-behind-a-record", message(
        counts=(1, 0, 0, 2), rest=record(1, bytes(4)) + opt()))
    yield error("tsig-not-last", message(counts=(1, 0, 0, 2), rest=TSIG_RECORD + opt()))
    # Stricter than BIND: dotcache knows no key, and forwarding would break the signature
    # (exception).
    yield error("sig0", message(counts=(1, 0, 0, 1), rest=SIG0_RECORD))


def special_rows():
    def special(text, reaction, qtype=1, wire_name=None):
        return Row(f"special-{text}", of_type(qtype, name=wire_name or text_name(text)), reaction,
                   forwarded=False)

    yield special("localhost", OK)
    yield special("foo.localhost", OK)
    for text in ("x.invalid", "x.test", "x.onion", "x.local", "x.home.arpa"):
        yield special(text, NXDOMAIN)
    yield special("1.0.0.127.in-addr.arpa", OK, 12)
    yield special("1.0.0.10.in-addr.arpa", NXDOMAIN, 12)
    yield special("_dns.resolver.arpa", OK, 64)  # RFC 9462 section 6.4: NODATA.
    for text in ("ipv4only.arpa", "use-application-dns.net"):
        yield Row(f"special-{text}", of_type(1, name=text_name(text)))
    yield special("ip6.arpa", OK, 12, LOOPBACK_V6)
    yield Row("special-x.internal", of_type(1, name=text_name("x.internal")))
    yield special("x.alt", NXDOMAIN)


def stream_rows():
    """Most scenes have a row for each stream transport. Scenes in which the client ends its side
    use TCP only.
    """
    for name, reaction in (
            ("two-in-one-segment", "both"), ("pipeline-20", "20 of 20"),
            ("out-of-order", "the fast one first"), ("byte-at-a-time", OK)):
        yield from scene(name, reaction)
    yield from scene("half-close", OK, (TCP,))
    yield from scene("half-close-slow", OK, (TCP,))
    for name, reaction in (
            ("length-0", SILENCE), ("length-0-then-good", SILENCE), ("length-11", SILENCE),
            ("short-then-good", SILENCE), ("formerr-then-good", "FORMERR, then the answer"),
            ("qr1-then-good", SILENCE)):
        yield from scene(name, reaction)
    yield from scene("length-lie-close", SILENCE, (TCP,))
    yield from scene("65535-garbage", FORMERR)
    yield from scene("big-response", "whole")
    yield from scene("dup-id-pipelined", "both")
    yield from scene("http-get", SILENCE, (TCP,))
    yield from scene("dso-keepalive", NOTIMP)  # RFC 8490 section 5.1.


def scene(name, reaction, transports=STREAMS):
    function = name.replace("-", "_")
    for transport in transports:
        yield Row(f"st-{name}" + ("/dot" if transport == DOT else ""), None, reaction,
                  transports=(transport,), scene=function)


def truncation_rows():
    def truncated(name, wire):
        return Row(name, wire, TRUNCATED, transports=(UDP,), label="big-3000")

    yield truncated("tc-no-edns-3k", of_type(16))
    for size in (512, 1232, 4096, 100):
        yield truncated(f"tc-edns-{size}-3k", edns(tail=struct.pack("!HH", 16, 1), size=size))


ROWS = [*header_rows(), *section_rows(), *name_rows(), *type_rows(), *edns_rows(), *option_rows(),
        *special_rows(), *stream_rows(), *truncation_rows()]

if __name__ == "__main__":
    for row in ROWS:
        print(row.name, row.reaction, "forwarded" if row.forwarded else "not forwarded",
              "/".join(row.transports))
