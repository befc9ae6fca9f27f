# SPDX-License-Identifier: Apache-2.0
"""Validating clients behind dotcache: delv and unbound, with the trust anchor of a signed zone. A
private zone below it is delegated without a signature.
"""

import os
import re
import subprocess

import pytest

from ask import ADDRESS, ask
from lab.lab import free_port
from lab.servers import SEARCH_PATH, UNBOUND_BASICS, LabServer
from lab.zones import sign_zone
from waiting import wait_for

NAME = "signed.dns.lab.example"
SIGNED = """
$ORIGIN secure.example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 127.0.0.1
www A 198.51.100.80
alias CNAME www
into CNAME host.private
private NS ns.private
ns.private A 127.0.0.1
"""
PRIVATE = """
$ORIGIN private.secure.example.
$TTL 300
@ SOA ns hostmaster 1 7200 900 1209600 60
@ NS ns
ns A 127.0.0.1
host A 10.0.0.9
"""


class Zones:
    """The servers of the two zones, and dotcache in front of them."""

    def __init__(self, lab, launch, directory):
        certificate, key = lab.authority.issue("signed", [NAME])
        plain = directory / "secure.example.zone"
        plain.write_text(SIGNED)
        signed, self.anchor = sign_zone(directory, "secure.example.", plain)
        private = directory / "private.zone"
        private.write_text(PRIVATE)
        self.servers = [LabServer("nsd", directory / "public", free_port(), free_port(), NAME),
                        LabServer("origin", directory / "private", free_port())]
        self.servers[0].configure({"secure.example.": signed}, {"cert": certificate, "key": key})
        self.servers[1].configure({"private.secure.example.": private}, {})
        for server, zone in zip(self.servers, ("secure.example", "private.secure.example")):
            server.start()
            server.wait_until_ready(lab.ca_file, zone)
        file = directory / "dotcache.yaml"
        file.write_text("zones:\n  - zone: private.secure.example\n    upstream: "
                        f"['udp://{ADDRESS}:{self.servers[1].classic_port}']\n")
        self.dotcache = launch("--config", file, upstreams=[self.servers[0].upstream])

    def stop(self):
        for server in self.servers:
            server.stop(kill=True)


@pytest.fixture
def zones(lab, launch, tmp_path):
    made = Zones(lab, launch, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def validator(zones, tmp_path):
    """The port of an unbound that validates, and forwards every name to dotcache."""
    port = free_port()
    configuration = tmp_path / "unbound.conf"
    configuration.write_text(UNBOUND_BASICS.replace('"iterator"', '"validator iterator"') + f"""
server:
  directory: "{tmp_path}"
  interface: {ADDRESS}@{port}
  do-not-query-localhost: no
  trust-anchor-file: "{zones.anchor}"
forward-zone:
  name: "."
  forward-addr: {ADDRESS}@{zones.dotcache.port}
""")
    program = tmp_path / "unbound"  # A copy, because AppArmor confines the original.
    found = subprocess.run(["sh", "-c", "command -v unbound"], capture_output=True, text=True,
                           check=True, env={"PATH": SEARCH_PATH}).stdout.strip()
    program.write_bytes(open(found, "rb").read())
    program.chmod(0o755)
    with open(tmp_path / "unbound.log", "wb") as log:
        process = subprocess.Popen([program, "-d", "-c", configuration], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
    server = type("Validator", (), {"port": port})
    try:
        wait_for(lambda: answers(server), (tmp_path / "unbound.log").read_text)
        yield server
    finally:
        process.kill()
        process.wait()


def answers(server):
    try:
        return ask(server, "www.secure.example.", transport="tcp").rcode() is not None
    except OSError:
        return False


def has_ad(message):
    return bool(message.flags & 0x20)


@pytest.mark.parametrize("name, address, secure", [
    ("www.secure.example.", "198.51.100.80", True),
    ("alias.secure.example.", "198.51.100.80", True),
    ("host.private.secure.example.", "10.0.0.9", False),
    ("into.secure.example.", "10.0.0.9", False)])
def test_unbound_validates_through_dotcache(zones, validator, name, address, secure):
    for _ in range(2):
        reply = ask(validator, name, do=True)
        assert reply.rcode() == 0, (name, zones.dotcache.log_text())
        assert address in [record.address for rrset in reply.answer if rrset.rdtype == 1
                           for record in rrset]
        assert has_ad(reply) == secure


def test_the_parent_proves_that_the_private_zone_is_not_signed(zones):
    reply = ask(zones.dotcache, "private.secure.example.", "DS", do=True)
    assert reply.rcode() == 0 and not reply.answer
    owners = {(rrset.name.to_text(), rrset.rdtype) for rrset in reply.authority}
    assert ("secure.example.", 6) in owners, "the SOA of the parent"
    assert ("private.secure.example.", 47) in owners, "the NSEC of the delegation"
    assert ask(zones.dotcache, "private.secure.example.", "SOA").answer


@pytest.mark.parametrize("name, verdict", [
    ("www.secure.example", "fully validated"), ("alias.secure.example", "fully validated"),
    ("no-such-name.secure.example", "fully validated"),
    ("host.private.secure.example", "unsigned answer")])
def test_delv_validates_through_dotcache(zones, tmp_path, name, verdict):
    anchors = tmp_path / "anchors"
    tag, algorithm, kind, digest = re.search(
        r"DS\s+(\d+)\s+(\d+)\s+(\d+)\s+([0-9A-F ]+)", zones.anchor.read_text()).groups()
    anchors.write_text('trust-anchors { "secure.example." static-ds '
                       f'{tag} {algorithm} {kind} "{digest.replace(" ", "")}"; }};\n')
    done = subprocess.run(["delv", f"@{ADDRESS}", "-p", str(zones.dotcache.port), "-a", anchors,
                           "+root=secure.example", name, "A"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30,
                          env=dict(os.environ, PATH=SEARCH_PATH))
    assert verdict in done.stdout + done.stderr, done.stdout + done.stderr
