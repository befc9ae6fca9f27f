# SPDX-License-Identifier: Apache-2.0
"""The whole lab: the command scripts/lab, and the class Lab for tests."""

import argparse
import fcntl
import functools
import json
import os
import pathlib
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from lab import certificates, servers, zones

PROVIDERS = ("unbound", "named", "nsd", "kresd")
AUTH_NAMES = {"unbound": "unbound.dns.lab.example", "named": "bind.dns.lab.example",
              "nsd": "nsd.dns.lab.example", "kresd": "knot.dns.lab.example"}
LISTENER_NAME = "dotcache.dns.lab.example"
PROVIDER_NAME = "provider.dns.lab.example"  # The name of a provider that a test makes itself.
# The ports of `scripts/lab start` if they are free: classic DNS of the origin and, from the next
# port on, of the providers; then DoT of the providers.
ORIGIN_PORT, FIRST_DOT_PORT = 5330, 8531
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Lab:
    """Four providers that serve the same zones, and the origin server of Knot Resolver."""

    def __init__(self, directory, fixed_ports=False):
        self.directory = pathlib.Path(directory).resolve()
        self.ca_file = self.directory / "certificates" / "ca.crt"
        self.listener = (self.ca_file.with_name("listener.crt"),
                         self.ca_file.with_name("listener.key"))
        self.authority = None
        self.servers = {}
        for number, kind in enumerate(("origin",) + PROVIDERS):
            classic = free_port(ORIGIN_PORT + number if fixed_ports else 0)
            dot = free_port(FIRST_DOT_PORT + number - 1 if fixed_ports else 0)
            self.servers[kind] = servers.LabServer(
                kind, self.directory / kind, classic, 0 if kind == "origin" else dot,
                AUTH_NAMES.get(kind, ""))

    @property
    def providers(self):
        return [self.servers[kind] for kind in PROVIDERS]

    def start(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.authority = certificates.CertificateAuthority(self.ca_file.parent)
        self.authority.issue("listener", [LISTENER_NAME], [servers.ADDRESS, "::1"])
        zone_files, trust_anchor = zones.build_zones(self.directory / "zones")
        try:
            for server in self.servers.values():
                self._configure(server, zone_files, trust_anchor)
                server.start()
            for server in self.servers.values():
                server.wait_until_ready(self.ca_file)
        except Exception:
            self.stop()
            raise
        self._save()

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def restart(self, server):
        """Starts a server that was stopped or killed."""
        server.start()
        server.wait_until_ready(self.ca_file)
        self._save()

    def _configure(self, server, zone_files, trust_anchor):
        settings = {"trust_anchor": trust_anchor, "origin_port": self.servers["origin"].classic_port}
        if server.dot_port:
            # Only unbound's certificate contains its address, so it can be configured without a
            # name.
            addresses = [servers.ADDRESS] if server.kind == "unbound" else []
            settings["cert"], settings["key"] = self.authority.issue(
                server.kind, [server.auth_name], addresses)
        server.configure(zone_files, settings)

    def _save(self):
        state = {kind: [server.classic_port, server.dot_port, server.pid]
                 for kind, server in self.servers.items()}
        (self.directory / "state.json").write_text(json.dumps(state))

    def stop_after(self, owner_pid):
        """Starts a process that stops the lab after its owner has ended for any reason."""
        subprocess.Popen([ROOT / "scripts/lab", "--dir", self.directory, "watch", "--owner-pid",
                          str(owner_pid)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         start_new_session=True).returncode = 0  # No code waits for this process.

    def load(self):
        """Takes over a lab that another process started."""
        try:
            state = json.loads((self.directory / "state.json").read_text())
        except FileNotFoundError:
            return
        for kind, (classic_port, dot_port, pid) in state.items():
            server = self.servers[kind]
            server.classic_port, server.dot_port, server.pid = classic_port, dot_port, pid


_drawn = set()


@functools.cache
def _own_ports():
    """Returns a range of ports that belongs to this process while it lives."""
    slices = [range(first, first + 1000) for first in range(10000, 32000, 1000)]
    for ports in random.sample(slices, len(slices)):
        try:
            lock = os.open(pathlib.Path(tempfile.gettempdir(), f"dotcache-ports-{ports[0]}"),
                           os.O_CREAT | os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return ports  # The lock stays open.
        except OSError:
            pass  # The range belongs to another process, or the file to another user.
    return range(10000, 32000)


def free_port(wanted=0):
    """Returns a port that is free for UDP and TCP on loopback: `wanted` if it is free.

    Other ports are below the range of outgoing connections, so that none of these takes the port
    before its server does. No port is returned twice, in this process or in another test process.
    """
    while True:
        wanted = wanted or random.choice(_own_ports())
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
             socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            # Servers set this too, so that old connections in TIME_WAIT do not matter.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind((servers.ADDRESS, wanted))
                udp.bind((servers.ADDRESS, tcp.getsockname()[1]))
            except OSError:
                wanted = 0
                continue
            if wanted not in _drawn:
                _drawn.add(wanted)
                return wanted
            wanted = 0


def start(directory, owner_pid):
    former = Lab(directory)
    former.load()
    former.stop()
    began = time.monotonic()
    fresh = Lab(directory, fixed_ports=True)
    fresh.start()
    print(f"lab: started in {time.monotonic() - began:.1f} s, files and logs in {fresh.directory}")
    print_endpoints(fresh)
    if owner_pid:
        fresh.stop_after(owner_pid)


def watch(lab, owner_pid):
    """Stops the lab when its owner has ended."""
    try:
        owner = os.pidfd_open(owner_pid)
        select.select([owner], [], [])
    except ProcessLookupError:
        pass
    lab.load()
    lab.stop()


def print_endpoints(lab):
    for server in lab.providers:
        state = "up" if server.running() else "down"
        print(f"  {server.kind:8} {state:5} {server.upstream}  classic 127.0.0.1:{server.classic_port}")
    print(f"  CA       {lab.ca_file}")


def main():
    parser = argparse.ArgumentParser(prog="scripts/lab", description=__doc__)
    parser.add_argument("--dir", type=pathlib.Path, default=ROOT / ".lab")
    parser.add_argument("command", choices=["start", "stop", "status", "servers", "watch"],
                        help="servers prints the arguments for `dotcache serve`")
    parser.add_argument("--owner-pid", type=int, help="stop the lab when this process has ended")
    arguments = parser.parse_args()
    if arguments.command == "start":
        try:
            start(arguments.dir, arguments.owner_pid)
        except (servers.ServerFailed, RuntimeError) as error:
            sys.exit(f"lab: {error}")
        return
    lab = Lab(arguments.dir)
    if arguments.command == "watch":
        watch(lab, arguments.owner_pid)
        return
    lab.load()
    if arguments.command == "stop":
        lab.stop()
    elif arguments.command == "status":
        print_endpoints(lab)
        sys.exit(0 if all(server.running() for server in lab.servers.values()) else 1)
    else:
        for server in lab.providers:
            print(f"--upstream\n{server.upstream}")
        print(f"--upstream-ca\n{lab.ca_file}")
