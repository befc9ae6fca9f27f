# SPDX-License-Identifier: Apache-2.0
"""Every RRset of the lab's zones: dotcache's answer equals the provider's."""

import dns.exception
import dns.flags
import pytest

from ask import TRANSPORTS, ask, ask_directly, differences, flags, query, send
from lab import zones

# Names that are not in the zone files.
MORE = [
    ("www.lab.example.", "CNAME"), ("alias.lab.example.", "A"), ("alias.lab.example.", "AAAA"),
    ("chain-1.lab.example.", "A"), ("abroad.lab.example.", "A"), ("dangling.lab.example.", "A"),
    ("x.moved.lab.example.", "A"), ("x.wild.lab.example.", "A"), ("x.y.wild.lab.example.", "TXT"),
    ("x.wild.lab.example.", "MX"), ("is.wild.lab.example.", "TXT"), ("empty.lab.example.", "A"),
    ("leaf.empty.lab.example.", "TXT"), ("no-such-name.lab.example.", "A"),
    ("no.such.name.at.all.", "A"), ("host-1.lab.example.", "A"), ("host-1000.lab.example.", "A"),
    ("any.fresh.lab.example.", "A"), ("www.signed.example.", "RRSIG"),
    ("signed.example.", "DNSKEY"), ("signed.example.", "NSEC"), ("x.wild.signed.example.", "A"),
    ("no-such-name.signed.example.", "A"), ("1.1.18.198.in-addr.arpa.", "PTR"),
    ("www.lab.example.", "TYPE65280"),
]
QUESTIONS = [question for zone in zones.ZONES for question in zones.names_and_types(zone)] + MORE
# An authoritative server with RRSIGs answers a query for them. A resolver has nothing to look up.
PROVIDER_SPECIFIC = {("www.signed.example.", "RRSIG")}


@pytest.mark.parametrize("do", [False, True], ids=["plain", "do"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_answers_equal_the_providers_answers(pair, transport, do):
    dotcache, provider = pair
    wrong = []
    for name, rr_type in QUESTIONS:
        if (name, rr_type) in PROVIDER_SPECIFIC and provider.kind in ("unbound", "kresd"):
            continue
        try:
            ours = ask(dotcache, name, rr_type, transport, do=do)
        except dns.exception.DNSException as error:
            wrong.append(f"{name} {rr_type}: {error!r}")
            continue
        theirs = ask_directly(provider, name, rr_type, do=do)
        if ours.flags & dns.flags.TC:
            if transport != "udp" or len(theirs.to_wire()) <= 1200 or ours.answer:
                wrong.append(f"{name} {rr_type}: truncated for no reason, or with an answer")
            continue
        wrong += [f"{name} {rr_type}: {difference}" for difference in differences(ours, theirs)]
        if ours.flags & dns.flags.AA or not ours.flags & dns.flags.RA:
            wrong.append(f"{name} {rr_type}: flags {dns.flags.to_text(ours.flags)}")
    assert not wrong, "\n".join(wrong)


def test_a_thousand_names_have_their_own_answers(server):
    for number, name in enumerate(zones.host_names(), 1):
        block, last = divmod(number - 1, 250)
        answer = ask(server, name, transport="udp").answer
        assert [str(rdata) for rrset in answer for rdata in rrset] == [f"198.18.{block + 1}.{last + 1}"]


def test_ad_needs_a_request_and_a_validating_provider(lab, launch):
    server = launch(upstreams=[lab.servers["unbound"].upstream])
    name = "www.signed.example."
    assert "AD" in flags(ask(server, name, do=True))
    message = query(name)
    message.flags |= dns.flags.AD
    assert "AD" in flags(send(server, message))
    message.flags &= ~dns.flags.AD
    assert "AD" not in flags(send(server, message))
    assert "AD" not in flags(ask(server, "www.lab.example.", do=True))
