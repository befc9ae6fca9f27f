# SPDX-License-Identifier: Apache-2.0
"""Names that stub resolvers have trouble with, looked up by glibc, musl and Go behind dotcache."""

import os
import pathlib
import shutil
import subprocess

import pytest

import crossing_provider
from crossing_provider import CrossingProvider
from dotcache import Dotcache
from lab.lab import PROVIDER_NAME
from plain_provider import A_ADDRESS, PlainProvider
from two_networks import enter, ip

SOURCES = pathlib.Path(__file__).parent
EXPECTED = {
    "reversed.example": [crossing_provider.ADDRESS],
    "many.example": crossing_provider.MANY,
    "only-a.example": [crossing_provider.ADDRESS],
    "private.example": [A_ADDRESS],
    "dname.old.example": [crossing_provider.ADDRESS],
    "alias.corp.example": [A_ADDRESS],
    "plain.example": [crossing_provider.ADDRESS],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """{kind: program that looks a name up}."""
    directory = tmp_path_factory.mktemp("programs")
    made = {}
    for kind, command in (
            ("glibc", ["gcc", "-o", directory / "glibc", SOURCES / "stub_lookup.c"]),
            ("musl", ["musl-gcc", "-static", "-o", directory / "musl", SOURCES / "stub_lookup.c"]),
            ("go", ["go", "build", "-o", directory / "go", SOURCES / "stub_lookup.go"])):
        if shutil.which(command[0]):
            environment = dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=mod", GOTOOLCHAIN="local")
            subprocess.run(command, check=True, cwd=directory, env=environment)
            made[kind] = directory / kind
    return made


@pytest.fixture(scope="module")
def network():
    """A namespace whose only DNS server is 127.0.0.1. Yields its name."""
    name = f"dotcache-stub-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"network namespaces are not allowed on this machine: {made.stderr.strip()}")
    configuration = pathlib.Path("/etc/netns") / name
    configuration.mkdir(parents=True)
    (configuration / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    ip(name, "link set lo up")
    yield name
    shutil.rmtree(configuration)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)


@pytest.fixture(scope="module")
def provider(bare_lab, network, launcher_in, tmp_path_factory):
    """A provider and a private zone inside the namespace, and dotcache on port 53 in front."""
    file = tmp_path_factory.mktemp("stub") / "dotcache.yaml"
    with open("/proc/thread-self/ns/net", "rb") as home:
        enter(f"/run/netns/{network}")
        try:
            with CrossingProvider(*bare_lab.provider) as public, \
                    PlainProvider(*bare_lab.provider, "bare") as inside:
                file.write_text("zones:\n  - zone: corp.example\n"
                                f"    upstream: ['udp://127.0.0.1:{inside.classic_port}']\n")
                launcher_in(file, [f"tls://127.0.0.1:{public.port}#{PROVIDER_NAME}"])
                yield public
        finally:
            enter(f"/proc/self/fd/{home.fileno()}")


@pytest.fixture(scope="module")
def launcher_in(bare_lab, tmp_path_factory):
    """launcher_in(file, upstreams): starts a dotcache with this configuration."""
    started = []

    def launch(file, upstreams):
        started.append(Dotcache(bare_lab, tmp_path_factory.mktemp("dotcache") / "log", upstreams,
                                ["--config", file, "--listen", "127.0.0.1:53"]))
        return started[-1].wait_until("/ready")
    yield launch
    for dotcache in started:
        dotcache.kill()


@pytest.mark.parametrize("kind", ["glibc", "musl", "go"])
@pytest.mark.parametrize("name", EXPECTED)
def test_the_name_has_its_addresses(programs, network, provider, kind, name):
    if kind not in programs:
        pytest.skip(f"the compiler for {kind} is not installed")
    if kind == "musl" and name.startswith("only-a"):
        pytest.skip("musl takes an NXDOMAIN of one type for both; it is the provider's answer")
    for _ in range(2):  # The second time from the cache.
        done = subprocess.run(["ip", "netns", "exec", network, programs[kind], name],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        found = set(done.stdout.split())
        assert done.returncode == 0, done.stderr
        expected = set(EXPECTED[name])
        # musl reads at most 48 addresses, and older versions those of one datagram.
        assert found == expected or (kind == "musl" and len(found) > 20 and found < expected), found
    assert not [asked for asked in provider.questions if asked[0].endswith("corp.example.")]
