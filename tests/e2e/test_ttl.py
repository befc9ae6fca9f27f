# SPDX-License-Identifier: Apache-2.0
"""How long answers live: ageing, expiry, negative answers (RFC 2181 section 8, RFC 2308)."""

import time

import pytest

from ask import ask, rrsets, types

LIMIT_SECONDS = 20


def ttl_of(message, section="answer"):
    return min(rrset.ttl for rrset in getattr(message, section))


def poll_until(condition, what):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("transport", ["udp", "tcp", "dot"])
def test_ttls_only_run_down(server, transport):
    name = f"ageing-{transport}.fresh.lab.example."
    seen = [ttl_of(ask(server, name, transport=transport))]
    poll_until(lambda: seen.append(ttl_of(ask(server, name, transport=transport))) or
               seen[-1] <= seen[0] - 2, f"no ageing: {seen}")
    assert seen == sorted(seen, reverse=True)
    assert seen[0] <= 3600


def test_all_ttls_of_a_chain_age_together(server):
    first = ask(server, "chain-1.lab.example.")
    poll_until(lambda: all(rrset.ttl < first.answer[0].ttl
                           for rrset in ask(server, "chain-1.lab.example.").answer), "no ageing")


def test_an_expired_answer_is_fetched_again(pair):
    server, provider = pair
    name = f"expiry-{provider.kind}.ttl-2.lab.example."
    seen = [ttl_of(ask(server, name))]
    assert seen[0] <= 2
    # Down to the end of its life, then up: an answer fetched anew.
    poll_until(lambda: seen.append(ttl_of(ask(server, name))) or seen[-1] > seen[-2],
               f"never fetched again: {seen}")
    assert max(seen) <= 2


def test_a_ttl_of_zero_is_not_kept(server):
    before = server.metric("dotcache_cache_entries")
    for _ in range(3):
        answer = ask(server, "ttl-0.lab.example.").answer
        assert [rrset.ttl for rrset in answer] == [0]
    assert server.metric("dotcache_cache_entries") == before


@pytest.mark.parametrize("name, rr_type", [
    ("negative.no-such-zone.", "A"), ("negative.lab.example.", "A"), ("v4only.lab.example.", "AAAA"),
    ("empty.lab.example.", "TXT")])
def test_negative_answers_live_for_the_soa_minimum(pair, name, rr_type):
    """The SOA's TTL is 900 and its MINIMUM 60: RFC 2308 section 5 takes the lesser."""
    server, _ = pair
    response = ask(server, name, rr_type)
    assert not response.answer
    assert types(response.authority) == ["SOA"]
    first = ttl_of(response, "authority")
    assert first <= 60
    poll_until(lambda: ttl_of(ask(server, name, rr_type), "authority") < first, "no ageing")


def test_a_second_question_is_answered_from_the_cache(launch):
    server = launch()
    first = ask(server, "once.fresh.lab.example.")
    asked = server.metric("dotcache_upstream_queries_total")
    hits = server.metric("dotcache_cache_hits_total")
    for transport in ("udp", "tcp", "dot"):
        again = ask(server, "ONCE.fresh.lab.example.", transport=transport)
        assert rrsets(again.answer) == rrsets(first.answer)
    assert server.metric("dotcache_upstream_queries_total") == asked
    assert server.metric("dotcache_cache_hits_total") == hits + 3
