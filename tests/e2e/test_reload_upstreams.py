# SPDX-License-Identifier: Apache-2.0
"""A running server takes over other upstream servers and zones."""

import signal

import pytest
from ask import ADDRESS, ask
from counting_provider import CountingProvider
from dotcache import Dotcache
from lab.lab import PROVIDER_NAME
from stream_of_queries import StreamOfQueries
from waiting import wait_for

RELOADS = 20


class Reloaded:
    """A dotcache whose file names its upstream servers."""

    def __init__(self, lab, directory, providers, more=""):
        self.file = directory / "dotcache.yaml"
        self.write(providers, more)
        self.server = Dotcache(lab, directory / "log", [], ["--config", self.file]).wait_until()

    def write(self, providers, more=""):
        lines = [f"  - tls://{ADDRESS}:{each.port}#{PROVIDER_NAME}" for each in providers]
        self.file.write_text("\n".join(["policy: sequential", "upstream:", *lines, more, ""]))

    def reload(self, providers, more="", result="ok"):
        """Returns when the reload is over."""
        self.write(providers, more)
        before = self.reloads(result)
        self.server.signal(signal.SIGHUP)
        wait_for(lambda: self.reloads(result) > before, self.server.log_text)

    def reloads(self, result):
        return self.server.metric("dotcache_config_reloads_total", result=result)

    def ask(self, name):
        return ask(self.server, name)


@pytest.fixture
def two(bare_lab):
    with CountingProvider(*bare_lab.provider) as one, CountingProvider(*bare_lab.provider) as other:
        yield one, other


@pytest.fixture
def start(bare_lab, tmp_path):
    started = []

    def start_one(providers, more=""):
        started.append(Reloaded(bare_lab, tmp_path, providers, more))
        return started[-1]

    yield start_one
    for each in started:
        each.server.kill()


def test_a_replaced_provider_gets_no_more_queries(start, two):
    old, new = two
    reloaded = start([old])
    reloaded.ask("one.example.")
    asked = old.queries
    reloaded.reload([new])
    assert reloaded.server.get("/ready")[0] == 200
    assert reloaded.ask("two.example.").answer
    assert new.queries >= 1
    wait_for(lambda: old.open == 0, "the connection to the former provider is open")
    assert old.queries == asked
    assert reloaded.server.metric("dotcache_upstream_up") == 1  # The former one is not shown.


def test_a_provider_that_stays_keeps_its_connection(start, two):
    stays, comes = two
    reloaded = start([stays])
    reloaded.ask("one.example.")
    connections = stays.connections
    queries = reloaded.server.metric("dotcache_upstream_queries_total")
    reloaded.reload([stays, comes])
    reloaded.reload([stays])
    assert reloaded.ask("two.example.").answer
    # A provider that is late, because the machine is busy, gets a query again on a connection more.
    if not reloaded.server.metric("dotcache_upstream_timeouts_total"):
        assert stays.connections == connections
    assert reloaded.server.metric("dotcache_upstream_queries_total") > queries


def test_no_query_fails_while_providers_are_replaced(start, two):
    reloaded = start([two[0]])
    with StreamOfQueries(reloaded.server, "upstreams", per_second=200,
                         transports=("udp", "tcp", "dot")) as stream:
        for number in range(RELOADS):
            reloaded.reload([two[(number + 1) % 2]])
        stream.wait_for_answers(100)
    assert not stream.failed, stream.summary()


def test_a_zone_comes_and_goes_and_its_names_leave_the_cache(start, two):
    public, private = two
    reloaded = start([public])
    reloaded.ask("www.corp.example.")
    reloaded.ask("www.other.example.")
    zone = ("zones:\n  - zone: corp.example\n    upstream:\n"
            f"      - tls://{ADDRESS}:{private.port}#{PROVIDER_NAME}\n")
    asked = public.queries
    reloaded.reload([public], zone)
    reloaded.ask("www.corp.example.")
    assert private.queries >= 1
    reloaded.ask("www.other.example.")
    assert public.queries == asked  # It was answered from the cache.
    reloaded.reload([public])
    asked_in_zone = private.queries
    assert reloaded.ask("www.corp.example.").answer
    assert private.queries == asked_in_zone and public.queries > asked


def test_an_invalid_file_changes_no_server(start, two):
    old, new = two
    reloaded = start([old])
    reloaded.reload([new], "policy-of-mine: fast\nquery-timeout: soon", result="error")
    reloaded.ask("one.example.")
    assert (old.queries > 0, new.queries) == (True, 0)
    for word in ("policy-of-mine", "query-timeout", "nothing has changed"):
        assert word in reloaded.server.log_text()
