# SPDX-License-Identifier: Apache-2.0
"""Private zones over classic DNS to real servers. The providers get none of their queries."""

import pytest

from ask import ADDRESS, ask, ask_directly, differences, flags, query, send
from counting_provider import CountingProvider
from dotcache import run
from lab.lab import PROVIDERS, free_port
from lab.servers import LabServer

NAME = "provider.dns.lab.example"
CLUSTER_ZONES = {
    "cluster.local.": """
$ORIGIN cluster.local.
$TTL 30
@ SOA ns.dns hostmaster 1 7200 1800 86400 5
@ NS ns.dns
ns.dns A 10.96.0.10
kubernetes.default.svc A 10.96.0.1
_https._tcp.kubernetes.default.svc SRV 0 100 443 kubernetes.default.svc
""",
    "96.10.in-addr.arpa.": """
$ORIGIN 96.10.in-addr.arpa.
$TTL 30
@ SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5
@ NS ns.dns.cluster.local.
1.0 PTR kubernetes.default.svc.cluster.local.
""",
    "lab.example.": """
$ORIGIN lab.example.
@ 60 SOA ns hostmaster 1 7200 1800 86400 5
@ 60 NS ns
ns 60 A 10.96.0.10
""",
}


@pytest.fixture
def provider(lab):
    """The public provider. It answers every name, and must get no query."""
    certificate = lab.authority.issue("counting", [NAME])
    with CountingProvider(*certificate) as counting:
        yield counting


@pytest.fixture
def launch_zones(launch, provider, tmp_path):
    """launch_zones({zone: [server, ...]}, more=""): starts a dotcache with these zones."""
    def launch_with(zones, more=""):
        lines = ["zones:"]
        for zone, zone_servers in zones.items():
            lines += [f"  - zone: {zone}", "    policy: sequential", "    upstream:"]
            lines += [f"      - {server}" for server in zone_servers]
        file = tmp_path / "dotcache.yaml"
        file.write_text("\n".join(lines) + "\n" + more)
        return launch("--config", file, upstreams=[f"tls://{ADDRESS}:{provider.port}#{NAME}"])
    return launch_with


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """An authoritative server with the names of a cluster."""
    directory = tmp_path_factory.mktemp("cluster")
    server = LabServer("origin", directory / "server", free_port())
    files = {}
    for zone, text in CLUSTER_ZONES.items():
        files[zone] = directory / f"{zone}zone"
        files[zone].write_text(text)
    server.configure(files, {})
    server.start()
    server.wait_until_ready(None)
    yield server
    server.stop()


def clear(server, scheme="udp"):
    return f"{scheme}://{ADDRESS}:{server.classic_port}"


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_every_kind_of_server_is_supported(lab, launch_zones, provider, kind, scheme):
    inside = lab.servers[kind]
    server = launch_zones({"lab.example": [clear(inside, scheme)]})
    for name, rr_type in (("www", "A"), ("www", "AAAA"), ("alias", "A"), ("no-such-name", "A"),
                          ("www", "MX"), ("", "SOA"), ("big-1232", "TXT"), ("_dot._tcp", "SRV")):
        name = f"{name}.lab.example.".lstrip(".")
        for transport in ("udp", "tcp", "dot"):
            ours = ask(server, name, rr_type, transport, payload=4096)
            if "TC" in flags(ours):
                assert transport == "udp"
                continue
            assert not differences(ours, ask_directly(inside, name, rr_type)), f"{name} {rr_type}"
    assert provider.queries == 0


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("name", ["big-1232.lab.example.", "big-64k.lab.example."])
def test_a_truncated_response_is_fetched_over_tcp(lab, launch_zones, provider, kind, name):
    inside = lab.servers[kind]
    assert "TC" in flags(send(inside, query(name, "TXT"))), "the test needs a larger RRset"
    server = launch_zones({"lab.example": [clear(inside)]})
    whole = ask(server, name, "TXT", "tcp")
    assert not differences(whole, ask_directly(inside, name, "TXT"))
    assert len(whole.answer[0]) >= 6
    assert provider.queries == 0


