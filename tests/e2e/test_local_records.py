# SPDX-License-Identifier: Apache-2.0
"""Hosts files, configured records and special-use zones, over every transport and with dig."""

import subprocess

import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from ask import ADDRESS, TRANSPORTS, ask, flags, types
from counting_provider import CountingProvider
from dotcache import run

NAME = "provider.dns.lab.example"
HOSTS = """127.0.0.1\tlocalhost
127.0.1.1 myhost.example myhost   # as Debian writes it
::1     localhost ip6-localhost ip6-loopback
fe80::1%lo scoped.example
10.0.0.7 printer.corp.example lp.corp.example
fd00::7  printer.corp.example
0.0.0.0 ads.example
"""
CONFIG = """
hosts-file: ["{hosts}"]
local-ttl: 2m
local-zones-except: [onion]
records:
  - www.corp.example. 300 IN CNAME printer.corp.example.
  - corp.example. IN MX 10 printer.corp.example.
  - _ipp._tcp.corp.example. SRV 0 0 631 printer.corp.example.
  - printer.corp.example. TXT "second floor" "left"
  - corp.example. CAA 0 issue "ca.example"
  - corp.example. HTTPS 1 . alpn=h2
"""


@pytest.fixture(scope="module")
def provider(lab):
    with CountingProvider(*lab.authority.issue("local", [NAME])) as counting:
        yield counting


@pytest.fixture(scope="module")
def server(launcher, provider, tmp_path_factory):
    directory = tmp_path_factory.mktemp("local")
    (directory / "hosts").write_text(HOSTS)
    (directory / "dotcache.yaml").write_text(CONFIG.format(hosts=directory / "hosts"))
    return launcher("--config", directory / "dotcache.yaml",
                    upstreams=[f"tls://{ADDRESS}:{provider.port}#{NAME}"])


def texts(section):
    return sorted(f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rdata.rdtype)} {rdata}"
                  for rrset in section for rdata in rrset)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name, rr_type, expected", [
    ("Printer.Corp.example.", "A", ["Printer.Corp.example. 120 A 10.0.0.7"]),
    ("printer.corp.example.", "AAAA", ["printer.corp.example. 120 AAAA fd00::7"]),
    ("printer.corp.example.", "TXT", ['printer.corp.example. 120 TXT "second floor" "left"']),
    ("lp.corp.example.", "A", ["lp.corp.example. 120 A 10.0.0.7"]),
    ("WWW.corp.example.", "A", ["WWW.corp.example. 300 CNAME printer.corp.example.",
                                "printer.corp.example. 120 A 10.0.0.7"]),
    ("corp.example.", "MX", ["corp.example. 120 MX 10 printer.corp.example."]),
    ("corp.example.", "CAA", ['corp.example. 120 CAA 0 issue "ca.example"']),
    ("corp.example.", "HTTPS", ['corp.example. 120 HTTPS 1 . alpn="h2"']),
    ("_ipp._tcp.corp.example.", "SRV",
     ["_ipp._tcp.corp.example. 120 SRV 0 0 631 printer.corp.example."]),
    ("7.0.0.10.in-addr.arpa.", "PTR", ["7.0.0.10.in-addr.arpa. 120 PTR printer.corp.example."]),
    ("1.1.0.127.in-addr.arpa.", "PTR", ["1.1.0.127.in-addr.arpa. 120 PTR myhost.example."]),
    ("ads.example.", "A", ["ads.example. 120 A 0.0.0.0"]),
    ("localhost.", "AAAA", ["localhost. 120 AAAA ::1"]),
])
def test_configured_records_are_answered(server, provider, name, rr_type, expected, transport):
    before = provider.queries
    reply = ask(server, name, rr_type, transport)
    assert reply.rcode().name == "NOERROR"
    assert texts(reply.answer) == sorted(expected)
    assert flags(reply) == {"QR", "RD", "RA"}
    assert not reply.authority
    assert provider.queries == before


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("rr_type", ["HTTPS", "SVCB", "PTR"])
def test_types_of_addresses_without_a_record_are_nodata_with_an_soa(
        server, provider, rr_type, transport):
    before = provider.queries
    reply = ask(server, "Lp.corp.example.", rr_type, transport)
    assert reply.rcode().name == "NOERROR" and not reply.answer
    assert texts(reply.authority) == [
        "Lp.corp.example. 120 SOA lp.corp.example. nobody.invalid. 1 3600 1200 604800 120"]
    assert provider.queries == before


