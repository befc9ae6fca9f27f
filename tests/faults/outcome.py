# SPDX-License-Identifier: Apache-2.0
"""The results of the queries of a plan, compared with the goals."""

import dataclasses
import math

import client

DEAD_MS = 2000            # Every client has a reply by then.
KNOWN_DEAD_MS = 5
PROBES_PER_SECOND = 1.05  # One, and a twentieth more because timers are not all equally late.
# No reachable authority, network error, and cached error (RFC 8914).
ERRORS_OF_THE_DEAD = {"22", "23", "13"}


@dataclasses.dataclass(frozen=True)
class Goal:
    """The goals for queries while a provider can be reached. The constants above apply while all
    providers are dead.
    """

    p99_ms: float = 100
    max_ms: float = 500
    failed_share: float = 0.0
    # So long after the begin of an outage, dotcache knows that all providers are dead.
    known_dead_s: float = 1.5
    back_s: float = 1.1  # From a repair to the first answer: a second and a handshake.
    # While all providers are dead, all queries are for names that were queried before.
    stale: bool = False

    def __str__(self):
        share = f"{self.failed_share:.2%}" if self.failed_share else "0"
        return f"{share} / {self.p99_ms:g} / {self.max_ms:g}"


class Outcome:
    def __init__(self, goal, plan, replies, syn_counter):
        self._goal, self.plan, self.replies = goal, plan, replies
        outages = [step.began for step in plan if step.dead]
        live = [reply for reply in replies if reply.step.counted and not reply.step.dead and not
                (reply.step.recovers and reply.sent < reply.step.began + goal.back_s) and not
                any(reply.sent < began < reply.came for began in outages)]
        self.asked = len(live)
        self.failed = [reply for reply in live if not reply.answered]
        self.times_ms = [reply.elapsed_ms for reply in live if reply.answered]
        self.silent = [reply for reply in replies if reply.step.counted and reply.rcode is None]
        self.poisoned = sum(reply.poisoned for reply in replies)
        self.dead = [reply for reply in replies if reply.step.dead]
        self.known_dead_ms = [reply.elapsed_ms for reply in self.dead
                              if reply.sent >= reply.step.began + goal.known_dead_s]
        self.first_success_s = max(map(self._first_success, self._recoveries()),
                                   default=float("nan"))
        self.probes_per_second = max((self._attempts_per_second(step, syn_counter)
                                      for step in self._long_dead_steps()), default=float("nan"))

    def _recoveries(self):
        return [step for step in self.plan
                if step.recovers and step.ended - step.began >= self._goal.back_s]

    def _long_dead_steps(self):
        return [step for step in self.plan
                if step.dead and step.ended - step.began >= self._goal.known_dead_s + 1]

    def _attempts_per_second(self, step, syn_counter):
        """Returns the attempts to connect per second to the provider with the most, after dotcache
        knows that all are dead.
        """
        begin = step.began + self._goal.known_dead_s
        # An interval of n seconds can include n + 1 attempts.
        intervals = max(0, syn_counter.most_to_one(begin, step.ended) - 1)
        return intervals / (step.ended - begin)

    def _first_success(self, step):
        return min((reply.came - step.began for reply in self.replies
                    if reply.step is step and reply.answered), default=float("inf"))

    @property
    def p99_ms(self):
        return client.percentile(self.times_ms, 0.99)

    @property
    def max_ms(self):
        return max(self.times_ms, default=float("nan"))

    def wrong_answers(self):
        """Returns errors that are wrong even on a busy machine."""
        goal = self._goal
        if self.silent:
            yield f"{len(self.silent)} queries without a reply"
        if self.poisoned:
            yield f"{self.poisoned} poisoned"
        if math.isinf(self.first_success_s):
            yield "no query was answered after a repair"
        # Errors are correct until the first success. Its time is checked elsewhere.
        failed = sum(not (reply.step.recovers and reply.sent < reply.step.began +
                          self._first_success(reply.step)) for reply in self.failed)
        if failed > goal.failed_share * self.asked:
            yield f"{failed} of {self.asked} failed"
        codes = client.codes_of(reply for reply in self.dead if not reply.answered)
        if strange := set(codes) - ERRORS_OF_THE_DEAD:
            yield f"extended errors while all are dead: {', '.join(sorted(strange))}"
        if goal.stale and (fresh := sum(not reply.stale for reply in self.dead)):
            yield f"{fresh} of {len(self.dead)} not stale while all are dead"

    def slow_answers(self):
        """Returns what took longer than its goal."""
        goal = self._goal
        slowest_dead = max((reply.elapsed_ms for reply in self.dead), default=0)
        measured = ((self.p99_ms, goal.p99_ms, "p99 {:.1f} ms"),
                    (self.max_ms, goal.max_ms, "max {:.1f} ms"),
                    (slowest_dead, DEAD_MS, "slowest reply while all are dead {:.0f} ms"),
                    (client.percentile(self.known_dead_ms, 0.99), KNOWN_DEAD_MS,
                     "p99 once known dead {:.1f} ms"),
                    (self.first_success_s, goal.back_s, "first success after {:.2f} s"),
                    (self.probes_per_second, PROBES_PER_SECOND,
                     "{:.1f} attempts to connect a second to one dead provider"))
        missed = [text.format(value) for value, limit, text in measured if value > limit]
        if self._long_dead_steps() and math.isnan(self.probes_per_second):
            missed.append("attempts to connect were not counted, because this needs CAP_NET_RAW")
        return missed

    def cell(self, providers):
        """Returns the cell of the Markdown table."""
        parts = [f"{len(self.failed)} / {self.p99_ms:.0f} / {self.max_ms:.0f}"]
        if self.dead:
            stale = sum(reply.stale for reply in self.dead)
            errors = client.codes_of(reply for reply in self.dead
                                     if reply.rcode is not None and not reply.answered)
            said = ", ".join(f"{count} EDE {code}" for code, count in errors.most_common())
            parts.append(f"dead: {stale} stale, {said or 'no error'}; slowest "
                         f"{max(reply.elapsed_ms for reply in self.dead):.0f}, known dead p99 "
                         f"{client.percentile(self.known_dead_ms, 0.99):.1f} max "
                         f"{max(self.known_dead_ms, default=float('nan')):.1f}; "
                         f"{self.probes_per_second:.1f} probes/s")
        if self._recoveries():
            parts.append(f"back in {self.first_success_s:.2f} s")
        if self.silent:
            parts.append(f"**{len(self.silent)} silent**")
        if self.poisoned:
            parts.append(f"**{self.poisoned} poisoned**")
        sent = sum(provider.counts()["queries"] for provider in providers)
        parts.append(f"×{sent / max(len(self.replies), 1):.2f}")
        return "; ".join(parts)
