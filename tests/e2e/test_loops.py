# SPDX-License-Identifier: Apache-2.0
"""Forwarding loops: found and avoided, or harmless without probes."""

import concurrent.futures
import contextlib
import itertools

import pytest

from ask import ADDRESS, ask
from counting_provider import CountingProvider
from dotcache import run
from host_providers import HOST, HostProviders
from lab.lab import LISTENER_NAME, free_port
from lab.relays import DatagramRelay, StreamRelay
from lab.servers import UNBOUND_BASICS, LabServer
from waiting import wait_for

FOUND = "forwarding loop: queries sent to this upstream come back"
GONE = "the forwarding loop has ended"
ZONE = "loop.example"
# Two attempts, however many workers there are, and again if the other forwarder still retries after
# the failure has expired from the cache.
MESSAGES_A_NAME = 8
# An unbound that forwards the zone to another server. It answers one name of its own, which shows
# that it is up.
UNBOUND = UNBOUND_BASICS + """
server:
  directory: "{directory}"
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  local-zone: "lab.example." static
  local-data: "lab.example. 60 SOA ns. root. 1 7200 1800 86400 5"
forward-zone:
  name: "{zone}"
  forward-addr: 127.0.0.1@{target}
"""


def looping(server, port):
    return server.upstream(f"{ADDRESS}:{port}")["loops"]


def sent(server, port):
    return server.upstream(f"{ADDRESS}:{port}")["queries"]


def extended_error(reply):
    return next((option.code, option.text) for option in reply.options if option.otype == 15)


@pytest.fixture
def provider(lab):
    """The provider that is not part of the loop. It is also the intended target of the relay."""
    with CountingProvider(*lab.listener) as counting:
        yield counting


@pytest.fixture
def datagrams():
    with contextlib.closing(DatagramRelay()) as relay:
        yield relay


@pytest.fixture
def launch_zone(launch, provider, tmp_path):
    """launch_zone(port, ...): starts a dotcache that forwards the zone to 127.0.0.1:port and all
    other names to the provider.
    """
    def launch_with(port, *arguments, **options):
        file = tmp_path / f"{port}.yaml"
        file.write_text(f"zones:\n  - zone: {ZONE}\n    upstream: ['udp://{ADDRESS}:{port}']\n")
        return launch("--config", file, *arguments, wait=None,
                      upstreams=[f"tls://{ADDRESS}:{provider.port}#{LISTENER_NAME}"], **options)
    return launch_with


@pytest.fixture
def forwarder(lab, launch_zone, tmp_path):
    """forwarder(kind, port, **options): starts a server that forwards the zone to 127.0.0.1:port,
    and returns its classic port.
    """
    started = []

    def start(kind, target, *arguments, **options):
        if kind == "dotcache":
            return launch_zone(target, *arguments, **options).wait_until()
        server = LabServer("unbound", tmp_path / "unbound", free_port())
        server.directory.mkdir()
        (server.directory / "server.conf").write_text(UNBOUND.format(
            directory=server.directory, port=server.classic_port, zone=ZONE, target=target))
        started.append(server)
        server.start()
        server.wait_until_ready(None)
        return server

    yield start
    for server in started:
        server.stop()


def port_of(server):
    return getattr(server, "port", None) or server.classic_port


def test_an_upstream_that_is_an_own_listener_is_an_error_at_start(lab):
    port = free_port()
    certificate, key = lab.listener
    done = run("serve", "--listen", f"tls://0.0.0.0:{port}", "--admin", "off", "--upstream-ca", lab.ca_file,
               "--listen-cert", certificate, "--listen-key", key, "--upstream", f"tls://127.9.8.7:{port}")
    assert done.returncode == 1
    assert f"--upstream: upstream: 127.9.8.7:{port} is this program's own listener 0.0.0.0:{port}" in done.stderr


def test_a_tls_redirect_to_this_server_is_found_and_avoided_until_it_ends(launch, provider):
    with contextlib.closing(StreamRelay()) as relay:
        ways = [f"tls://{ADDRESS}:{port}#{LISTENER_NAME}" for port in (relay.port, provider.port)]
        server = launch("--policy", "sequential", upstreams=ways, wait=None, loop_check="on")
        relay.turn_to(server.dot_port)
        server.wait_until()
        wait_for(lambda: looping(server, relay.port), "the loop is not found")
        wait_for(lambda: FOUND in server.log_text(), "the loop is not told")
        assert f"{ADDRESS}:{relay.port}" in next(line for line in server.log_text().splitlines() if FOUND in line)
        before = sent(server, relay.port)
        for number in range(20):
            assert ask(server, f"host-{number}.example.").answer
        assert sent(server, relay.port) == before, "a looping server got a query"
        assert server.log_text().count(FOUND) == 1
        relay.turn_to(provider.port)
        wait_for(lambda: GONE in server.log_text(), "the loop's end is not told")
        assert not looping(server, relay.port)
        later = itertools.count()
        wait_for(lambda: ask(server, f"later-{next(later)}.example.").answer and
                 sent(server, relay.port) > before, "a server that loops no more is not used again")


