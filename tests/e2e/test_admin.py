# SPDX-License-Identifier: Apache-2.0
"""The admin address, and that the log contains no names."""

import collections
import socket
import subprocess
import threading

from ask import ask
from dotcache import ADDRESS, clean_environment
from lab.lab import PROVIDER_NAME, free_port
from odd_provider import OddProvider
from waiting import wait_for

RCODES, REASONS = ("NOERROR", "SERVFAIL", "REFUSED"), ("lost", "bad-response")


def test_metrics_pass_promtool(server):
    ask(server, "www.lab.example.")
    status, text = server.get("/metrics")
    assert status == 200
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                             text=True, timeout=20)
    assert checked.returncode == 0 and not checked.stderr, checked.stderr


def test_metrics_count_queries_responses_cache_and_providers(lab, launch):
    provider = lab.servers["nsd"]
    server = launch(upstreams=[provider.upstream])
    for transport in ("udp", "tcp", "dot"):
        for _ in range(2):
            ask(server, f"count-{transport}.fresh.lab.example.", transport=transport)
    ask(server, "nothing-to-count.lab.example.")
    for transport, count in (("udp", 3), ("tcp", 2), ("dot", 2)):
        assert server.metric("dotcache_queries_total", transport=transport) == count
    assert server.metric("dotcache_responses_total", rcode="NOERROR") == 6
    assert server.metric("dotcache_responses_total", rcode="NXDOMAIN") == 1
    assert server.metric("dotcache_cache_misses_total") == 4
    assert server.metric("dotcache_cache_hits_total") == 3
    assert server.metric("dotcache_cache_entries") == 4
    allocated = server.metric("dotcache_memory_allocated_bytes")
    assert 0 < server.metric("dotcache_cache_bytes") < allocated
    wait_for(lambda: not server.metric("dotcache_upstream_in_flight"), "not at rest")
    # A provider that is late, because the machine is busy, gets a query again.
    repeated = (server.metric("dotcache_upstream_given_up_total") +
                server.metric("dotcache_upstream_failures_total"))
    assert server.metric("dotcache_upstream_responses_total") == 4
    assert server.metric("dotcache_upstream_queries_total") == 4 + repeated
    assert server.upstream(f"127.0.0.1:{provider.dot_port}")["queries"] == 4 + repeated


def test_every_query_to_a_provider_is_counted_once(lab, launch):
    # Two providers that answer well, late, with errors, or not at all.
    names = [PROVIDER_NAME, "other." + PROVIDER_NAME]
    certificate = lab.authority.issue("odd", names)
    with OddProvider(*certificate) as first, OddProvider(*certificate) as second:
        server = launch(upstreams=[f"tls://{ADDRESS}:{each.port}#{name}"
                                   for each, name in zip((first, second), names)])
        cases = ("normal", "servfail", "refused", "silent", "late3s", "close", "rst", "wrongid",
                 "cutrdata", "tcbit", "normal", "zerolen")
        threads = [threading.Thread(target=ask, args=(server, f"{case}.{number}.odd.example."))
                   for case in cases for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: not server.metric("dotcache_pending_queries") and
                 not server.metric("dotcache_upstream_in_flight"), "not at rest")
        totals = collections.Counter()
        for name in names:
            def of(family, provider=name, **labels):
                return server.metric(f"dotcache_upstream_{family}", provider=provider, **labels)

            ends = {end: of(f"{end}_total") for end in ("responses", "failures", "given_up")}
            assert of("queries_total") == sum(ends.values()), ends
            assert of("queries_total") > 0
            # A late response is in the histogram, and its attempt is counted as given up.
            late = of("late_responses_total")
            assert late <= ends["given_up"]
            assert of("response_seconds_count") <= ends["responses"] + late
            totals.update({"given_up": ends["given_up"]})
            totals.update({rcode: of("responses_total", rcode=rcode) for rcode in RCODES})
            totals.update({reason: of("failures_total", reason=reason) for reason in REASONS})
        # Which of the two gets which query depends on their response times.
        assert set(totals) == {"given_up", *RCODES, *REASONS} and min(totals.values()) > 0, totals


def test_logs_contain_no_names(launch):
    server = launch("--log-level", "debug")
    for name in ("very-private.fresh.lab.example.", "very-private.no-such-zone."):
        ask(server, name)
    server.terminate()
    assert "very-private" not in server.log_text()


def test_the_admin_address_can_be_disabled(lab, launch):
    port = free_port()
    server = launch("--listen", f"{ADDRESS}:{port}", wait="/health")
    server.terminate()
    assert server.process.returncode == 0
    command = list(server.command)
    command[command.index("--admin") + 1] = "off"
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=clean_environment())
    try:
        while b"started" not in process.stderr.readline():
            assert process.poll() is None
        with socket.socket() as sock:
            assert sock.connect_ex((ADDRESS, server.admin_port)) != 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
