# SPDX-License-Identifier: Apache-2.0
"""The expected result of each case of odd_provider.py: one row per case."""

import dataclasses
from typing import Optional, Tuple

GOOD = ("192.0.2.1",)
PROMPT_MS, SILENT_MS = 50, 2000


@dataclasses.dataclass(frozen=True)
class Row:
    """The reaction to a case if the odd server is the only one, and whether the next one is used."""
    case: str
    rcode: str = "NOERROR"
    answer: Tuple[str, ...] = GOOD  # The A records in any order, or ().
    ede: Tuple[int, ...] = ()       # One of these codes, if the client sent EDNS.
    # With a good server beside it, the client gets the good server's answer.
    next: bool = False
    silent: bool = False            # No usable response comes. The client gets a reply within 2 s.
    cached: bool = False            # The second query of a client is answered from the cache.
    ttl: Optional[Tuple[int, int]] = None  # The TTL range of the answer's records, or of the SOA.
    types: Tuple[str, ...] = ()     # The types of the answer section, if they are not all A.
    # The lowest and highest number of upstream queries for one client query.
    upstream: Tuple[int, int] = (1, 1)
    qtype: str = "A"
    # The response comes after the reply to the client, and is cached for the next query.
    late: bool = False
    tcp: bool = False               # Too large for UDP, where the reply has TC.


def ok(case, **how):
    return Row(case, cached=how.pop("cached", True), **how)


def drop(case):
    """A row for a response to another query: it is dropped, and the query still waits."""
    return Row(case, "SERVFAIL", (), (23,), next=True, silent=True, upstream=(1, 2))


def reject(case, **how):
    """A row for a malformed response, or one without an answer: the next server is used, or
    SERVFAIL is sent at once.
    """
    return Row(case, "SERVFAIL", (), (24,), next=True, upstream=(1, 2), **how)


def error(case, *ede):
    """A row for an error RCODE: the next server is used once, and its answer is final."""
    return Row(case, "SERVFAIL", (), ede or (22,), next=True, upstream=(1, 2))


def nxdomain(case, **how):
    return Row(case, "NXDOMAIN", (), **how)


def nodata(case, **how):
    return Row(case, answer=(), **how)


def chain_of(case, links):
    return ok(case, types=links * ("CNAME",) + ("A",))


ROWS = [
    ok("normal", ttl=(290, 300)),
    # Responses to another query: the query still waits (RFC 5452 section 9.1).
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
    # Unrelated records (RFC 2181 section 5.4.1).
    ok("extraanswer"), ok("extraadditional"), ok("extraanswerfirst"),
    ok("extraanswerbetween", answer=("192.0.2.1", "192.0.2.2")), ok("extraauthority"),
    ok("extraauthorityaddress"),
    nodata("negativewithaddress", cached=True, ttl=(50, 60)),
    reject("unrelatedanswer"), reject("wrongtypeanswer"), reject("unknowntype"),
    reject("soainanswer"), reject("referral"),
    # Aliases (RFC 1034 section 3.6.2, RFC 6672).
    reject("cnameself"), reject("cnameloop2"), chain_of("cnamechain20", 20),
    chain_of("cnamechain32", 32), reject("cnamechain33"),
    ok("cnamedangling", types=("CNAME", "A"), next=True),
    nodata("cnamedanglingsoa", types=("CNAME",), cached=True),
    ok("cnameplusdata", types=("CNAME", "A")),
    nxdomain("cnamenx", types=("CNAME",), next=True),
    nxdomain("cnamenxsoa", types=("CNAME",), cached=True),
    ok("dname", types=("DNAME", "CNAME", "A")), reject("dnamelie"),
    # Negative responses (RFC 2308).
    nxdomain("nxnosoa", next=True), nxdomain("nxsoa", cached=True, ttl=(50, 60)),
    nxdomain("nxsoabig", cached=True, ttl=(3500, 10800)), nxdomain("nxwrongsoa", next=True),
    nodata("nodatasoa", cached=True, ttl=(50, 60)), nodata("nodatanosoa", next=True),
    # RCODEs, flags, EDNS.
    *map(error, ("formerr", "servfail", "notimp", "refused", "notauth", "rcode11", "rcode15",
                 "badvers", "badcookie")),
    Row("yxdomain", "YXDOMAIN", ()),
    error("ede", 9, 22),
    reject("tcbit"), reject("tcbitdata"),
    ok("giant", answer=tuple(f"10.0.{i >> 8}.{i & 255}" for i in range(4000)), tcp=True),
    ok("ranot"), ok("zbit"), ok("adbit"), ok("aabit"), ok("optunknown"),
    ok("edeok", ede=(0,)),
    ok("duprr"), ok("sendtwice"),
    # Stream errors.
    *(Row(case, "SERVFAIL", (), (22, 23), next=True, upstream=(2, 2))
      for case in ("close", "rst", "halfmsg")),
    ok("junkafter"),
    *(Row(case, "SERVFAIL", (), (23,), next=True, silent=True, upstream=(1, 2))
      for case in ("lenlie", "drip", "silent")),
    Row("late3s", "SERVFAIL", (), (23,), next=True, silent=True, late=True, upstream=(1, 2)),
]
