# SPDX-License-Identifier: Apache-2.0
"""The differences that are allowed between two correct answers. Each rule has a name and the RFC
section that allows it.

A rule is a function of a Case that is true if it alone explains the whole difference. No difference
is ignored: one that no rule explains is a failure, and each rule counts its cases.
"""

import dataclasses

from reading import CNAME, DNAME, SOA, Reply, read_name

NOERROR, SERVFAIL, NXDOMAIN, YXDOMAIN = 0, 2, 3, 6
AA, RD, RA = 0x0400, 0x0100, 0x0080


@dataclasses.dataclass
class Case:
    """One question over one transport: our reply, a peer's reply and the upstream server's own
    response.
    """

    qname: bytes  # In lower case.
    qtype: int
    limit: int  # The largest reply that this client accepts.
    ours: Reply
    theirs: Reply
    truth: Reply
    our_whole_size: int  # The size of the same reply over TCP.
    their_whole_size: int


def equal(case):
    """No difference in RCODE, answer, truncation, and the SOA of a negative answer."""
    ours, theirs = case.ours, case.theirs
    if ours.truncated or theirs.truncated:
        return (ours.truncated and theirs.truncated and ours.rcode == theirs.rcode
                and ours.answer_set == theirs.answer_set)
    return has_same_answer(case, ours, theirs)


def has_same_answer(case, one, other):
    return (one.rcode == other.rcode and one.answer_set == other.answer_set
            and (is_positive(one, case.qname, case.qtype)
                 or one.negative_soa == other.negative_soa))


def we_match_upstream(case):
    return not case.ours.truncated and has_same_answer(case, case.ours, case.truth)


def chain_end(reply, qname):
    """Returns the end of the CNAME chain from the QNAME, or None for a loop."""
    targets = {owner: read_name(next(iter(rdatas)), 0)[0]
               for (owner, rr_type), rdatas in reply.answer.items() if rr_type == CNAME}
    seen = set()
    while qname in targets:
        if qname in seen:
            return None
        seen.add(qname)
        qname = targets[qname]
    return qname


def is_positive(reply, qname, qtype):
    """True if the answer contains the queried type."""
    return reply.rcode == NOERROR and ((qname, qtype) in reply.answer or
                                       (chain_end(reply, qname), qtype) in reply.answer)


# Differences that an RFC allows.

def truncated_content(case):
    return case.ours.truncated and case.theirs.truncated and case.ours.rcode == case.theirs.rcode


def truncation_by_own_size(case):
    """One reply fits and the other does not, by their sizes over TCP."""
    ours, theirs = case.ours, case.theirs
    if ours.truncated == theirs.truncated or ours.rcode != theirs.rcode:
        return False
    return (ours.truncated == (case.our_whole_size > case.limit)
            and theirs.truncated == (case.their_whole_size > case.limit))


def cname_loop(case):
    return chain_end(case.truth, case.qname) is None and case.ours.rcode == SERVFAIL


def dname_left_out(case):
    """The answer has only the CNAME that was synthesised from the DNAME."""
    without = frozenset(record for record in case.ours.answer_set if record[1] != DNAME)
    return (we_match_upstream(case) and case.theirs.answer_set == without
            and case.ours.rcode == case.theirs.rcode and any(
                rr_type == CNAME for _, rr_type, _ in without)
            and (is_positive(case.ours, case.qname, case.qtype)
                 or case.ours.negative_soa == case.theirs.negative_soa))


# Differences that an RFC does not allow. The peer differs from the upstream server and from us.

def dname_too_long(case):
    return case.truth.rcode == YXDOMAIN and we_match_upstream(case) and case.theirs.rcode == SERVFAIL


def dname_of_an_ancestor(case):
    """The peer answers QTYPE DNAME with the DNAME of an ancestor of the QNAME."""
    return (case.qtype == DNAME and we_match_upstream(case) and case.theirs.rcode == NOERROR
            and {key[1] for key in case.theirs.answer} == {DNAME}
            and (case.qname, DNAME) not in case.theirs.answer)


def dname_nodata_without_soa(case):
    return (case.qtype == DNAME and we_match_upstream(case) and not case.theirs.negative_soa
            and case.ours.rcode == case.theirs.rcode == NOERROR
            and case.ours.answer_set == case.theirs.answer_set)


# (name, reason, function). The first rule that matches counts.
RULES = [
    ("truncated-content", "RFC 2181 section 9: a client that sees TC ignores the records",
     truncated_content),
    ("truncation-by-own-size", "RFC 1035 section 4.1.4: compression is the server's choice",
     truncation_by_own_size),
    ("cname-loop", "RFC 1034 section 3.6.2: a loop is an error; the reply to the client is not specified",
     cname_loop),
    ("dname-left-out", "RFC 6672 section 3.4: a cache may keep the synthesised CNAME by itself",
     dname_left_out),
    ("peer: dname-too-long", "RFC 6672 section 3.2: YXDOMAIN, not SERVFAIL", dname_too_long),
    ("peer: dname-of-an-ancestor", "RFC 6672 section 3.2: the DNAME substitutes first, whatever the "
     "QTYPE", dname_of_an_ancestor),
    ("peer: dname-nodata-without-soa", "RFC 2308 section 6: the SOA goes with a negative answer",
     dname_nodata_without_soa),
]


def explain(case):
    """Returns the name of the rule that explains a difference, or None."""
    return next((name for name, _, rule in RULES if rule(case)), None)


def own_defects(case, transport):
    """Returns the defects of our reply, compared with the upstream server's response."""
    found = _header_defects(case, transport) + _record_defects(case)
    circle = chain_end(case.truth, case.qname) is None
    if not case.ours.truncated and not circle and not has_same_answer(case, case.ours, case.truth):
        found.append("not what the upstream server answers")
    return found


def _header_defects(case, transport):
    found = []
    if case.ours.size > case.limit:
        found.append(f"{case.ours.size} octets, more than {case.limit}")
    if case.ours.truncated and (transport != "udp" or case.our_whole_size <= case.limit):
        found.append("truncated for no reason")
    if case.ours.flags & (AA | RA | RD) != RA | RD:
        found.append(f"flags {case.ours.flags:04x}")
    return found


def _denies_name(case):
    return case.ours.rcode == case.truth.rcode == NXDOMAIN and not case.ours.answer


def _record_defects(case):
    """Returns records that the upstream server does not have, and TTLs above its own."""
    found = []
    for section in ("answer", "authority", "additional"):
        truth = getattr(case.truth, section)
        for key, rdatas in getattr(case.ours, section).items():
            if not rdatas.keys() <= truth.get(key, {}).keys():
                found.append(f"a record in {section} that the upstream server does not have")
                continue
            allowed = min(truth[key].values())
            if allowed == 0 and _denies_name(case) and key[1] == case.qtype == SOA:
                # BIND sends TTL 0 for an SOA query of a missing name. dotcache may know from a
                # query for another type that the name is missing, which holds for all types (RFC
                # 2308 section 5).
                allowed = 0xffffffff
            if key[1] == SOA and section == "authority" and not is_positive(
                    case.ours, case.qname, case.qtype):
                allowed = min(allowed, int.from_bytes(next(iter(rdatas))[-4:], "big"))
            if max(rdatas.values()) > allowed:
                found.append(f"TTL {max(rdatas.values())} above {allowed} in {section}")
    return found
