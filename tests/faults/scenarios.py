# SPDX-License-Identifier: Apache-2.0
"""The scenarios: which providers misbehave and when, and the goals of dotcache in each."""

import dataclasses
import datetime
import math
import os
import re
import resource
import signal
import socket
import struct
import threading
import typing

import client
from client import Step
from outcome import Goal

POOL = 200             # Names that are queried repeatedly.
GIANT_EVERY = 20       # One name in this many has a giant answer.
FLAPPING_SECONDS = 60
DEAD_SECONDS = 15      # Long enough to measure the time after dotcache knows about the outage.
ONESHOT_SECONDS = 100
# Connections are idle for 300 ms between bursts.
BURST, BURSTS_SECONDS = 30, 0.3
# Each burst needs two or three connections if those of the burst before are closed. It needs five
# in all if they stay open.
LEAST_PER_BURST = 1.5
CLOSING_BURST = 50     # A third of it is more than a small window takes.
TURNS = 10             # How often the fault occurs.
JUMP_SECONDS = 3600
WAITING_CLIENTS = 32   # TCP clients that wait for a descriptor to be accepted.

QUICK, PATIENT = Goal(p99_ms=20), Goal()
REFUSED = Goal(p99_ms=10)
RESTARTED = Goal(p99_ms=20, max_ms=100)
HELD = Goal(p99_ms=600, max_ms=1000)  # No provider listens for 100 ms.
ONE_OF_THREE = {
    "refuse": REFUSED, "synblackhole": PATIENT, "tlsstall": PATIENT, "hang": PATIENT,
    "wrongname": REFUSED, "expired": REFUSED, "selfsigned": REFUSED, "rst-each-query": QUICK,
    "servfail": QUICK, "refused": QUICK, "loss50": PATIENT, "delay800": PATIENT, "wrongid": QUICK,
    "mismatch": QUICK, "lenlie": PATIENT, "halfmsg": QUICK, "drip": PATIENT, "tc": QUICK}
TWO_OF_THREE = {"refuse": REFUSED, "synblackhole": PATIENT, "hang": PATIENT}
ALL = {"oneshot": QUICK, "jitter100": Goal(p99_ms=105), "twice": QUICK,
       # Three queries to each of three servers, the most that RFC 9520 allows, are all lost: 0.2 %.
       # The slowest queries wait for another connection beside those with late responses.
       "delay800": Goal(p99_ms=1800, max_ms=1900),
       "loss50": Goal(p99_ms=600, max_ms=2000, failed_share=0.0025)}
# Of a provider with two addresses.
ERRING = ("servfail", "refused", "servfail-half", "servfail-slow")
SECOND_OPINION = Goal(p99_ms=100)
LAST_ONE_LEFT = ("halfmsg", "refused", "hang")
ALL_AT_A_MOMENT = ("rstall", "closeall", "restart", "rotated")
ALL_DEAD = ("refuse", "hang", "synblackhole", "wrongname")
STALE = ("refuse", "hang")


@dataclasses.dataclass
class Bench:
    """The parts that a plan changes."""

    providers: list
    subject: typing.Any = None
    kept: list = dataclasses.field(default_factory=list)  # Objects that an action must keep.

    def switch(self, fault, providers=None):
        for provider in self.providers if providers is None else providers:
            provider.set_fault(fault)


@dataclasses.dataclass
class Scenario:
    plan: typing.Callable[[Bench, int], list]  # Returns the steps for a number of queries.
    goal: Goal
    providers: int = 3  # Servers. `addresses` of them in a row have one provider name.
    addresses: int = 1
    # The fault before the subject starts, and the number of providers that have it.
    begin: tuple = ("none", 0)
    seconds: float = 0.0  # The minimum duration. The rate is reduced if necessary.
    most_per_second: float = math.inf
    own: bool = False  # For dotcache only.
    own_clock: bool = False
    check: typing.Callable[..., typing.Iterable[str]] = lambda bench, outcome: ()


def pool(letter):
    return lambda number: f"{letter}{number % POOL}"


