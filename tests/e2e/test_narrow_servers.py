# SPDX-License-Identifier: Apache-2.0
"""Servers that allow less on a connection than others lose no query: they close it after a number
of answers, work on one query at a time, or forget it while it is idle.
"""

import contextlib
import pathlib
import sys
import time

import pytest

from dotcache import Dotcache
from lab.lab import PROVIDER_NAME
from narrow_provider import Forgetful, OneAtATime
from real_dnsdist import dnsdist

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "limits"))

import clients  # noqa: E402  sys.path is set first.

BURSTS = 3
PER_SECOND, SECONDS = 100, 4
FORGOTTEN_SECONDS, PAUSE_SECONDS = 1.2, 1.6


@pytest.mark.parametrize("answers", [1, 5])
@pytest.mark.parametrize("burst", [20, 100])
@pytest.mark.parametrize("providers", [1, 2])
def test_each_query_of_a_burst_is_answered(bare_lab, tmp_path, answers, burst, providers):
    with contextlib.ExitStack() as stack:
        upstreams = [stack.enter_context(
            dnsdist(bare_lab, tmp_path, f"setMaxTCPQueriesPerConnection({answers})"))
            for _ in range(providers)]
        server = Dotcache(bare_lab, tmp_path / "log", upstreams)
        stack.callback(server.kill)
        server.wait_until()
        client = clients.UdpClients(server.port)
        outcome = clients.Outcome()
        for number in range(burst * BURSTS):
            client.send(number, f"burst{number}", outcome)
            if number % burst == burst - 1:
                deadline = time.monotonic() + clients.TIMEOUT_SECONDS
                while outcome.unanswered and time.monotonic() < deadline:
                    client.receive(time.monotonic() + 0.05)
        assert (outcome.errors, outcome.unanswered) == (0, 0)


@pytest.fixture
def serve(bare_lab, tmp_path):
    """serve(*servers): starts a dotcache in front of these servers of one provider."""
    started = []

    def start(*servers):
        upstreams = [f"tls://127.0.0.1:{server.port}#{PROVIDER_NAME}" for server in servers]
        started.append(Dotcache(bare_lab, tmp_path / "log", upstreams))
        return started[-1].wait_until()

    yield start
    for server in started:
        server.kill()


def test_a_server_that_works_on_one_query_at_a_time_gets_one(bare_lab, serve):
    with OneAtATime(*bare_lab.provider) as provider:
        server = serve(provider)

        def ask(label):
            before = provider.queries
            outcome, = clients.ask_at_rates(server.port, SECONDS,
                                            [(lambda n: f"{label}{n}", PER_SECOND)])
            return provider.queries - before, outcome.errors + outcome.unanswered

        learning, few = ask("learning")
        known, none = ask("known")
        # What it drops must be sent again. A process that is held up may come too late for a few.
        assert learning > known
        assert known <= PER_SECOND * SECONDS * 1.25
        assert few <= PER_SECOND * SECONDS * 0.05
        assert none == 0


def test_a_connection_that_is_forgotten_while_idle_costs_one_late_query(bare_lab, serve):
    with Forgetful(*bare_lab.provider, FORGOTTEN_SECONDS) as provider:
        server = serve(provider)
        for number in range(4):
            outcome, = clients.ask_at_rates(server.port, 0.1, [(lambda n: f"p{number}-{n}", 30)])
            assert (outcome.errors, outcome.unanswered) == (0, 0)
            time.sleep(PAUSE_SECONDS)  # The pause is what is tested.
        assert provider.forgotten == 1
