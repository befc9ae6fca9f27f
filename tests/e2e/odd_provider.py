# SPDX-License-Identifier: Apache-2.0
"""A DoT server that misbehaves according to the first label of the QNAME, and answers every other
name correctly.
"""

import asyncio
import collections
import socket
import struct

from dot_server import DotServer, read_framed, write_framed

GOOD, POISON, TTL = "192.0.2.1", "203.0.113.66", 300
A, NS, CNAME, SOA, TXT, AAAA, DNAME, OPT, HTTPS = 1, 2, 5, 6, 16, 28, 39, 41, 65
ASKED = b"\xc0\x0c"  # A pointer to the name in the question.
CLOSE, RESET = "close", "reset"


class Raw(bytes):
    """Octets to send without a length prefix."""


class Pause(float):
    """Seconds to wait before the next item."""


def name(text):
    """Returns a name in wire form. Dots separate labels; the root is "" or "."."""
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def rr(owner, rr_type, rdata, ttl=TTL, rr_class=1, rdlength=None):
    length = len(rdata) if rdlength is None else rdlength
    return owner + struct.pack("!HHIH", rr_type, rr_class, ttl, length) + rdata


def address(owner=ASKED, text=GOOD, ttl=TTL):
    return rr(owner, A, socket.inet_aton(text), ttl)


def soa(owner, ttl=900, minimum=60):
    return rr(owner, SOA, name("ns.odd.example") + name("root.odd.example") +
              struct.pack("!5I", 1, 3600, 600, 86400, minimum), ttl)


def opt(options=b"", ttl=0, owner=b"\0"):
    return rr(owner, OPT, options, ttl, rr_class=1232)


def option(code, data):
    return struct.pack("!HH", code, len(data)) + data


class Question:
    """A received question, and parts of responses to it."""

    def __init__(self, wire):
        self.wire = wire
        self.id = int.from_bytes(wire[:2], "big")
        end, labels = 12, []
        while wire[end]:
            labels.append(wire[end + 1:end + 1 + wire[end]])
            end += 1 + wire[end]
        self.labels = [label.decode().lower() for label in labels]
        self.octets = wire[12:end + 5]
        self.name = wire[12:end + 1]
        self.type = int.from_bytes(wire[end + 1:end + 3], "big")
        self.text = ".".join(self.labels)
        self.case = self.labels[0] if labels else ""
        self.parent = wire[13 + wire[12]:end + 1]  # The name without its first label.
        self.victim = b"\6victim" + self.name

    def message(self, answer=(), authority=(), additional=(), flags=0x8180, rcode=0, question=None,
                message_id=None, counts=None):
        """Returns a response with these records, and with other counts if given."""
        question = self.octets if question is None else question
        given = [1 if question else 0, len(answer), len(authority), len(additional)]
        for place, count in (counts or {}).items():
            given[place] = count
        return (struct.pack("!6H", self.id if message_id is None else message_id, flags | rcode,
                            *given) + question + b"".join(answer) + b"".join(authority) +
                b"".join(additional))

    def poisoned(self, **how):
        return self.message([address(text=POISON)], **how)

    def good(self):
        if self.type == A:
            return self.message([address()])
        return self.message(authority=[soa(self.parent)])