def warmed_up():
    """Steps that fill the cache: each name is queried, and the last queries get time to finish."""
    return [Step(POOL, name=pool("c")), Step(POOL // 4, name=pool("c"))]


def with_giants(number):
    return f"g{number}" if number % GIANT_EVERY == 0 else f"q{number}"


def twice_bad(fault, bad, burst=1):
    """40 % of the queries run with the fault from before the first one and 20 % after its repair.
    Then 30 % run with the fault again, and 10 % after its repair.
    """
    def plan(bench, queries):
        chosen = bench.providers[:bad]
        return [Step(queries * percent // 100, lambda to=to: bench.switch(to, chosen), burst=burst)
                for percent, to in ((40, fault), (20, "none"), (30, fault), (10, "none"))]
    return plan


def slow_and_erring(bench, queries):
    """The first provider answers with errors and the second slowly, all the time except at the end.
    """
    def begin():
        bench.switch("servfail", bench.providers[:2])
        bench.switch("delay800", bench.providers[2:4])
    return [Step(queries * 8 // 10, begin),
            Step(queries * 2 // 10, lambda: bench.switch("none"))]


def relieved(fault):
    """The last working provider gets the fault at the moment when the others are repaired. Their
    next probes are seconds away.
    """
    def plan(bench, queries):
        def relieve():
            bench.switch("none", bench.providers[1:])
            bench.switch(fault, bench.providers[:1])
        return [Step(queries * 5 // 10, lambda: bench.switch("refuse", bench.providers[1:])),
                Step(queries * 4 // 10, relieve),
                Step(queries // 10, lambda: bench.switch("none"))]
    return plan


def all_dead(fault):
    """Like twice_bad() for all providers. The second time only one is repaired."""
    def plan(bench, queries):
        return [Step(queries * 4 // 10, lambda: bench.switch(fault), dead=True),
                Step(queries * 2 // 10, lambda: bench.switch("none"), recovers=True),
                Step(queries * 3 // 10, lambda: bench.switch(fault), dead=True),
                Step(queries // 10, lambda: bench.switch("none", bench.providers[1:2]),
                     recovers=True)]
    return plan


def all_dead_after_use(fault):
    """Names that were queried before and whose answers are stale by then."""
    def plan(bench, queries):
        return [Step(POOL, name=pool("s")),
                Step(queries * 3 // 10),
                Step(queries * 5 // 10, lambda: bench.switch(fault), name=pool("s"), dead=True),
                Step(queries * 2 // 10, lambda: bench.switch("none"), recovers=True)]
    return plan


def opened(bench):
    return sum(provider.counts()["connections"] for provider in bench.providers)


def after_idling(fault):
    """Sends bursts and records how many connections were opened before each step."""
    def plan(bench, queries):
        def noted(switch):
            def action():
                bench.kept.append(opened(bench))
                switch()
            return action
        steps = twice_bad(fault, 3, BURST)(bench, queries)
        return [dataclasses.replace(step, action=noted(step.action)) for step in steps]
    return plan


def at_moments(fault):
    def plan(bench, queries):
        return [Step(queries // TURNS, lambda: bench.switch(fault)) for _ in range(TURNS)]
    return plan


def flapping(bench, queries):
    """The provider is up for a second and down for a second, in turn."""
    def turn(second):
        bench.switch("refuse" if second % 2 == 0 else "none", bench.providers[:1])
        if second == 5:
            bench.kept += [provider.counts()["queries"] for provider in bench.providers]
    return [Step(queries // FLAPPING_SECONDS, lambda second=second: turn(second))
            for second in range(FLAPPING_SECONDS)]


def flapping_is_avoided(bench, _):
    sent = [provider.counts()["queries"] - before
            for provider, before in zip(bench.providers, bench.kept)]
    if sent[0] > 0.02 * sum(sent):
        yield f"{sent[0]} of {sum(sent)} queries went to the flapping one after 5 s"


def giants(bench, queries):
    """Giant answers among others. Some are queried over TCP too."""
    def ask_over_tcp():
        thread = threading.Thread(target=lambda: bench.kept.extend(
            relayed_octets(bench.subject.port, f"giant{number}") for number in range(20)))
        bench.kept.append(thread)
        thread.start()
    return [Step(queries, ask_over_tcp, name=with_giants)]


def relayed_octets(port, name):
    with socket.create_connection(("127.0.0.1", port), timeout=client.TIMEOUT_SECONDS) as stream:
        query = client.make_query(1, name, client.TXT)
        stream.sendall(struct.pack("!H", len(query)) + query)
        with stream.makefile("rb") as reader:
            return len(reader.read(struct.unpack("!H", reader.read(2))[0]))


def giants_are_relayed(bench, outcome):
    thread, *_ = bench.kept
    thread.join()
    sizes = bench.kept[1:]
    if len(sizes) < 20 or min(sizes) < 65535:
        yield f"over TCP {len(sizes)} of 20 giants were relayed, of {min(sizes, default=0)} octets"
    whole = sum(not reply.truncated for reply in outcome.replies if client.is_giant(reply.name))
    if whole:
        yield f"{whole} giants over UDP without TC"


def descriptors_run_out(bench, queries):
    """All connections to providers are closed and no descriptor is left for new ones. Cached names
    are answered while new names are queried.
    """
    def exhaust():
        # Below every descriptor in use, so that a closed descriptor leaves no room for another.
        limits = resource.prlimit(bench.subject.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(bench.subject.process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        bench.kept += [limits, *(socket.create_connection(("127.0.0.1", bench.subject.port))
                                 for _ in range(WAITING_CLIENTS))]
        bench.switch("rstall")

    def release():
        resource.prlimit(bench.subject.process.pid, resource.RLIMIT_NOFILE, bench.kept[0])
        for connection in bench.kept[1:]:
            connection.close()
    steps = warmed_up()
    for turn in range(TURNS):
        steps += [Step(queries * 6 // 10 // TURNS, None if turn else exhaust, name=pool("c")),
                  Step(queries // 10 // TURNS, counted=False)]
    return [*steps, Step(queries * 3 // 10, release, recovers=True)]


def descriptors_were_wanted(bench, outcome):
    met = bench.subject.log_text().count("failure=out-of-resources")
    if met < len(bench.providers):
        yield f"descriptors were wanted for {met} of {len(bench.providers)} providers"
    fresh = [reply for reply in outcome.replies if not reply.step.counted]
    if silent := sum(reply.rcode is None for reply in fresh):
        yield f"{silent} of {len(fresh)} without a reply while no descriptor was left"


def clock_jumps(bench, queries):
    """The time of day jumps one hour ahead and then two back, while new and cached names are
    queried.
    """
    def jump(offset):
        bench.kept.append(sum(provider.counts()["cached"] for provider in bench.providers))
        bench.subject.set_clock(f"{offset:+}")
        os.utime(bench.subject.ca_file)
        # The program logs this, with the time of day.
        bench.subject.process.send_signal(signal.SIGHUP)
    steps = warmed_up()
    for offset in (JUMP_SECONDS, -JUMP_SECONDS, 0):
        steps += [Step(queries // 6, lambda offset=offset: jump(offset)),
                  Step(queries // 6, lambda: bench.switch("rstall"), name=pool("c"))]
    return steps


def times_go_on(bench, outcome):
    begin = outcome.replies[0].sent
    for reply in outcome.replies:
        age = reply.came - begin
        if reply.name[0] == "c" and not 3600 - age - 2 <= (reply.ttl or 0) <= 3600:
            yield f"a TTL of {reply.ttl} after {age:.0f} s"
            return
    again = sum(provider.counts()["cached"] for provider in bench.providers) - bench.kept[0]
    if again:
        yield f"{again} queries for names that were cached when the time of day jumped"
    times = [datetime.datetime.fromisoformat(text)
             for text in re.findall(r"^\d+-\d+-\d+T[\d:]+", bench.subject.log_text(), re.M)]
    jumps = [(after - before).total_seconds() for before, after in zip(times, times[1:])]
    if max(jumps) < JUMP_SECONDS or min(jumps) > -JUMP_SECONDS:
        yield "the time of day did not jump: is faketime installed?"


def terminated(bench, queries):
    """SIGTERM while queries wait for answers. Later queries need no answer."""
    return [Step(queries * 8 // 10, lambda: bench.switch("jitter100")),
            Step(queries * 2 // 10, bench.subject.terminate, counted=False)]


def ends_well(bench, _):
    bench.subject.await_end()
    if bench.subject.process.returncode != 0:
        yield f"exit status {bench.subject.process.returncode}"
    if not bench.subject.exit_seconds <= 2:
        yield f"the end took {bench.subject.exit_seconds:.2f} s"


def is_ready_soon(bench, outcome):
    first = min((reply.came for reply in outcome.replies if reply.answered), default=math.inf)
    if first - bench.subject.started > 1:
        yield f"the first answer came {first - bench.subject.started:.2f} s after the start"


def strangers_hear_nothing(bench, _):
    heard = sum(provider.counts()["to_strangers"] for provider in bench.providers)
    if heard:
        yield f"{heard} queries were sent to a provider that failed authentication"


def connections_end(bench, outcome):
    """The connections were closed while idle, before the next burst."""
    marks = [*bench.kept, opened(bench)]
    faulty = range(0, len(outcome.plan), 2)
    made = sum(marks[step + 1] - marks[step] for step in faulty)
    bursts = sum(outcome.plan[step].count for step in faulty) / BURST
    if made < LEAST_PER_BURST * bursts:
        yield f"only {made} connections were opened for {bursts:.0f} bursts: none had to be"


def connections_end_here_first(bench, outcome):
    """dotcache closed them first, because the provider had announced the idle timeout."""
    yield from connections_end(bench, outcome)
    counts = [provider.counts() for provider in bench.providers]
    late = sum(count["idle_closes"] for count in counts)
    if late > 0.1 * sum(count["connections"] for count in counts):
        yield f"{late} connections idled for longer than the provider had announced"


def window_was_closed(bench, _):
    if not bench.providers[0].counts()["closed_windows"]:
        yield "the window was never closed"


AFTER_IDLING = {"idleclose200": connections_end, "keepalive200": connections_end_here_first}


def make_scenarios():
    found = {"baseline": Scenario(twice_bad("none", 0), Goal(p99_ms=3))}
    for fault, goal in ONE_OF_THREE.items():
        found[f"1of3-{fault}"] = Scenario(twice_bad(fault, 1), goal, begin=(fault, 1),
                                          check=strangers_hear_nothing)
    found["1of3-windowzero"] = Scenario(twice_bad("windowzero", 1, CLOSING_BURST),
                                        Goal(max_ms=300), begin=("windowzero", 1),
                                        check=window_was_closed)
    for fault, goal in TWO_OF_THREE.items():
        found[f"2of3-{fault}"] = Scenario(twice_bad(fault, 2), goal, begin=(fault, 2))
    found["4of8-refuse"] = Scenario(twice_bad("refuse", 4), REFUSED, providers=8,
                                    begin=("refuse", 4), check=is_ready_soon)
    # The answer to each query that met an error comes from another provider.
    for fault in ERRING:
        found[f"1of3-{fault}-2addresses"] = Scenario(
            twice_bad(fault, 2), SECOND_OPINION, providers=6, addresses=2, begin=(fault, 2))
    found["2of3-slow-and-erring-2addresses"] = Scenario(
        slow_and_erring, SECOND_OPINION, providers=6, addresses=2)
    # Most providers lose each query, so the remaining one gets all of them at once.
    found["3of4-halfmsg"] = Scenario(twice_bad("halfmsg", 3), Goal(p99_ms=100), providers=4,
                                     begin=("halfmsg", 3))
    for fault in LAST_ONE_LEFT:
        found[f"relieved-{fault}"] = Scenario(relieved(fault), PATIENT, seconds=DEAD_SECONDS)
    found["1of3-flapping"] = Scenario(flapping, REFUSED, seconds=FLAPPING_SECONDS,
                                      check=flapping_is_avoided)
    for fault, goal in ALL.items():
        # The scripted providers cannot make a handshake for each query at any rate.
        found[f"all-{fault}"] = Scenario(twice_bad(fault, 3), goal, begin=(fault, 3),
                                         seconds=ONESHOT_SECONDS if fault == "oneshot" else 0)
    for fault, check in AFTER_IDLING.items():
        found[f"all-{fault}"] = Scenario(after_idling(fault), QUICK, begin=(fault, 3),
                                         most_per_second=BURST / BURSTS_SECONDS, check=check)
    for fault in ALL_AT_A_MOMENT:
        goal = HELD if fault == "restart" else RESTARTED
        found[f"all-{fault}"] = Scenario(at_moments(fault), goal)
    for fault in ALL_DEAD:
        found[f"all-{fault}"] = Scenario(all_dead(fault), QUICK, begin=(fault, 3),
                                         seconds=DEAD_SECONDS, check=strangers_hear_nothing)
    # dotcache knows after two seconds that SYNs are not answered.
    found["all-synblackhole"].goal = dataclasses.replace(QUICK, known_dead_s=2.5)
    for fault in STALE:
        found[f"all-{fault}-stale"] = Scenario(all_dead_after_use(fault),
                                               dataclasses.replace(QUICK, stale=True),
                                               seconds=DEAD_SECONDS)
    # dotcache knows that connections in use are dead when the time for the sent queries is over.
    found["all-hang-stale"].goal = dataclasses.replace(QUICK, stale=True, known_dead_s=1.75)
    found["giant-answers"] = Scenario(giants, Goal(p99_ms=20, max_ms=50), check=giants_are_relayed)
    found["descriptors-run-out"] = Scenario(descriptors_run_out, Goal(p99_ms=10, back_s=1.5),
                                            seconds=DEAD_SECONDS, own=True,
                                            check=descriptors_were_wanted)
    found["clock-jumps"] = Scenario(clock_jumps, QUICK, seconds=DEAD_SECONDS, own=True,
                                    own_clock=True, check=times_go_on)
    found["terminated"] = Scenario(terminated, Goal(p99_ms=105), own=True, check=ends_well)
    return found


SCENARIOS = make_scenarios()
SAMPLE = ("1of3-hang", "1of3-wrongname", "1of3-rst-each-query", "2of3-synblackhole", "all-rstall",
          "all-refuse", "all-refuse-stale", "giant-answers", "descriptors-run-out", "clock-jumps",
          "terminated")
