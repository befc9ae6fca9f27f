# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one lab for a test run, and dotcache in front of it."""

import os
import pathlib
import sys
import types

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "limits")]

from dotcache import ADDRESS, BINARY, Dotcache  # noqa: E402  sys.path is set first.
from lab.certificates import CertificateAuthority  # noqa: E402
from lab.lab import LISTENER_NAME, PROVIDER_NAME, PROVIDERS, Lab  # noqa: E402
from provider import Provider  # noqa: E402


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Real DoT servers. A test that stops one of them starts it again."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.start()
    lab.stop_after(os.getpid())
    yield lab
    lab.stop()


@pytest.fixture(scope="session")
def launcher(lab, tmp_path_factory):
    """launch(upstreams=None, *arguments, wait="/ready"): starts a dotcache in front of the lab."""
    assert BINARY.exists(), f"{BINARY} is not built: ./test builds it"
    started = []

    def launch(*arguments, upstreams=None, wait="/ready", **options):
        upstreams = [server.upstream for server in lab.providers] if upstreams is None else upstreams
        log = tmp_path_factory.mktemp("dotcache") / "log"
        started.append(Dotcache(lab, log, upstreams, arguments, **options))
        return started[-1].wait_until(wait) if wait else started[-1]

    yield launch
    for dotcache in started:
        dotcache.kill()


@pytest.fixture
def launch(launcher):
    """Starts a dotcache for one test, and kills it after the test."""
    mine = []

    def launch_one(*arguments, **options):
        mine.append(launcher(*arguments, **options))
        return mine[-1]

    yield launch_one
    for dotcache in mine:
        dotcache.kill()


@pytest.fixture(scope="session")
def server(launcher):
    """A dotcache in front of all four providers, shared by tests that only send queries."""
    return launcher()


@pytest.fixture(scope="session", params=PROVIDERS)
def pair(request, lab, launcher):
    """(dotcache, provider): a dotcache in front of each single provider."""
    provider = lab.servers[request.param]
    return launcher(upstreams=[provider.upstream]), provider


@pytest.fixture(scope="session")
def bare_lab(tmp_path_factory):
    """A lab without servers: a CA, the listener's certificate, and a certificate for a provider
    that the test makes.
    """
    authority = CertificateAuthority(tmp_path_factory.mktemp("bare"))
    return types.SimpleNamespace(
        ca_file=authority.certificate, listener=authority.issue("listener", [LISTENER_NAME], [ADDRESS]),
        provider=authority.issue("provider", [PROVIDER_NAME]))


@pytest.fixture
def provider(bare_lab):
    """A provider whose responses the names of the queries choose."""
    started = Provider(*bare_lab.provider, yields=False)
    yield started
    started.stop()


@pytest.fixture
def start_before_provider(provider, bare_lab, tmp_path):
    """start_before_provider(*arguments): starts a dotcache in front of `provider`."""
    started = []

    def start(*arguments):
        started.append(Dotcache(bare_lab, tmp_path / "log",
                                [f"tls://{ADDRESS}:{provider.port}#{PROVIDER_NAME}"], arguments))
        return started[-1].wait_until()

    yield start
    for dotcache in started:
        dotcache.kill()


@pytest.fixture
def nsd(lab):
    """A provider of the lab that a test may stop. It is started again after the test."""
    nsd = lab.servers["nsd"]
    yield nsd
    nsd.stop()
    lab.restart(nsd)
