# SPDX-License-Identifier: Apache-2.0
"""A provider with broken IPv6 is used over IPv4 without delay."""

import json
import socket

import pytest

from ask import ask
from black_hole import BlackHole
from stream_of_queries import StreamOfQueries


@pytest.fixture
def black_holes():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 on loopback: {error}")
    holes = [BlackHole("::1") for _ in range(2)]
    yield holes
    for hole in holes:
        hole.close()


def explanation(server, name):
    status, body = server.get(f"/explain?name={name}")
    assert status == 200, body
    return json.loads(body)


def order(server, name):
    return [entry["address"] for entry in explanation(server, name)["servers"]]


def test_the_first_query_does_not_wait_for_ipv6(lab, launch, black_holes):
    provider = lab.servers["unbound"]
    name = provider.upstream.rpartition("#")[2]
    dead = [f"tls://[::1]:{hole.port}#{name}" for hole in black_holes]
    server = launch("--workers", "1", "--policy", "sequential",
                    upstreams=[*dead, provider.upstream], wait="/health")
    with StreamOfQueries(server, "dual-stack") as stream:
        stream.wait_for_answers(100)
    assert not stream.failed, stream.summary() + "\n" + server.log_text()


def test_a_broken_family_is_known_in_zones_without_queries(lab, launch, black_holes,
                                                                       tmp_path):
    provider = lab.servers["unbound"]
    name = provider.upstream.rpartition("#")[2]
    holes = [f"tls://[::1]:{hole.port}#{name}" for hole in black_holes]
    config = tmp_path / "dotcache.yaml"
    config.write_text(json.dumps({
        "policy": "sequential", "workers": 1, "upstream-connect-timeout": "500ms",
        "zones": [{"zone": "cold.example", "policy": "sequential",
                   "upstream": [f"tls://[::1]:9#{name}", provider.upstream]}]}))
    server = launch("--config", config, upstreams=[*holes, provider.upstream])
    while "address family does not work family=IPv6" not in server.log_text():
        ask(server, "www.lab.example.")
        assert server.process.poll() is None
    assert order(server, "www.cold.example")[0].startswith("127.0.0.1")
    assert explanation(server, "www.cold.example")["servers"][1]["why"] == "IPv6 does not work here"
    ask(server, "www.cold.example.")
    assert server.upstream("[::1]:9")["queries"] == 0


def test_explain_names_zone_policy_and_reasons(lab, launch, tmp_path):
    provider, other = lab.servers["unbound"], lab.servers["nsd"]
    config = tmp_path / "dotcache.yaml"
    config.write_text(json.dumps({"zones": [{"zone": "corp.example", "policy": "round-robin",
                                             "upstream": [other.upstream]}]}))
    server = launch("--workers", "1", "--config", config, "--policy", "fastest", upstreams=[provider.upstream])
    ask(server, "www.lab.example.")
    outside = explanation(server, "www.lab.example")
    assert (outside["zone"], outside["policy"]) == (".", "fastest")
    assert outside["servers"][0]["state"] == "up"
    assert outside["servers"][0]["connections"] >= 1
    inside = explanation(server, "a.b.corp.example")
    assert (inside["zone"], inside["policy"]) == ("corp.example.", "round-robin")
    assert [entry["why"] for entry in inside["servers"]] == ["not connected"]
    provider.stop(kill=True)
    try:
        while explanation(server, "x.lab.example")["servers"][0]["state"] not in ("down", "dead"):
            ask(server, "x.lab.example.")
        down = explanation(server, "x.lab.example")["servers"][0]
        assert down["why"].startswith("down: refused: ") and down["next_probe_in_ms"] is not None
    finally:
        lab.restart(provider)