def cases():
    """Returns {case: function}. A function takes a Question and returns a message, or a list of
    messages and other items.
    """
    q = Question  # Every function below gets a Question.
    m, p = q.message, q.poisoned
    table = {"normal": lambda q: m(q, [address()])}

    # Responses to another query.
    table |= {
        "wrongid": lambda q: p(q, message_id=q.id ^ 0x5555),
        "wrongidthengood": lambda q: [p(q, message_id=q.id ^ 0x5555), m(q, [address()])],
        "wrongqname": lambda q: p(q, question=name("other.odd.example") + q.octets[-4:]),
        "wrongqtype": lambda q: p(q, question=q.octets[:-4] + b"\0\x1c\0\1"),
        "wrongqclass": lambda q: p(q, question=q.octets[:-2] + b"\0\3"),
        "noquestion": lambda q: m(q, [address(q.name, POISON)], question=b""),
        "noquestionservfail": lambda q: m(q, question=b"", rcode=2),
        "twoquestions": lambda q: p(q, question=2 * q.octets, counts={0: 2}),
        "caseflip": lambda q: m(q, [address()], question=q.name.swapcase() + q.octets[-4:]),
        "qrzero": lambda q: p(q, flags=0x0180),
        "badopcode": lambda q: p(q, flags=0x9180),
        "updateresp": lambda q: p(q, flags=0xa980),
        "shortheader": lambda q: p(q)[:11],
        "zerolen": lambda q: b"",
        "cutquestion": lambda q: m(q)[:-3],
    }

    # Malformed.
    def compressed(offset):
        return struct.pack("!H", 0xc000 | offset)

    def behind(q):
        return 12 + len(q.octets)  # The offset of the first record.

    table |= {
        "cutrdata": lambda q: p(q)[:-2],
        "ancountbig": lambda q: p(q, counts={1: 2}),
        "ancountmax": lambda q: p(q, counts={1: 65535}),
        "ancountsmall": lambda q: m(q, [address(), address(text=POISON)], counts={1: 1}),
        "rdlenbig": lambda q: m(q, [rr(ASKED, A, b"\xcb\0\x71\x42", rdlength=400)]),
        "a0bytes": lambda q: m(q, [rr(ASKED, A, b"")]),
        "a3bytes": lambda q: m(q, [rr(ASKED, A, b"\xcb\0\x71")]),
        "a5bytes": lambda q: m(q, [rr(ASKED, A, b"\xcb\0\x71\x42\0")]),
        "ownerloop": lambda q: m(q, [address(compressed(behind(q)), POISON)]),
        "ownerfwd": lambda q: m(q, [address(compressed(behind(q) + 16), POISON),
                                    address(q.name, POISON)]),
        "ownerpastend": lambda q: m(q, [address(b"\xff\xff", POISON)]),
        "cnameloopptr": lambda q: m(q, [rr(ASKED, CNAME, compressed(behind(q) + 12))]),
        "reservedlabel": lambda q: m(q, [address(b"\x41x\0", POISON)]),
        "namelong": lambda q: m(q, [address(4 * (b"\x3f" + 63 * b"a") + b"\0", POISON)]),
        "trailing": lambda q: p(q) + b"junk",
        "wrongclassanswer": lambda q: m(q, [rr(ASKED, A, b"\xcb\0\x71\x42", rr_class=3)]),
        "twoopts": lambda q: p(q, additional=[opt(), opt()]),
        "optbadname": lambda q: p(q, additional=[opt(owner=b"\1x\0")]),
        "optinanswer": lambda q: m(q, [opt(), address(text=POISON)]),
        "optcut": lambda q: p(q, additional=[opt(b"\0\x0f\0\x20ab")]),
        "optv1": lambda q: p(q, additional=[opt(ttl=1 << 16)]),
        "svcbbad": lambda q: m(q, [rr(ASKED, HTTPS, b"\0\1\0" + b"\0\3\0\2\1\xbb\0\1\0\2h2")]),
    }

    # TTLs.
    table |= {
        "ttlmsb": lambda q: m(q, [address(ttl=0x80000001)]),
        "ttlmax": lambda q: m(q, [address(ttl=0x7fffffff)]),
        "ttlzero": lambda q: m(q, [address(ttl=0)]),
        "ttlone": lambda q: m(q, [address(ttl=1)]),
        "ttlmixed": lambda q: m(q, [address(ttl=600), address(text="192.0.2.2", ttl=30)]),
    }

    # Records that do not answer the question.
    def victim(q):
        return address(q.victim, POISON)

    ns_odd = rr(name("odd.example"), NS, name("ns.evil.example"))
    table |= {
        "extraanswer": lambda q: m(q, [address(), victim(q)]),
        "extraadditional": lambda q: m(q, [address()], additional=[victim(q)]),
        "extraanswerfirst": lambda q: m(q, [victim(q), address()], [soa(q.parent)]),
        "extraanswerbetween": lambda q: m(q, [address(), victim(q), address(text="192.0.2.2")]),
        "extraauthority": lambda q: m(q, [address()], [ns_odd],
                                      [address(name("ns.evil.example"), POISON)]),
        "extraauthorityaddress": lambda q: m(q, [address()], [victim(q)]),
        "negativewithaddress": lambda q: m(q, [], [soa(q.parent), victim(q)]),
        "unrelatedanswer": lambda q: m(q, [victim(q)]),
        "wrongtypeanswer": lambda q: m(q, [rr(ASKED, AAAA, 15 * b"\0" + b"\1")]),
        "unknowntype": lambda q: m(q, [rr(ASKED, 65280, b"opaque")]),
        "soainanswer": lambda q: m(q, [soa(ASKED)]),
        "referral": lambda q: m(q, [], [rr(q.parent, NS, name("ns.odd.example"))],
                                [address(name("ns.odd.example"))]),
    }

    # Aliases.
    def alias(owner, target, ttl=TTL):
        return rr(owner, CNAME, target, ttl)

    def chain(q, links, ttl=TTL):
        parent = struct.pack("!H", 0xc000 | 13 + len(q.case))
        names = [ASKED] + [b"\3c%02d" % i + parent for i in range(links)]
        return [alias(a, b, ttl) for a, b in zip(names, names[1:])] + [address(names[-1])]

    def target(q):
        return b"\6target" + q.parent

    table |= {
        "cnameself": lambda q: m(q, [alias(ASKED, ASKED)]),
        "cnameloop2": lambda q: m(q, [alias(ASKED, target(q)), alias(target(q), ASKED)]),
        "cnamechain20": lambda q: m(q, chain(q, 20)),
        "cnamechain32": lambda q: m(q, chain(q, 32)),
        "cnamechain33": lambda q: m(q, chain(q, 33)),
        "cnamedangling": lambda q: m(q, [alias(ASKED, target(q))]),
        "cnamedanglingsoa": lambda q: m(q, [alias(ASKED, target(q))], [soa(q.parent)]),
        "cnameplusdata": lambda q: m(q, [address(text=POISON), alias(ASKED, target(q)),
                                         address(target(q))]),
        "cnamenx": lambda q: m(q, [alias(ASKED, target(q))], rcode=3),
        "cnamenxsoa": lambda q: m(q, [alias(ASKED, target(q))], [soa(q.parent)], rcode=3),
        # The first label is replaced directly: www.PARENT CNAME www.new.PARENT.
        "dname": lambda q: m(q, [rr(q.parent, DNAME, b"\3new" + q.parent),
                                 alias(ASKED, b"\5dname\3new" + q.parent),
                                 address(b"\5dname\3new" + q.parent)]),
        "dnamelie": lambda q: m(q, [rr(q.parent, DNAME, b"\3new" + q.parent),
                                    alias(ASKED, b"\4else\3new" + q.parent),
                                    address(b"\4else\3new" + q.parent, POISON)]),
    }

    # Negative responses.
    table |= {
        "nxnosoa": lambda q: m(q, rcode=3),
        "nxsoa": lambda q: m(q, [], [soa(q.parent)], rcode=3),
        "nxsoabig": lambda q: m(q, [], [soa(q.parent, 604800, 604800)], rcode=3),
        "nxwrongsoa": lambda q: m(q, [], [soa(name("else.example"))], rcode=3),
        "nodatasoa": lambda q: m(q, [], [soa(q.parent)]),
        "nodatanosoa": lambda q: m(q),
    }

    # RCODEs, flags, EDNS.
    codes = {"formerr": 1, "servfail": 2, "notimp": 4, "refused": 5, "yxdomain": 6, "notauth": 9,
             "rcode11": 11, "rcode15": 15}
    for case, code in codes.items():
        table[case] = lambda q, code=code: m(q, rcode=code)
    table |= {
        "badvers": lambda q: m(q, additional=[opt(ttl=1 << 24)]),
        "badcookie": lambda q: m(q, additional=[opt(ttl=1 << 24)], rcode=7),
        "tcbit": lambda q: m(q, flags=0x8380),
        "tcbitdata": lambda q: p(q, flags=0x8380),
        "giant": lambda q: m(q, [rr(ASKED, A, struct.pack("!I", 0x0a000000 + i))
                                 for i in range(4000)]),
        "ranot": lambda q: m(q, [address()], flags=0x8100),
        "zbit": lambda q: m(q, [address()], flags=0x81c0),
        "adbit": lambda q: m(q, [address()], flags=0x81a0),
        "aabit": lambda q: m(q, [address()], flags=0x8580),
        "optunknown": lambda q: m(q, [address()], additional=[opt(option(65001, b"leak"))]),
        "ede": lambda q: m(q, additional=[opt(option(15, b"\0\x09no key"))], rcode=2),
        "edeok": lambda q: m(q, [address()], additional=[opt(option(15, b"\0\0fine"))]),
        "duprr": lambda q: m(q, [address(), address()]),
        "sendtwice": lambda q: [m(q, [address()]), m(q, [address()])],
    }

    # Stream errors.
    def framed(message):
        return Raw(struct.pack("!H", len(message)) + message)

    table |= {
        "close": lambda q: [CLOSE],
        "rst": lambda q: [RESET],
        "halfmsg": lambda q: [Raw(framed(p(q))[:25]), CLOSE],
        "lenlie": lambda q: [Raw(b"\1\xf4" + p(q))],
        "junkafter": lambda q: [m(q, [address()]), Raw(8 * b"\xde\xad\xbe\xef")],
        "drip": lambda q: [step for octet in framed(p(q))
                           for step in (Raw(bytes([octet])), Pause(0.25))],
        "late3s": lambda q: [Pause(3), m(q, [address()])],
        "silent": lambda q: [],
    }
    return table


CASES = cases()


class OddProvider(DotServer):
    """Answers by the cases of this file."""

    def __init__(self, certificate, key):
        super().__init__(certificate, key)
        self.asked = collections.Counter()  # Queries by QNAME in lower case, without the last dot.
        self.odd = True  # While false, every query gets a good answer.

    async def _serve(self, reader, writer):
        actions = set()
        try:
            while True:
                question = Question(await read_framed(reader))
                self.asked[question.text] += 1
                todo = self._todo(question)
                if any(isinstance(step, Pause) for step in todo):
                    task = asyncio.ensure_future(self._act(todo, writer))
                    actions.add(task)
                else:
                    await self._act(todo, writer)
        finally:
            for task in actions:
                task.cancel()

    def _todo(self, question):
        case = CASES.get(question.case) if self.odd else None
        todo = case(question) if case else question.good()
        return todo if isinstance(todo, list) else [todo]

    @staticmethod
    async def _act(todo, writer):
        for step in todo:
            if isinstance(step, Pause):
                await asyncio.sleep(step)
            elif step == CLOSE:
                writer.close()
                raise ConnectionError
            elif step == RESET:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                raise ConnectionError
            elif isinstance(step, Raw):
                writer.write(step)
            else:
                write_framed(writer, step)