@pytest.mark.parametrize("rr_type", ["MX", "DS", "TYPE65280"])
def test_types_that_a_hosts_file_cannot_have_are_forwarded(server, provider, rr_type):
    before = provider.queries
    ask(server, "Lp.corp.example.", rr_type)
    assert provider.queries > before


def test_other_names_are_forwarded(server, provider):
    before = provider.queries
    for name in ("other.corp.example.", "a.printer.corp.example.", "scoped.example."):
        assert ask(server, name).answer[0][0].address == "203.0.113.1"
    assert provider.queries >= before + 3


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name, zone", [
    ("a.Test.", "Test."), ("x.invalid.", "invalid."), ("nas.local.", "local."), ("nas.home.arpa.", "home.arpa."),
    ("x.alt.", "alt."), ("4.3.2.10.in-addr.arpa.", "10.in-addr.arpa."),
    ("1.1.20.172.in-addr.arpa.", "20.172.in-addr.arpa."), ("1.0.64.100.in-addr.arpa.", "64.100.in-addr.arpa."),
    ("1.2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa."), ("0.d.f.ip6.arpa.", "d.f.ip6.arpa.")])
def test_special_use_names_are_not_forwarded(server, provider, name, zone, transport):
    before = provider.queries
    reply = ask(server, name, "A", transport)
    assert reply.rcode().name == "NXDOMAIN"
    assert str(reply.authority[0].name) == zone and types(reply.authority) == ["SOA"]
    assert "AA" not in flags(reply)
    assert provider.queries == before


def test_discovery_of_encrypted_resolvers_finds_none(server, provider):
    before = provider.queries
    reply = ask(server, "_dns.resolver.arpa.", "SVCB")
    assert reply.rcode().name == "NOERROR" and not reply.answer
    assert str(reply.authority[0].name) == "resolver.arpa."
    assert provider.queries == before


def test_excepted_and_ordinary_names_are_forwarded(server, provider):
    for name in ("hidden.onion.", "ipv4only.arpa.", "use-application-dns.net."):
        assert ask(server, name).answer[0][0].address == "203.0.113.1"
        assert dns.name.from_text(name).to_wire() in provider.names


def test_local_zones_can_be_disabled(lab, launch):
    server = launch("--local-zones", "off", upstreams=[lab.servers["nsd"].upstream])
    response = ask(server, "foo.test.")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].name == dns.name.root  # The lab's root says so, not we.


def test_dig_accepts_the_answers(server):
    done = subprocess.run(["dig", f"@{ADDRESS}", "-p", str(server.port), "+noall", "+answer", "+comments",
                           "-x", "10.0.0.7"], capture_output=True, text=True, timeout=10)
    assert "status: NOERROR" in done.stdout and "printer.corp.example." in done.stdout
    assert "WARNING" not in done.stdout


def test_metrics_distinguish_records_and_zones(server):
    records = server.metric("dotcache_local_record_answers_total")
    zones = server.metric("dotcache_local_answers_total")
    ask(server, "printer.corp.example.")
    ask(server, "nas.home.arpa.")
    assert server.metric("dotcache_local_record_answers_total") == records + 1
    assert server.metric("dotcache_local_answers_total") == zones + 1


def test_errors_name_file_and_line(tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("10.0.0.7 good.example\n\n10.0.0.777 bad.example\n")
    config = tmp_path / "dotcache.yaml"
    config.write_text(f"admin: off\nlisten: ['127.0.0.1:0']\nhosts-file: {hosts}\nrecords:\n"
                      "  - a.example. A 10.0.0.1\n  - b.example. NS ns.example.\n"
                      "  - '*.example. A 10.0.0.1'\nlocal-zones-except: [onoin]\n")
    refused = run("check", "--config", config)
    assert refused.returncode == 1
    assert "dotcache.yaml:8: local-zones-except: \"onoin\" is not a zone that is answered here; " \
           "did you mean `onion`?" in refused.stderr
    config.write_text(config.read_text().replace("onoin", "onion"))
    refused = run("check", "--config", config)
    assert refused.returncode == 1
    lines = refused.stderr.splitlines()
    assert lines[0].startswith(f"{config}:6: records: \"NS\" is not a supported type of local records")
    assert lines[1].startswith(f"{config}:7: records: \"*.example. A 10.0.0.1\" is a wildcard")
    assert lines[2] == f"{hosts}:3: hosts-file: \"10.0.0.777\" is not an IP address"
    assert len(lines) == 3