def test_a_loop_through_a_host_name_is_found(launch, lab, provider, tmp_path):
    host = HostProviders(lab, tmp_path / "host")
    try:
        with contextlib.closing(StreamRelay()) as relay:
            host.publish(ADDRESS)
            host.start_bootstrap()
            ways = [f"tls://{HOST}:{relay.port}#{LISTENER_NAME}", f"tls://{ADDRESS}:{provider.port}#{LISTENER_NAME}"]
            server = launch("--bootstrap", host.bootstrap_as("udp"), upstreams=ways, wait=None, loop_check="on")
            relay.turn_to(server.dot_port)
            server.wait_until()
            wait_for(lambda: FOUND in server.log_text(), "the loop is not told")
            assert f"{ADDRESS}:{relay.port}" in next(line for line in server.log_text().splitlines() if FOUND in line)
            assert server.upstream(f"{HOST}/0")["loops"]
            assert server.metric("dotcache_upstream_loops", provider=HOST)
            assert ask(server, "host.example.").answer
    finally:
        host.stop()


def test_a_single_looping_server_is_servfail_at_once(launch_zone, datagrams):
    server = launch_zone(datagrams.port, loop_check="on")
    datagrams.target = server.port
    server.wait_until()
    wait_for(lambda: looping(server, datagrams.port), "the loop is not found")
    reply = ask(server, f"www.{ZONE}.")
    assert reply.rcode().name == "SERVFAIL"
    assert extended_error(reply)[0] == 0 and "forwarding loop" in str(extended_error(reply)[1])
    assert not datagrams.names[f"www.{ZONE}."]
    assert ask(server, "public.example.").answer, "the other zones are served"


@pytest.mark.parametrize("kind", ["dotcache", "unbound"])
def test_begin_and_end_of_a_loop_through_another_server_are_found(launch_zone, forwarder, datagrams, lab, kind):
    server = launch_zone(datagrams.port, loop_check="on").wait_until()
    other = forwarder(kind, server.port, **({"loop_check": "on"} if kind == "dotcache" else {}))
    datagrams.target = port_of(other)
    wait_for(lambda: looping(server, datagrams.port), "the loop is not found")
    wait_for(lambda: FOUND in server.log_text(), "the loop is not told")
    reply = ask(server, f"www.{ZONE}.")
    assert reply.rcode().name == "SERVFAIL" and "forwarding loop" in str(extended_error(reply)[1])
    assert not datagrams.names[f"www.{ZONE}."]
    for name, count in dict(datagrams.names).items():
        # The name of the zone is what a server is asked for a sign of life.
        assert count <= (12 if name == f"{ZONE}." else 4), f"{count} probes {name}"
    # Another server is there now. It refuses the zone and forwards nothing.
    datagrams.target = lab.servers["nsd"].classic_port
    wait_for(lambda: not looping(server, datagrams.port), "the loop's end is not found")
    later = (f"later-{number}.{ZONE}." for number in itertools.count())
    wait_for(lambda: (name := next(later), ask(server, name), datagrams.names[name])[2],
             "a server that loops no more is not used again")


@pytest.mark.parametrize("kind", ["dotcache", "unbound", "oneself"])
def test_a_loop_without_probes_causes_few_queries(launch_zone, forwarder, datagrams, provider, kind):
    server = launch_zone(datagrams.port, "--workers", 2).wait_until()
    if kind == "oneself":
        datagrams.target = server.port
    else:
        datagrams.target = port_of(forwarder(kind, server.port, *(["--workers", 2] if kind == "dotcache" else [])))
    names = [f"host-{number}.{ZONE}." for number in range(20)]
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        asked = [pool.submit(ask, server, name) for name in names]
        for number in range(100):
            assert ask(server, f"public-{kind}-{number}.example.").answer, "the loop affects other names"
        for reply in asked:
            assert reply.result().rcode().name == "SERVFAIL"
    # Queries in the loop have ended when every exchange has ended.
    wait_for(lambda: server.metric("dotcache_pending_queries") == 0, "an exchange does not end")
    counts = [datagrams.names[name] for name in names]
    print(f"{kind}: messages per name on the loop: {min(counts)} to {max(counts)}, {sum(counts) / len(counts)} on average")
    assert max(counts) <= MESSAGES_A_NAME
