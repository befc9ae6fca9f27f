# SPDX-License-Identifier: Apache-2.0
"""Providers by host name, resolved by a real server, and starts while no upstream can be reached.
"""

import itertools

import pytest

from ask import ask
from dotcache import run
from host_providers import HOST, HostProviders
from stream_of_queries import StreamOfQueries
from waiting import wait_for


@pytest.fixture
def host(lab, tmp_path):
    providers = HostProviders(lab, tmp_path / "host")
    yield providers
    providers.stop()


def start(launch, host, *arguments, port=True, transport="udp", **options):
    """Starts a dotcache whose only provider is the host name."""
    upstream = f"tls://{HOST}:{host.dot_port}" if port else f"tls://{HOST}"
    return launch(*arguments, "--bootstrap", host.bootstrap_as(transport), upstreams=[upstream], **options)


def wait_for_line(server, *parts):
    """Waits until the log has a line with all these parts."""
    wait_for(lambda: any(all(part in line for part in parts)
                         for line in server.log_text().splitlines()),
             lambda: f"no line with {parts}:\n{server.log_text()}")


def wait_until_answered(server, label):
    """Queries new names until one is answered."""
    numbers = itertools.count()
    wait_for(lambda: ask(server, f"{label}-{next(numbers)}.fresh.lab.example.").answer,
             server.log_text)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_host_name_resolved_over_any_transport_answers_the_first_query(launch, host, transport):
    host.publish("127.0.0.2")
    host.start_provider("127.0.0.2")
    host.start_bootstrap()
    server = start(launch, host, transport=transport, wait="/health")
    assert ask(server, "first.fresh.lab.example.").answer, server.log_text()
    wait_for_line(server, "upstream resolved", f"provider={HOST}",
                  f"addresses=127.0.0.2:{host.dot_port}")
    assert server.metric("dotcache_upstream_up", provider=HOST, address=f"{HOST}/0") == 1
    assert server.metric("dotcache_upstream_responses_total", provider=HOST, rcode="NOERROR") >= 1
    assert f"{HOST}/1" not in server.get("/metrics")[1]


@pytest.mark.parametrize("insecure", [False, True], ids=["authenticated", "insecure"])
def test_the_start_logs_each_bootstrap_server_and_warns_of_insecure_ones(
        launch, host, tmp_path, insecure):
    config = tmp_path / "dotcache.yaml"
    config.write_text("bootstrap:\n  - 'udp://127.0.0.1:5399'\n"
                      "  - {addresses: ['127.0.0.1:8599'], name: dns.example, "
                      f"insecure: {str(insecure).lower()}}}\n")
    server = launch("--config", config, upstreams=[f"tls://{HOST}"], wait=None)
    wait_for_line(server, "started")  # This line comes after them.
    lines = server.log_text().splitlines()
    told = [line for line in lines if " bootstrap " in line and "address=" in line]
    plan = [line for line in told if "transport=" in line]
    assert ["transport=udp" in line and "127.0.0.1:5399" in line for line in plan] == [True, False]
    assert "127.0.0.1:8599" in plan[1] and "transport=dot" in plan[1]
    warnings = [line for line in lines if "bootstrap is not authenticated" in line]
    assert ["127.0.0.1:8599" in line for line in warnings] == [True] * insecure


@pytest.mark.parametrize("addresses", [["127.0.0.2"], []], ids=["port", "port-and-hint"])
def test_the_svcb_record_gives_the_port(launch, host, addresses):
    hint = "" if addresses else "ipv4hint=127.0.0.2"
    host.publish(*addresses, service=f"1 {HOST}. alpn=dot port={host.dot_port} {hint}")
    host.start_provider("127.0.0.2")
    host.start_bootstrap()
    server = start(launch, host, port=False)
    assert ask(server, "service.fresh.lab.example.").answer, server.log_text()


def test_no_query_fails_when_an_address_changes(launch, host):
    host.publish("127.0.0.2")
    host.start_provider("127.0.0.2")
    host.start_bootstrap()
    server = start(launch, host, "--workers", "1")
    with StreamOfQueries(server, "moves") as stream:
        stream.wait_for_answers(50)
        host.start_provider("127.0.0.3")
        host.publish("127.0.0.3")
        wait_for_line(server, "upstream resolved", f"addresses=127.0.0.3:{host.dot_port}")
        stream.wait_for_answers(50)
        host.servers["127.0.0.2"].stop(kill=True)
        stream.wait_for_answers(100)
    assert not stream.failed, stream.summary() + "\n" + server.log_text()
    assert "upstream down" not in server.log_text()


def test_a_provider_that_moves_without_notice_is_resolved_again(launch, host):
    host.publish("127.0.0.2")
    host.start_provider("127.0.0.2")
    host.start_bootstrap()
    server = start(launch, host)
    host.servers["127.0.0.2"].stop(kill=True)
    host.start_provider("127.0.0.3")
    host.publish("127.0.0.3")
    wait_until_answered(server, "moved")


def test_a_name_that_cannot_be_resolved_at_start_is_logged_and_retried(launch, host):
    host.publish("127.0.0.2")
    server = start(launch, host, wait="/health")
    wait_for_line(server, "warning", "upstream cannot be resolved", f"provider={HOST}", "cause=")
    wait_for_line(server, "no upstream reachable")
    assert server.get("/ready")[0] == 503
    assert ask(server, "early.fresh.lab.example.").rcode().name == "SERVFAIL"
    host.start_provider("127.0.0.2")
    host.start_bootstrap()
    wait_until_answered(server, "late")
    server.wait_until("/ready")
    wait_for_line(server, "ready")
    assert server.log_text().count("upstream cannot be resolved") == 1


def test_a_start_without_a_reachable_upstream_is_logged_and_recovers(lab, launch):
    providers = lab.providers[:2]
    for provider in providers:
        provider.stop(kill=True)
    try:
        server = launch(upstreams=[provider.upstream for provider in providers], wait="/health")
        wait_for_line(server, "warning", "no upstream reachable", "zone=.")
        assert server.get("/ready")[0] == 503
    finally:
        for provider in providers:
            lab.restart(provider)
    wait_until_answered(server, "alive")
    server.wait_until("/ready")
    assert server.log_text().count("no upstream reachable") == 1


def test_a_host_name_needs_a_bootstrap_server():
    failed = run("check", "--upstream", f"tls://{HOST}")
    assert failed.returncode == 1
    assert f"--upstream: upstream: the host name {HOST} needs a `bootstrap` server" in failed.stderr
    assert "bootstrap: [tls://" in failed.stderr