@pytest.mark.parametrize("how", ["udp", "tcp"])
def test_the_other_server_answers_after_one_is_killed(lab, launch_zones, provider, how):
    first, second = lab.servers["nsd"], lab.servers["named"]
    server = launch_zones({"lab.example": [clear(first, how), clear(second, how)]})
    assert ask(server, "host-1.lab.example.").answer
    first.stop(kill=True)
    try:
        for number in range(2, 52):
            assert ask(server, f"host-{number}.lab.example.").answer, number
        assert "upstream up" not in server.log_text(), "the log says that it is up"
        assert server.metric("dotcache_upstream_up", zone="lab.example.",
                             address=f"{ADDRESS}:{first.classic_port}") == 0
    finally:
        lab.restart(first)
    assert provider.queries == 0


@pytest.mark.parametrize("how", ["udp", "tcp"])
def test_a_zone_whose_servers_are_down_fails_closed(lab, launch_zones, provider, how):
    inside = [lab.servers["nsd"], lab.servers["named"]]
    server = launch_zones({"lab.example": [clear(one, how) for one in inside]})
    for one in inside:
        one.stop(kill=True)
    try:
        for number in range(20):
            response = ask(server, f"host-{number}.lab.example.")
            assert response.rcode().name == "SERVFAIL" and not response.answer
            assert [option.code for option in response.options if option.otype == 15][0] in (22, 23)
        assert ask(server, "public.example.").answer[0][0].address == "203.0.113.1"
    finally:
        for one in inside:
            lab.restart(one)
    # A server that is late, as on a busy machine, is queried for the root as a sign of life.
    assert provider.names - {b"\0"} == {b"\6public\7example\0"}


def test_a_clusters_names_go_to_the_cluster(launch_zones, provider, cluster):
    server = launch_zones({"cluster.local": [clear(cluster)],
                           "96.10.in-addr.arpa": [clear(cluster)]})
    answer = ask(server, "kubernetes.default.svc.cluster.local.").answer
    assert answer[0][0].address == "10.96.0.1"
    answer = ask(server, "_https._tcp.kubernetes.default.svc.cluster.local.", "SRV").answer
    assert answer[0][0].port == 443
    answer = ask(server, "1.0.96.10.in-addr.arpa.", "PTR").answer
    assert str(answer[0][0].target) == "kubernetes.default.svc.cluster.local."
    missing = ask(server, "nothing.default.svc.cluster.local.")
    assert missing.rcode().name == "NXDOMAIN"
    assert str(missing.authority[0].name) == "cluster.local."
    # Special-use names around them are answered locally.
    for name, zone in (("printer.local.", "local."), ("1.2.3.10.in-addr.arpa.", "10.in-addr.arpa.")):
        outside = ask(server, name, "PTR")
        assert outside.rcode().name == "NXDOMAIN"
        assert str(outside.authority[0].name) == zone
    assert provider.queries == 0


def test_clear_text_is_logged_once_and_forbidden_for_providers(launch_zones, cluster, tmp_path):
    server = launch_zones({"cluster.local": [clear(cluster), "tcp://127.0.0.1:1"]})
    lines = [line for line in server.log_text().splitlines() if "clear text" in line]
    assert len(lines) == 1 and "cluster.local." in lines[0] and clear(cluster) in lines[0]
    refused = run("check", "--upstream", "udp://9.9.9.9")
    assert refused.returncode == 1
    assert "clear text, which only `zones` and `bootstrap` may use" in refused.stderr


def test_a_zone_server_that_is_an_own_listener_is_an_error(tmp_path):
    port = free_port()
    file = tmp_path / "loop.yaml"
    file.write_text(f"listen: ['127.0.0.1:{port}']\nadmin: off\nzones:\n"
                    f"  - zone: corp.example\n    upstream: ['udp://127.0.0.1:{port}']\n")
    refused = run("check", "--config", file)
    assert refused.returncode == 1
    assert f"loop.yaml:5: upstream: 127.0.0.1:{port} is this program's own listener" in refused.stderr
