# SPDX-License-Identifier: Apache-2.0
"""What must come of each case of odd_provider.py: one row a case."""

import dataclasses
from typing import Optional, Tuple

GOOD = ("192.0.2.1",)
PROMPT_MS, SILENT_MS = 50, 2000


@dataclasses.dataclass(frozen=True)
class Row:
    """The reaction to a case when the odd server is the only one, and whether the next is asked."""
    case: str
    rcode: str = "NOERROR"
    answer: Tuple[str, ...] = GOOD  # The A records, in any order; () for none.
    ede: Tuple[int, ...] = ()       # One of these, when the client sent EDNS.
    next: bool = False              # With a good server beside it the client gets that one's answer.
    silent: bool = False            # Nothing usable comes: the client is answered within 2 s.
    cached: bool = False            # The second query of a client is answered from the cache.
    ttl: Optional[Tuple[int, int]] = None  # Of the answer's records, or of the SOA.
    types: Tuple[str, ...] = ()     # Of the answer section when they are not all A.
    upstream: Tuple[int, int] = (1, 1)     # Queries for one client query, least and most.
    qtype: str = "A"
    late: bool = False              # The answer comes after the client's: it is kept for the next.
    tcp: bool = False               # Too large for UDP: TC there.


def ok(case, **how):
    return Row(case, cached=how.pop("cached", True), **how)


def drop(case):
    """Not ours: dropped, and the wait goes on."""
    return Row(case, "SERVFAIL", (), (23,), next=True, silent=True, upstream=(1, 2))


def reject(case, **how):
    """Malformed, or no answer to the question: the next server, else SERVFAIL at once."""
    return Row(case, "SERVFAIL", (), (24,), next=True, upstream=(1, 2), **how)


def error(case, *ede):
    """An error RCODE: the next server once, then believed."""
    return Row(case, "SERVFAIL", (), ede or (22,), next=True, upstream=(1, 2))


def nxdomain(case, **how):
    return Row(case, "NXDOMAIN", (), **how)


def nodata(case, **how):
    return Row(case, answer=(), **how)


def chain_of(case, links):
    return ok(case, types=links * ("CNAME",) + ("A",))


ROWS = [
    ok("normal", ttl=(290, 300)),
    # Match and wait (RFC 5452 section 9.1).
    drop("wrongid"), ok("wrongidthengood"), drop("wrongqname"), drop("wrongqtype"),
    drop("wrongqclass"), drop("noquestion"), error("noquestionservfail"), drop("twoquestions"),
    ok("caseflip"), drop("qrzero"), drop("badopcode"), drop("updateresp"), drop("shortheader"),
    drop("zerolen"), drop("cutquestion"),
    # Malformed (RFC 9267).
    *map(reject, ("cutrdata", "ancountbig", "ancountmax", "ancountsmall", "rdlenbig", "a0bytes",
                  "a3bytes", "a5bytes", "ownerloop", "ownerfwd", "ownerpastend", "cnameloopptr",
                  "reservedlabel", "namelong", "trailing", "wrongclassanswer", "twoopts",
                  "optbadname", "optinanswer", "optcut", "optv1")),
    reject("svcbbad", qtype="HTTPS"),
    # TTLs (RFC 2181 sections 5.2 and 8).
    ok("ttlmsb", ttl=(0, 0), cached=False), ok("ttlmax", ttl=(86390, 86400)),
    ok("ttlzero", ttl=(0, 0), cached=False), ok("ttlone", ttl=(0, 1)),
    ok("ttlmixed", answer=("192.0.2.1", "192.0.2.2"), ttl=(28, 30)),
    # Foreign records (RFC 2181 section 5.4.1).
    ok("extraanswer"), ok("extraadditional"), ok("extraanswerfirst"),
    ok("extraanswerbetween", answer=("192.0.2.1", "192.0.2.2")), ok("extraauthority"),
    ok("extraauthorityaddress"),
    nodata("negativewithaddress", cached=True, ttl=(50, 60)),
    reject("unrelatedanswer"), reject("wrongtypeanswer"), reject("unknowntype"),
    reject("soainanswer"), reject("referral"),
    # Aliases (RFC 1034 section 3.6.2, RFC 6672).
    reject("cnameself"), reject("cnameloop2"), chain_of("cnamechain20", 20),
    chain_of("cnamechain32", 32), reject("cnamechain33"),
    nodata("cnamedangling", types=("CNAME",)),
    nodata("cnamedanglingsoa", types=("CNAME",), cached=True),
    ok("cnameplusdata", types=("CNAME", "A")),
    nxdomain("cnamenx", types=("CNAME",)),
    nxdomain("cnamenxsoa", types=("CNAME",), cached=True),
    ok("dname", types=("DNAME", "CNAME", "A")), reject("dnamelie"),
    # Negative responses (RFC 2308).
    nxdomain("nxnosoa"), nxdomain("nxsoa", cached=True, ttl=(50, 60)),
    nxdomain("nxsoabig", cached=True, ttl=(3500, 10800)), nxdomain("nxwrongsoa"),
    nodata("nodatasoa", cached=True, ttl=(50, 60)), nodata("nodatanosoa"),
    # RCODEs, flags, EDNS.
    *map(error, ("formerr", "servfail", "notimp", "refused", "notauth", "rcode11", "rcode15",
                 "badvers", "badcookie")),
    Row("yxdomain", "YXDOMAIN", ()),
    error("ede", 9, 22),
    reject("tcbit"), reject("tcbitdata"),
    ok("giant", answer=tuple(f"10.0.{i >> 8}.{i & 255}" for i in range(4000)), tcp=True),
    ok("ranot"), ok("zbit"), ok("adbit"), ok("aabit"), ok("optunknown"), ok("edeok"),
    ok("duprr"), ok("sendtwice"),
    # The stream.
    *(Row(case, "SERVFAIL", (), (22, 23), next=True, upstream=(2, 2))
      for case in ("close", "rst", "halfmsg")),
    ok("junkafter"),
    *(Row(case, "SERVFAIL", (), (23,), next=True, silent=True, upstream=(1, 2))
      for case in ("lenlie", "drip", "silent")),
    Row("late3s", "SERVFAIL", (), (23,), next=True, silent=True, late=True, upstream=(1, 2)),
]
