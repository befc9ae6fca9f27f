# SPDX-License-Identifier: Apache-2.0
"""What the rules explain, and what they must not explain."""

import pathlib
import struct
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "e2e")]

import reading  # noqa: E402  sys.path is set first.
import rules  # noqa: E402
from zone_maker import ZoneMaker  # noqa: E402

A, CNAME, SOA, DNAME = 1, 5, 6, 39


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def soa(minimum=60):
    return name("ns.z") + name("h.z") + struct.pack("!5I", 1, 2, 3, 4, minimum)


def reply(answer=(), authority=(), rcode=0, flags=0x8180, qname="q.z", qtype=A):
    """Returns a Reply with records (owner, type, TTL, RDATA)."""
    wire = struct.pack("!6H", 7, flags | rcode, 1, len(answer), len(authority), 0)
    wire += name(qname) + struct.pack("!HH", qtype, 1)
    for owner, rr_type, ttl, rdata in (*answer, *authority):
        wire += name(owner) + struct.pack("!HHIH", rr_type, 1, ttl, len(rdata)) + rdata
    return reading.read(wire)


def case(ours, theirs, truth=None, limit=1232, sizes=None, qtype=A):
    our_size, their_size = sizes or (ours.size, theirs.size)
    return rules.Case(name("q.z"), qtype, limit, ours, theirs, truth or ours, our_size, their_size)


ONE = [("q.z", A, 60, b"\1\1\1\1")]
OTHER = [("q.z", A, 60, b"\2\2\2\2")]
TC = 0x8380


def test_order_case_and_ttl_are_not_compared():
    ours = reply([("q.z", A, 60, b"\1\1\1\1"), ("q.z", A, 60, b"\2\2\2\2")])
    theirs = reply([("Q.z", A, 5, b"\2\2\2\2"), ("q.Z", A, 7, b"\1\1\1\1")])
    assert rules.equal(case(ours, theirs))


@pytest.mark.parametrize("theirs", [
    reply(OTHER), reply(ONE + OTHER), reply(), reply(rcode=3), reply(ONE, rcode=3), reply(rcode=2),
    reply([("q.z", 28, 60, bytes(16))]), reply([("p.z", A, 60, b"\1\1\1\1")]), reply(flags=TC),
])
def test_another_answer_is_never_explained(theirs):
    for one, other in ((reply(ONE), theirs), (theirs, reply(ONE))):
        assert not rules.equal(case(one, other))
        assert rules.explain(case(one, other, truth=reply(ONE))) is None


def test_the_soa_of_a_negative_answer_counts():
    with_soa = reply(authority=[("z", SOA, 60, soa())], rcode=3)
    assert rules.equal(case(with_soa, with_soa))
    for other in (reply(rcode=3), reply(authority=[("z", SOA, 60, soa(61))], rcode=3)):
        assert not rules.equal(case(with_soa, other)) and rules.explain(case(with_soa, other)) is None


def test_only_sizes_explain_truncation():
    cut = reply(flags=TC)
    assert rules.explain(case(cut, reply(ONE), limit=512, sizes=(513, 512))) == \
        "truncation-by-own-size"
    assert rules.explain(case(cut, reply(ONE), limit=512, sizes=(512, 512))) is None
    assert rules.explain(case(reply(ONE), cut, limit=512, sizes=(512, 512))) is None
    assert rules.explain(case(cut, reply(ONE, flags=TC))) == "truncated-content"


def test_a_cname_loop_explains_only_our_error():
    circle = reply([("q.z", CNAME, 60, name("r.z")), ("r.z", CNAME, 60, name("q.z"))])
    assert rules.explain(case(reply(rcode=2), circle, truth=circle)) == "cname-loop"
    assert rules.explain(case(reply(ONE), circle, truth=circle)) is None
    assert rules.explain(case(reply(rcode=2), reply(ONE), truth=reply(ONE))) is None


def test_a_dname_may_be_omitted_but_not_its_cname():
    dname, cname = ("z", DNAME, 60, name("y")), ("q.z", CNAME, 60, name("q.y"))
    data = ("q.y", A, 60, b"\1\1\1\1")
    ours = reply([dname, cname, data])
    assert rules.explain(case(ours, reply([cname, data]))) == "dname-left-out"
    for theirs in (reply([dname, data]), reply([data]), reply([cname]), reply([cname, data], rcode=3)):
        assert rules.explain(case(ours, theirs)) is None
    assert rules.explain(case(reply([cname, data]), ours, truth=ours)) is None


