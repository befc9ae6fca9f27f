# SPDX-License-Identifier: Apache-2.0
"""What a reply looks like: flags, EDNS, truncation, the client's own spelling."""

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest

from ask import TRANSPORTS, ask, flags, query, send, types


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_spelling_of_each_client_returns(server, transport):
    for name in ("MiXeD-CaSe.LAB.example.", "mixed-case.lab.example.", "MIXED-CASE.LAB.EXAMPLE."):
        response = ask(server, name, transport=transport)
        assert response.question[0].name.to_text() == name
        assert response.rcode() == dns.rcode.NOERROR and response.answer


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_opt_for_a_query_without_one(server, transport):
    for name in ("www.lab.example.", "nothing.lab.example.", "www.signed.example."):
        assert ask(server, name, transport=transport, edns=False).edns < 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_our_opt_says_1232_and_copies_do(server, transport):
    for do in (False, True):
        response = ask(server, "www.lab.example.", transport=transport, do=do, payload=4096)
        assert response.edns == 0 and response.payload == 1232
        assert bool(response.ednsflags & dns.flags.DO) == do


def test_edns_options_are_not_echoed(server):
    unknown = dns.edns.GenericOption(65001, b"secret")
    subnet = dns.edns.ECSOption("192.0.2.0", 24)
    response = ask(server, "options.fresh.lab.example.", options=[unknown, subnet])
    assert response.rcode() == dns.rcode.NOERROR
    assert not {option.otype for option in response.options} & {65001, dns.edns.ECS}


def test_a_later_edns_version_gets_badvers(server):
    message = query("www.lab.example.")
    message.use_edns(edns=1)
    response = send(server, message)
    assert response.rcode() == dns.rcode.BADVERS
    assert response.edns == 0 and not response.answer


@pytest.mark.parametrize("payload, name, truncated", [
    (None, "big-1232.lab.example.", True), (512, "big-1232.lab.example.", True),
    (1232, "big-1232.lab.example.", True), (4096, "big-4096.lab.example.", True),
    (65535, "big-64k.lab.example.", True), (1232, "www.lab.example.", False),
    (100, "www.lab.example.", False)])
def test_what_does_not_fit_is_truncated(server, payload, name, truncated):
    message = query(name, "TXT" if "big" in name else "A", edns=payload is not None,
                    payload=payload or 0)
    response = send(server, message)
    assert ("TC" in flags(response)) == truncated
    assert bool(response.answer) != truncated
    limit = 512 if payload is None else max(512, min(payload, 1232))
    assert len(response.to_wire()) <= limit


@pytest.mark.parametrize("transport", ["tcp", "dot"])
@pytest.mark.parametrize("name, count", [("big-1232", 6), ("big-4096", 22), ("big-64k", 280)])
def test_streams_carry_big_answers_whole(server, transport, name, count):
    response = ask(server, f"{name}.lab.example.", "TXT", transport)
    assert "TC" not in flags(response)
    assert sum(len(rrset) for rrset in response.answer) == count


def test_ad_only_for_clients_that_ask_and_only_from_a_validator(lab, launch):
    server = launch(upstreams=[lab.servers["unbound"].upstream])
    name = "www.signed.example."
    assert "AD" in flags(ask(server, name, do=True))
    message = query(name)
    message.flags |= dns.flags.AD
    assert "AD" in flags(send(server, message))
    message.flags &= ~dns.flags.AD
    assert "AD" not in flags(send(server, message))
    assert "AD" not in flags(ask(server, "www.lab.example.", do=True))


def test_rrsigs_are_for_do_alone(lab, launch):
    server = launch(upstreams=[lab.servers["unbound"].upstream])
    for do in (True, False, True):
        response = ask(server, "mail.signed.example.", do=do)
        assert types(response.answer) == (["A", "RRSIG"] if do else ["A"])


def test_cd_and_rd_are_copied_and_the_header_is_a_resolvers(server):
    for cd in (0, dns.flags.CD):
        for name in ("www.lab.example.", "nothing.lab.example."):
            message = query(name)
            message.flags |= cd
            response = send(server, message)
            assert flags(response) - {"CD"} == {"QR", "RD", "RA"}
            assert ("CD" in flags(response)) == bool(cd)


def test_padded_queries_over_dot_get_padded_replies(server):
    padding = dns.edns.GenericOption(dns.edns.PADDING, b"\0" * 40)
    response = ask(server, "www.lab.example.", transport="dot", options=[padding])
    assert dns.edns.PADDING in {option.otype for option in response.options}
    for transport in ("udp", "tcp"):
        response = ask(server, "www.lab.example.", transport=transport, options=[padding])
        assert not response.options


@pytest.mark.parametrize("name", ["foo.test.", "foo.invalid.", "foo.onion.", "foo.local.",
                                  "foo.home.arpa.", "foo.alt.", "1.0.0.10.in-addr.arpa."])
def test_special_names_are_answered_here(server, name):
    asked = server.metric("dotcache_upstream_queries_total")
    response = ask(server, name)
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert types(response.authority) == ["SOA"]
    assert server.metric("dotcache_upstream_queries_total") == asked


def test_localhost_is_loopback(server):
    assert ask(server, "localhost.").answer[0][0].address == "127.0.0.1"
    assert ask(server, "any.localhost.", "AAAA").answer[0][0].address == "::1"
    assert str(ask(server, "1.0.0.127.in-addr.arpa.", "PTR").answer[0][0]) == "localhost."


def test_local_zones_can_be_switched_off(lab, launch):
    server = launch("--local-zones", "off", upstreams=[lab.servers["nsd"].upstream])
    response = ask(server, "foo.test.")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].name == dns.name.root  # The lab's root says so, not we.
