# SPDX-License-Identifier: Apache-2.0
"""The cache with the real clock and real providers. The scenarios test the rules (RFC 2181, RFC
2308, RFC 8767).
"""

import dns.edns

from ask import ask, rrsets
from waiting import wait_for


def ttl_of(message, section="answer"):
    return min(rrset.ttl for rrset in getattr(message, section))


def test_an_expired_answer_is_fetched_again(pair):
    server, provider = pair
    name = f"expiry-{provider.kind}.ttl-2.lab.example."
    seen = [ttl_of(ask(server, name))]
    assert seen[0] <= 2
    # The TTL decreases to its end and then rises again, because the answer was fetched again.
    wait_for(lambda: seen.append(ttl_of(ask(server, name))) or seen[-1] > seen[-2],
             f"never fetched again: {seen}")
    assert max(seen) <= 2


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


def test_cached_replies_begin_with_each_address_in_turn(launch):
    server = launch()
    firsts = [str(ask(server, "www.lab.example.").answer[0][0]) for _ in range(20)]
    assert sorted(set(firsts)) == ["198.18.0.80", "198.18.0.81"], firsts


def extended_errors(message):
    return [int(option.code) for option in message.options if isinstance(option, dns.edns.EDEOption)]


def test_stale_data_is_served_when_no_provider_answers(launch, nsd):
    server = launch(upstreams=[nsd.upstream])
    name = "stale.ttl-2.lab.example."
    fresh = ask(server, name)
    assert fresh.answer and not extended_errors(fresh)
    nsd.stop(kill=True)
    seen = []
    wait_for(lambda: seen.append(ask(server, name)) or extended_errors(seen[-1]) == [3],
             "never stale")
    assert all(message.answer for message in seen)
    assert [rrset.ttl for rrset in seen[-1].answer] == [30]
    assert extended_errors(ask(server, name)) == [3]
    assert server.metric("dotcache_stale_answers_total") >= 2