def test_peer_rules_require_the_upstream_servers_answer():
    too_long = reply([("z", DNAME, 60, name("y"))], rcode=6)
    assert rules.explain(case(too_long, reply(rcode=2))) == "peer: dname-too-long"
    assert rules.explain(case(reply(rcode=2), too_long, truth=too_long)) is None
    nodata = reply(authority=[("z", SOA, 60, soa())], qtype=DNAME)
    assert rules.explain(case(nodata, reply(qtype=DNAME), qtype=DNAME)) == \
        "peer: dname-nodata-without-soa"
    assert rules.explain(case(reply(qtype=DNAME), nodata, truth=nodata, qtype=DNAME)) is None


@pytest.mark.parametrize("ours, limit, transport, word", [
    (reply(OTHER), 512, "udp", "a record in answer"), (reply(), 512, "udp", "not what"),
    (reply([("q.z", A, 61, b"\1\1\1\1")]), 512, "udp", "TTL 61 above 60"),
    (reply(ONE), 30, "udp", "octets"), (reply(flags=TC), 512, "udp", "truncated for no"),
    (reply(flags=TC), 10, "tcp", "truncated for no"), (reply(ONE, flags=0x8580), 512, "udp", "flags"),
    (reply(ONE, flags=0x8100), 512, "udp", "flags"), (reply(ONE, flags=0x8080), 512, "udp", "flags"),
])
def test_defects_of_dotcache_are_found(ours, limit, transport, word):
    assert rules.own_defects(case(reply(ONE), reply(ONE)), "udp") == []
    assert any(word in defect for defect in
               rules.own_defects(case(ours, ours, truth=reply(ONE), limit=limit), transport))


def test_a_negative_ttl_is_at_most_the_minimum():
    truth = reply(authority=[("z", SOA, 900, soa(60))], rcode=3)
    assert rules.own_defects(case(truth, truth), "udp") == ["TTL 900 above 60 in authority"]
    lowered = reply(authority=[("z", SOA, 60, soa(60))], rcode=3)
    assert rules.own_defects(case(lowered, truth, truth=truth), "udp") == []


def test_the_soa_ttl_of_a_missing_name_may_come_from_another_type():
    def defects(ttl, rcode=3, qtype=SOA):
        truth = reply(authority=[("z", SOA, 0, soa(60))], rcode=rcode, qtype=qtype)
        ours = reply(authority=[("z", SOA, ttl, soa(60))], rcode=rcode, qtype=qtype)
        return rules.own_defects(case(ours, ours, truth=truth, qtype=qtype), "udp")
    assert defects(60) == []
    assert defects(61) == ["TTL 61 above 60 in authority"]
    assert defects(60, qtype=A) == ["TTL 60 above 0 in authority"]
    assert defects(60, rcode=0) == ["TTL 60 above 0 in authority"]


@pytest.mark.parametrize("wire", [
    b"", bytes(11), struct.pack("!6H", 0, 0x8180, 1, 0, 0, 0),
    struct.pack("!6H", 0, 0x8180, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1",
    struct.pack("!6H", 0, 0x8180, 1, 1, 0, 0) + b"\0\0\1\0\1" + b"\0\0\1\0\1\0\0\0\0\0\5abcd",
    struct.pack("!6H", 0, 0x8180, 1, 0, 0, 0) + b"\0\0\1\0\1x",
    struct.pack("!6H", 0, 0x0100, 1, 0, 0, 0) + b"\0\0\1\0\1",
])
def test_invalid_replies_are_rejected(wire):
    with pytest.raises(reading.Malformed):
        reading.read(wire)


def test_a_seed_gives_the_same_zones_and_distinct_names():
    one, other = ZoneMaker(3).make(500), ZoneMaker(3).make(500)
    assert one.zones == other.zones and one.names == other.names
    assert len({owner.lower() for owner, _ in one.names}) == 500
    assert one.zones != ZoneMaker(4).make(500).zones
