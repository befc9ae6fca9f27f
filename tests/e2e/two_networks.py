# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces with a link between them: `here` is the client's host, `there` a DoT
provider.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import ssl
import struct
import subprocess
import socket
import time

import pytest

from lab.servers import SEARCH_PATH, UNBOUND_BASICS

HERE, THERE = "10.77.0.1", "10.77.0.2"
OTHER_HERE = "10.77.0.3"
PORT = 853
# The same server on another port, so that its connections can be counted separately.
BOOTSTRAP_PORT = 854
LINK_LOCAL, LINK_LOCAL_HERE, LINK_LOCAL_PORT = "fe80::77", "fe80::78", 855
NAME = "provider.dns.lab.example"
ZONE = "fresh.lab.example."  # Every name below it has an address.
START_SECONDS = 20

CONFIGURATION = UNBOUND_BASICS + """
server:
  interface: {THERE}@{PORT}
  interface: {THERE}@{BOOTSTRAP_PORT}
  interface: ::0@{LINK_LOCAL_PORT}
  tls-port: {PORT}
  additional-tls-port: {BOOTSTRAP_PORT}
  additional-tls-port: {LINK_LOCAL_PORT}
  tls-service-key: "{key}"
  tls-service-pem: "{certificate}"
  access-control: 10.77.0.0/24 allow
  access-control: fe80::/10 allow
  local-zone: "{ZONE}" redirect
  local-data: "{ZONE} 300 IN A 192.0.2.1"
  local-data: "{NAME}. 300 IN A {THERE}"
"""

ESTABLISHED = "01"  # The state in /proc/net/tcp.

_libc = ctypes.CDLL(None, use_errno=True)


def ip(namespace, *arguments):
    """Runs `ip` in a namespace. Arguments are strings with one or more words."""
    words = [word for argument in arguments for word in argument.split()]
    done = subprocess.run(["ip", "-n", namespace, *words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    assert done.returncode == 0, f"ip -n {namespace} {' '.join(words)}: {done.stderr}"
    return done.stdout


def enter(path):
    """Moves this thread, and the processes that it starts, into a network namespace."""
    with open(path, "rb") as namespace:
        if _libc.setns(namespace.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")


def local_addresses(port):
    """Returns the local addresses of the IPv4 connections to that port in this thread's network."""
    rows = [line.split() for line in pathlib.Path("/proc/thread-self/net/tcp").read_text().splitlines()]
    return {socket.inet_ntoa(struct.pack("=I", int(local.split(":")[0], 16)))
            for _, local, remote, state, *_ in rows[1:]
            if remote.endswith(f":{port:04X}") and state == ESTABLISHED}


class TwoNetworks:
    """Two namespaces, `here` and `there`, joined by a link named `wire` at each end."""

    link = "wire"

    def __init__(self):
        self.here, self.there = (f"dotcache-{side}-{os.getpid()}" for side in ("here", "there"))

    def make(self):
        for namespace in (self.here, self.there):
            made = subprocess.run(["ip", "netns", "add", namespace], capture_output=True, text=True)
            if made.returncode != 0:
                pytest.skip(f"network namespaces are not allowed on this machine: {made.stderr.strip()}")
            ip(namespace, "link set lo up")
        self.add_link()

    def add_link(self):
        ip(self.here, f"link add {self.link} type veth peer name {self.link} netns {self.there}")
        for namespace, address, local in ((self.here, HERE, LINK_LOCAL_HERE),
                                          (self.there, THERE, LINK_LOCAL)):
            ip(namespace, f"address add {address}/24 dev {self.link}")
            ip(namespace, f"address add {local}/64 dev {self.link} nodad")
            ip(namespace, f"link set {self.link} up")

    def remove(self):
        for namespace in (self.here, self.there):
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in `here` during the `with` block."""
        home = f"/proc/{os.getpid()}/task/{_libc.gettid()}/ns/net"
        with open(home, "rb") as before:
            enter(f"/run/netns/{self.here}")
            try:
                yield
            finally:
                assert _libc.setns(before.fileno(), 0) == 0


class Provider:
    """An unbound on the other side of the link."""

    def __init__(self, networks, directory, authority):
        self._networks, self._directory, self._ca = networks, directory, authority.certificate
        certificate, key = authority.issue("provider", [NAME])
        program = shutil.which("unbound", path=SEARCH_PATH)
        assert program, "unbound is not installed: scripts/install-packages lab"
        self._copy = directory / "unbound"  # AppArmor allows this copy to read its files here.
        shutil.copy(program, self._copy)
        (directory / "unbound.conf").write_text(CONFIGURATION.format(
            THERE=THERE, PORT=PORT, BOOTSTRAP_PORT=BOOTSTRAP_PORT,
            LINK_LOCAL_PORT=LINK_LOCAL_PORT, NAME=NAME, ZONE=ZONE,
            certificate=certificate, key=key))
        self.upstream = f"tls://{THERE}:{PORT}#{NAME}"
        self.upstream_by_name = f"tls://{NAME}:{PORT}"
        self.upstream_on_link = f"tls://[{LINK_LOCAL}%{networks.link}]:{LINK_LOCAL_PORT}#{NAME}"
        # The bootstrap server that knows the name.
        self.bootstrap = f"tls://{THERE}:{BOOTSTRAP_PORT}#{NAME}"

    def start(self):
        with open(self._directory / "unbound.log", "wb") as log:
            self._process = subprocess.Popen(
                ["ip", "netns", "exec", self._networks.there, "setpriv", "--pdeathsig", "KILL",
                 self._copy, "-d", "-c", self._directory / "unbound.conf"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        context = ssl.create_default_context(cafile=self._ca)
        deadline = time.monotonic() + START_SECONDS
        with self._networks.inside():
            while True:
                try:
                    with socket.create_connection((THERE, PORT), timeout=1) as sock:
                        context.wrap_socket(sock, server_hostname=NAME).close()
                    return
                except OSError:
                    log = (self._directory / "unbound.log").read_text(errors="replace")
                    assert self._process.poll() is None and time.monotonic() < deadline, log
                    time.sleep(0.02)

    def stop(self):
        self._process.kill()
        self._process.wait()
