# SPDX-License-Identifier: Apache-2.0
"""What clients get when the only provider is gone (RFC 8767, RFC 9520)."""

import signal
import time

import dns.edns
import dns.rcode
import pytest

from ask import ask

LIMIT_SECONDS = 20


def extended_errors(message):
    return [int(option.code) for option in message.options if isinstance(option, dns.edns.EDEOption)]


def poll_until(condition, what):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def provider(lab):
    """One that may be stopped, and is there again after the test."""
    provider = lab.servers["nsd"]
    yield provider
    provider.signal(signal.SIGCONT)
    provider.stop()
    lab.restart(provider)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "silent"])
def test_what_expired_is_given_when_nobody_answers(launch, provider, how):
    server = launch(upstreams=[provider.upstream])
    name = f"stale-{how.name.lower()}.ttl-2.lab.example."
    fresh = ask(server, name)
    assert fresh.answer and not extended_errors(fresh)
    provider.signal(how)
    seen = []
    poll_until(lambda: seen.append(ask(server, name)) or extended_errors(seen[-1]) == [3],
               "never stale")
    assert all(message.answer for message in seen)
    assert [rrset.ttl for rrset in seen[-1].answer] == [30]
    began = time.monotonic()
    assert extended_errors(ask(server, name)) == [3]
    assert time.monotonic() - began < 1, "stale data is given at once after a failed refresh"
    assert server.metric("dotcache_stale_answers_total") >= 2


def test_a_failure_is_remembered_and_recovery_shows(lab, launch, provider):
    server = launch(upstreams=[provider.upstream])
    name = "never-seen.fresh.lab.example."
    provider.stop(kill=True)
    poll_until(lambda: ask(server, name).rcode() == dns.rcode.SERVFAIL, "answered by nobody")
    poll_until(lambda: extended_errors(ask(server, name)) == [13], "never remembered")
    assert server.metric("dotcache_cached_failures_total") >= 1
    lab.restart(provider)
    poll_until(lambda: ask(server, name).rcode() == dns.rcode.NOERROR, "no recovery")
