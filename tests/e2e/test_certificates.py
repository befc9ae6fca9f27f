# SPDX-License-Identifier: Apache-2.0
"""A provider that fails authentication gets no query, and dotcache never falls back to clear text.
"""


import dns.edns
import pytest

from ask import ask, query, send
from counting_provider import CountingProvider
from lab.certificates import CertificateAuthority
from waiting import wait_for

NAME = "provider.dns.lab.example"


@pytest.fixture(scope="module")
def certificates(lab, tmp_path_factory):
    """{flaw: (certificate, key)}"""
    stranger = CertificateAuthority(tmp_path_factory.mktemp("stranger"), "nobody's CA")
    return {
        "right": lab.authority.issue("right", [NAME]),
        "wrong name": lab.authority.issue("wrong-name", ["other.dns.lab.example"]),
        "expired": lab.authority.issue("expired", [NAME], expired=True),
        "untrusted": stranger.issue("untrusted", [NAME], ["127.0.0.1"]),
        "no address": lab.authority.issue("no-address", [NAME]),
        "address": lab.authority.issue("address", [], ["127.0.0.1"]),
    }


def upstream(provider, name=NAME):
    return f"tls://127.0.0.1:{provider.port}" + (f"#{name}" if name else "")


@pytest.mark.parametrize("flaw, name", [
    ("wrong name", NAME), ("expired", NAME), ("untrusted", NAME), ("no address", None),
    ("untrusted", None)])
def test_no_query_goes_to_a_provider_that_fails_the_check(launch, certificates, flaw, name):
    with CountingProvider(*certificates[flaw]) as provider:
        server = launch(upstreams=[upstream(provider, name)], wait="/health")
        for number in range(3):
            response = ask(server, f"secret-{number}.lab.example.")
            assert response.rcode().name == "SERVFAIL" and not response.answer
        assert provider.connections > 0, "never tried"
        # On a busy machine the first connection may be late, and the next one finds the flaw.
        wait_for(lambda: "certificate" in server.log_text(), server.log_text)
        assert provider.queries == 0


@pytest.mark.parametrize("right, name", [("right", NAME), ("address", None)])
def test_queries_go_to_a_provider_that_passes_it(launch, certificates, right, name):
    with CountingProvider(*certificates[right]) as provider:
        server = launch(upstreams=[upstream(provider, name)])
        response = ask(server, "www.lab.example.")
        assert response.answer[0][0].address == "203.0.113.1"
        assert provider.queries >= 1


@pytest.mark.parametrize("flaw", ["wrong name", "expired", "untrusted"])
def test_a_bad_provider_does_not_affect_the_others(lab, launch, certificates, flaw):
    with CountingProvider(*certificates[flaw]) as provider:
        server = launch(upstreams=[upstream(provider), lab.providers[0].upstream])
        for number in range(100):
            assert ask(server, f"neighbour-{number}.fresh.lab.example.").answer
        assert provider.queries == 0


def test_a_lab_certificate_fails_with_the_system_ca_file(launch, certificates):
    with CountingProvider(*certificates["right"]) as provider:
        server = launch(upstreams=[upstream(provider)], wait="/health",
                        ca_file="/etc/ssl/certs/ca-certificates.crt")
        assert ask(server, "www.lab.example.").rcode().name == "SERVFAIL"
        assert provider.queries == 0


def test_every_notation_of_a_provider_is_authenticated(launch, certificates):
    for template in ("127.0.0.1@{port}#{name}", "tls://127.0.0.1:{port}%{name}",
                     "127.0.0.1:{port}#{name}"):
        for flaw, asked in (("right", True), ("wrong name", False)):
            with CountingProvider(*certificates[flaw]) as provider:
                notation = template.format(port=provider.port, name=NAME)
                server = launch(upstreams=[notation], wait="/health")
                answer = ask(server, "notation.lab.example.").answer
                assert bool(provider.queries) == bool(answer) == asked, notation


def test_queries_are_padded_and_carry_no_client_data(launch, certificates):
    """RFC 8467: queries have multiples of 128 octets, for any client query."""
    with CountingProvider(*certificates["right"]) as provider:
        server = launch(upstreams=[upstream(provider)])
        subnet = dns.edns.ECSOption("192.0.2.0", 24)
        cookie = dns.edns.GenericOption(dns.edns.COOKIE, b"12345678")
        for number, options in enumerate(([], [subnet], [cookie], [subnet, cookie])):
            send(server, query(f"padding-{'x' * 9 * number}.lab.example.", options=options))
        assert len(provider.names) == 4
        assert {length % 128 for length in provider.lengths} == {0}
