# SPDX-License-Identifier: Apache-2.0
"""A failed provider does not affect the other providers or the clients."""

import signal

import pytest

from ask import ask
from lab.lab import PROVIDERS
from stream_of_queries import StreamOfQueries

POLICIES = ["balanced", "fastest", "round-robin", "random", "sequential", "weighted",
            "sticky-hash"]


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_no_query_fails_when_a_provider_stops_and_returns(lab, launch, kind, how):
    server, provider = launch(), lab.servers[kind]
    # A loss shows at once, silence only after a while.
    per_second = 200 if how == signal.SIGKILL else 50
    with StreamOfQueries(server, f"{kind}-{how.name.lower()}", per_second) as stream:
        try:
            stream.wait_for_answers(30)
            provider.signal(how)
            stream.wait_for_answers(150)
        finally:
            if how == signal.SIGSTOP:
                provider.signal(signal.SIGCONT)
            else:
                provider.stop()
                lab.restart(provider)
        stream.wait_for_answers(50)
    assert not stream.failed, stream.summary() + "\n" + server.log_text()


def lose_for_a_while(lab, server, provider, label, **options):
    """Kills the provider during a stream of queries and starts it again. Every query must be
    answered.
    """
    with StreamOfQueries(server, label, per_second=200, **options) as stream:
        stream.wait_for_answers(30)
        provider.stop(kill=True)
        stream.wait_for_answers(100)
        lab.restart(provider)
    assert not stream.failed, stream.summary() + "\n" + server.log_text()


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_survives_the_loss_of_its_first_choice(lab, launch, policy):
    lose_for_a_while(lab, launch("--policy", policy), lab.providers[0], f"policy-{policy}")


def test_clients_of_every_transport_survive(lab, launch):
    lose_for_a_while(lab, launch(), lab.servers["nsd"], "transports", transports=("udp", "tcp", "dot"))


def test_one_remaining_provider_answers(lab, launch):
    server = launch()
    gone = lab.providers[:-1]
    with StreamOfQueries(server, "last-one", per_second=200) as stream:
        stream.wait_for_answers(20)
        for provider in gone:
            provider.stop(kill=True)
        stream.wait_for_answers(150)
        for provider in gone:
            lab.restart(provider)
    assert not stream.failed, stream.summary() + "\n" + server.log_text()


def test_without_a_provider_cached_names_are_answered_and_others_get_servfail(lab, launch):
    provider = lab.servers["unbound"]
    server = launch(upstreams=[provider.upstream])
    ask(server, "cached.fresh.lab.example.")
    provider.stop(kill=True)
    try:
        assert ask(server, "cached.fresh.lab.example.").answer
        failed = ask(server, "not-cached.fresh.lab.example.")
        assert failed.rcode().name == "SERVFAIL"
        assert [option.otype.name for option in failed.options] == ["EDE"]
        # The failure may be cached for a few seconds, not longer.
        lab.restart(provider)
        with StreamOfQueries(server, "back-again", per_second=10) as stream:
            while not stream.answered:
                stream.wait_for_answers(1)
    finally:
        if not provider.running():
            lab.restart(provider)


def test_a_change_of_state_is_one_log_line_with_its_cause(lab, launch):
    provider = lab.servers["nsd"]
    # Round robin uses every server. Other policies may not use a server that is slower than the
    # rest.
    server = launch("--workers", "1", "--policy", "round-robin")
    with StreamOfQueries(server, "log-lines", per_second=200) as stream:
        stream.wait_for_answers(30)
        provider.stop(kill=True)
        stream.wait_for_answers(200)
        lab.restart(provider)
        stream.wait_for_answers(200)
    about_it = [line for line in server.log_text().splitlines()
                if f"127.0.0.1:{provider.dot_port}" in line and "down" in line]
    # On a busy machine the server may be down once more, because it is late. A line a query would be
    # dozens.
    assert 1 <= len(about_it) <= 6, server.log_text()
    assert "log-lines" not in server.log_text(), "a query name in the log"
