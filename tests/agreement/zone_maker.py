# SPDX-License-Identifier: Apache-2.0
"""Makes zones with RRsets of every kind, and the names to query. The same seed gives the same
zones.
"""

import ipaddress
import random
import string

ZONE = "agree.example."
PTR_ZONE = "19.198.in-addr.arpa."
OUTSIDE = "no-such-tld."
SOA = "900 SOA ns.{0} hostmaster.{0} 2026010101 1800 900 604800 60"
CHILD_ZONES = 20  # The maximum. Each has an apex with RRsets, and DS records in the parent.
PLAIN = (string.ascii_letters + string.digits + "-_").encode()
LONG_LABEL = "l234567890123456789012345678901234567890123456789012345678{:05d}"


def text(octets):
    """Returns a label or a <character-string> in presentation format, with other octets escaped."""
    return "".join(chr(octet) if octet in PLAIN else f"\\{octet:03d}" for octet in octets)


class ZoneMaker:
    """After make(count), `zones` is {zone: lines} and `names` is [(name, its own type)]."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.zones = {ZONE: [], PTR_ZONE: []}
        self.names = []
        self.number = 0
        for zone in self.zones:
            self._apex(zone)
        self.zone = ZONE

    def make(self, count):
        kinds = [(kind, weight) for kind, weight in KINDS]
        order = [kind for kind, weight in kinds for _ in range(weight)]
        while len(self.names) < count:
            batch = order[:] if count >= len(order) else [kind for kind, _ in kinds]
            self.random.shuffle(batch)
            for kind in batch[:count - len(self.names)]:
                self.number += 1
                self.zone = self._pick_zone()
                self.names.append(kind(self))
        return self

    def write(self, directory):
        """Writes the zones and returns {zone: file} from the leaves to the root, as the lab's
        servers need them.
        """
        files = {}
        for zone, lines in self.zones.items():
            files[zone] = directory / f"{zone}zone"
            files[zone].write_text("$TTL 3600\n" + "".join(f"{line}\n" for line in lines))
        return files

    # Building blocks.

    def _apex(self, zone):
        self.zones[zone] += [f"{zone} {SOA.format(ZONE)}", f"{zone} NS ns.{ZONE}",
                             f"{zone} NS ns2.{ZONE}"]
        if zone == ZONE:
            self.zones[zone] += [f"ns.{ZONE} A 198.19.0.53", f"ns2.{ZONE} A 198.19.0.54",
                                 f"ns2.{ZONE} AAAA 2001:2::54"]

    def _pick_zone(self):
        children = [zone for zone in self.zones if zone not in (ZONE, PTR_ZONE)]
        return self.random.choice(children) if children and self.random.random() < 0.2 else ZONE

    def _owner(self, label=None):
        return f"{label or f'n{self.number}'}.{self.zone}"

    def _add(self, owner, *rdata):
        zone = max((zone for zone in self.zones if owner.lower().endswith("." + zone)
                    or owner == zone), key=len)
        ttl = self.random.choice(["", "", "", "86400 ", "7200 ", "300 "])
        self.zones[zone] += [f"{owner} {ttl}{line}" for line in rdata]
        return owner

    def _address(self):
        return str(ipaddress.ip_address(0xc6130000 + self.random.randrange(1 << 16)))

    def _address6(self):
        return str(ipaddress.ip_address((0x20010002 << 96) + self.random.getrandbits(64)))

    def _octets(self, size):
        return bytes(self.random.randrange(256) for _ in range(size))

    def _a(self, count=1):
        return [f"A {address}" for address in sorted({self._address() for _ in range(count)})]

    def _aaaa(self, count=1):
        return [f"AAAA {self._address6()}" for _ in range(count)]

    def _host(self):
        """Returns a name with an address, as the target of another record."""
        return self._add(self._owner(f"t{self.number}-{self.random.randrange(1 << 30)}"),
                         *self._a(), *self._aaaa())

    def _missing(self):
        return f"missing-{self.number}.{self.zone}"

    # One method for each kind of name. It makes the records and returns the name and its own type.

    def address(self):
        return self._add(self._owner(), *self._a(self.random.randint(1, 4))), "A"

    def both_addresses(self):
        return self._add(self._owner(), *self._a(2), *self._aaaa(2)), "HINFO"

    def many_addresses(self):
        return self._add(self._owner(), *self._a(self.random.choice([25, 60, 90, 200]))), "A"

    def cname(self):
        return self._add(self._owner(), f"CNAME {self._host()}"), "AAAA"

    def cname_chain(self):
        target = self._host()
        for link in range(self.random.randint(1, 8)):
            target = self._add(self._owner(f"c{self.number}-{link}"), f"CNAME {target}")
        return target, "CNAME"

    def cname_to_missing(self):
        return self._add(self._owner(), f"CNAME {self._missing()}"), "CNAME"

    def cname_to_nodata(self):
        target = self._add(self._owner(f"nodata-{self.number}"), 'TXT "no address"')
        return self._add(self._owner(), f"CNAME {target}"), "TXT"

    def cname_abroad(self):
        target = self._host()
        self.zone = ZONE if self.zone != ZONE else self._pick_zone()
        return self._add(self._owner(), f"CNAME {target}"), "AAAA"

    def cname_outside(self):
        return self._add(self._owner(), f"CNAME x{self.number}.{OUTSIDE}"), "CNAME"

    def cname_loop(self):
        other = self._add(self._owner(f"loop-{self.number}"), f"CNAME {self._owner()}")
        return self._add(self._owner(), f"CNAME {other}"), "CNAME"

    def cname_to_wildcard(self):
        owner = self._owner(f"w{self.number}")
        self._add("*." + owner, *self._a())
        return self._add(self._owner(), f"CNAME x.y.{owner}"), "A"

    def mx(self):
        return self._add(self._owner(), *(f"MX {10 * i} {self._host()}"
                                          for i in range(self.random.randint(1, 6)))), "MX"

    def null_mx(self):
        return self._add(self._owner(), "MX 0 ."), "MX"

    def txt(self):
        strings = [text(self._octets(self.random.choice([0, 1, 30, 255])))
                   for _ in range(self.random.randint(1, 5))]
        return self._add(self._owner(), "TXT " + " ".join(f'"{s}"' for s in strings)), "SPF"

    def many_txt(self):
        size, count = self.random.choice([(100, 4), (100, 11), (200, 6), (255, 20)])
        return self._add(self._owner(), *(f'TXT "{i:03d}{"x" * (size - 3)}"'
                                          for i in range(count))), "TXT"

    def huge_txt(self):
        return self._add(self._owner(), *(f'TXT "{i:04d}{"y" * 240}"' for i in range(230))), "TXT"

    def srv(self):
        return self._add(self._owner(f"_sip._tcp.n{self.number}"), *(
            f"SRV {i} 5 {5060 + i} {self._host()}" for i in range(1, 4))), "SRV"

    def ptr(self):
        last = f"{self.number // 250}.{PTR_ZONE}"
        return self._add(f"{self.number % 250}.{last}", f"PTR {self._host()}"), "PTR"

    def caa(self):
        return self._add(self._owner(), 'CAA 0 issue "ca.example"',
                         'CAA 128 iodef "mailto:x@example"', 'CAA 0 unknowntag "\\000\\255"'), "CAA"

    def https(self):
        return self._add(self._owner(), "HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=198.19.0.1 "
                         "ipv6hint=2001:2::1", f"HTTPS 2 {self._host()} alpn=h2 key65000=abc"), "HTTPS"

    def https_alias(self):
        return self._add(self._owner(), f"HTTPS 0 {self._host()}"), "HTTPS"

    def svcb(self):
        return self._add(self._owner(f"_dns.n{self.number}"), f"SVCB 1 {self._host()} alpn=dot",
                         "SVCB 2 . mandatory=alpn alpn=doq"), "SVCB"

    def tlsa(self):
        return self._add(self._owner(f"_853._tcp.n{self.number}"),
                         f"TLSA 3 1 1 {self._octets(32).hex()}"), "TLSA"

    def sshfp(self):
        return self._add(self._owner(), f"SSHFP 4 2 {self._octets(32).hex()}",
                         f"SSHFP 1 1 {self._octets(20).hex()}"), "SSHFP"

    def naptr(self):
        return self._add(self._owner(), f'NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp.{self.zone}',
                         'NAPTR 100 51 "u" "E2U+sip" "!^.*$!sip:info@example!" .'), "NAPTR"

    def old_types(self):
        return self._add(self._owner(), 'HINFO "a" "b"', f"RP h.{self.zone} t.{self.zone}",
                         f"AFSDB 1 {self._host()}", "LOC 52 22 23 N 4 53 32 E -2m"), \
            self.random.choice(["HINFO", "RP", "AFSDB", "LOC"])

    def uri(self):
        return self._add(self._owner(), 'URI 10 1 "https://example/"'), "URI"

    def unknown(self):
        data = self._octets(self.random.choice([0, 1, 20, 300]))
        number = self.random.choice([65280, 65534, 1234, 4660])
        return self._add(self._owner(), f"TYPE{number} \\# {len(data)} {data.hex()}"), f"TYPE{number}"

    def everything(self):
        host = self._host()
        return self._add(self._owner(), *self._a(2), *self._aaaa(), f"MX 10 {host}", 'TXT "all"',
                         f"SRV 1 1 1 {host}", "HTTPS 1 . alpn=h2", 'CAA 0 issue ";"',
                         "TYPE65280 \\# 1 00"), "TYPE65280"

    def below_wildcard(self):
        owner = self._owner()
        self._add("*." + owner, *self._a(), 'TXT "wild"', f"MX 1 {self._host()}")
        return self.random.choice(["a.", "a.b.c.", "*.", ""]) + owner, "TXT"

    def wildcard_cname(self):
        owner = self._owner()
        self._add("*." + owner, f"CNAME {self._host()}")
        return "any." + owner, "CNAME"

    def beside_wildcard(self):
        owner = self._owner()
        self._add("*." + owner, *self._a())
        self._add("is." + owner, 'TXT "here"')
        return self.random.choice(["is.", "below.is."]) + owner, "TXT"

    def empty_non_terminal(self):
        owner = self._owner()
        self._add("leaf.of.it." + owner, *self._a())
        return self.random.choice(["", "it.", "of.it."]) + owner, "A"

    def missing(self):
        return self._owner(), "A"

    def missing_below(self):
        self._add(self._owner(), *self._a())
        return f"below.{self._owner()}", "A"

    def missing_far_below(self):
        return f"a.b.c.d.e.{self._owner()}", "DS"

    def outside(self):
        return self.random.choice([f"n{self.number}.{OUTSIDE}", f"n{self.number}.",
                                   f"a.n{self.number}.example."]), "NS"

    def below_dname(self):
        target = self._host().partition(".")[2]
        owner = self._add(self._owner(), f"DNAME below{self.number}.{target}")
        self._add(f"x.below{self.number}.{target}", *self._a(), 'TXT "moved"')
        return self.random.choice(["x.", "x.", "no-such.", ""]) + owner, "DNAME"

    def dname_overflow(self):
        """The substituted name would have more than 255 octets, which is YXDOMAIN."""
        long = ".".join(LONG_LABEL.format(i) for i in range(2))
        owner = self._add(self._owner(), f"DNAME {long}.{self.zone}")
        return f"{long}.{owner}", "DNAME"

    def child_apex(self):
        if len(self.zones) >= CHILD_ZONES + 2:
            return self.address()
        zone = f"child{self.number}.{ZONE}"
        self.zones[zone] = []
        self._apex(zone)
        self.zones[ZONE] += [f"{zone} NS ns.{ZONE}", f"{zone} NS ns2.{ZONE}",
                             f"{zone} DS 12345 13 2 {self._octets(32).hex()}"]
        self._add(zone, *self._a(), f"MX 10 {self._host()}", 'CAA 0 issue "ca.example"')
        return zone, self.random.choice(["DS", "SOA", "NS"])

    def mixed_case(self):
        name = "".join(self.random.choice([c.upper(), c]) for c in self._owner(f"case{self.number}x"))
        self._add(self._owner(f"cAsE{self.number}X"), *self._a(), f"MX 1 {self._host()}")
        return name, "MX"

    def odd_octets(self):
        label = text(str(self.number).encode() + self._octets(self.random.randint(1, 20)))
        return self._add(self._owner(label), *self._a(), 'TXT "odd"'), "TXT"

    def odd_missing(self):
        return self._owner(text(str(self.number).encode() + self._octets(8))), "TXT"

    def long_label(self):
        return self._add(self._owner(LONG_LABEL.format(self.number)), *self._a()), "A"

    def longest_name(self):
        room = 255 - 1 - sum(len(label) + 1 for label in self.zone.split(".") if label) - 64 * 2
        first = f"n{self.number}".ljust(min(room - 1, 63), "z")
        labels = [first, LONG_LABEL.format(0), LONG_LABEL.format(1)]
        rest = room - len(first) - 1
        if rest > 1:
            labels.insert(1, "r" * (rest - 1))
        return self._add(self._owner(".".join(labels)), *self._a()), "A"

    def deep_name(self):
        labels = self.random.choice([20, 60, 110])
        return self._add(self._owner("a." * labels + f"n{self.number}"), *self._a()), "A"

    def ttl_zero(self):
        owner = self._owner()
        self.zones[ZONE].append(f"{owner} 0 A {self._address()}") if self.zone == ZONE else \
            self._add(owner, *self._a())
        return owner, "A"

    def ttl_extreme(self):
        owner = f"n{self.number}.{ZONE}"
        self.zones[ZONE].append(f"{owner} {self.random.choice([604800, 2147483647])} "
                                f"A {self._address()}")
        return owner, "A"


# (kind, how many of about 100 names).
KINDS = [
    (ZoneMaker.child_apex, 1), (ZoneMaker.address, 8), (ZoneMaker.both_addresses, 8),
    (ZoneMaker.many_addresses, 2), (ZoneMaker.cname, 6), (ZoneMaker.cname_chain, 4),
    (ZoneMaker.cname_to_missing, 2), (ZoneMaker.cname_to_nodata, 2), (ZoneMaker.cname_abroad, 2),
    (ZoneMaker.cname_outside, 1), (ZoneMaker.cname_loop, 1), (ZoneMaker.cname_to_wildcard, 1),
    (ZoneMaker.mx, 5), (ZoneMaker.null_mx, 1), (ZoneMaker.txt, 5), (ZoneMaker.many_txt, 3),
    (ZoneMaker.huge_txt, 1), (ZoneMaker.srv, 3), (ZoneMaker.ptr, 3), (ZoneMaker.caa, 2),
    (ZoneMaker.https, 3), (ZoneMaker.https_alias, 1), (ZoneMaker.svcb, 2), (ZoneMaker.tlsa, 2),
    (ZoneMaker.sshfp, 1), (ZoneMaker.naptr, 1), (ZoneMaker.old_types, 1), (ZoneMaker.uri, 1),
    (ZoneMaker.unknown, 3), (ZoneMaker.everything, 3), (ZoneMaker.below_wildcard, 3),
    (ZoneMaker.wildcard_cname, 2), (ZoneMaker.beside_wildcard, 2),
    (ZoneMaker.empty_non_terminal, 2), (ZoneMaker.missing, 6), (ZoneMaker.missing_below, 2),
    (ZoneMaker.missing_far_below, 1), (ZoneMaker.outside, 2), (ZoneMaker.below_dname, 2),
    (ZoneMaker.dname_overflow, 1), (ZoneMaker.mixed_case, 3), (ZoneMaker.odd_octets, 3),
    (ZoneMaker.odd_missing, 1), (ZoneMaker.long_label, 1), (ZoneMaker.longest_name, 1),
    (ZoneMaker.deep_name, 1), (ZoneMaker.ttl_zero, 1), (ZoneMaker.ttl_extreme, 1),
]
