# SPDX-License-Identifier: Apache-2.0
"""A provider with a host name: its servers, and the server that resolves the name."""

import os
import signal

from lab.lab import free_port
from lab.servers import LabServer

ZONE = "providers.example"
HOST = f"dns.{ZONE}"
TTL = 1  # Below the minimum, so addresses are resolved again every ten seconds.


class HostProviders:
    """DoT servers on addresses of 127.0.0.0/8 that share a port and a name, and an NSD that serves
    the name.
    """

    def __init__(self, lab, directory):
        self.lab, self.directory = lab, directory
        directory.mkdir(parents=True, exist_ok=True)
        self.dot_port = free_port()
        self.certificate, self.key = lab.authority.issue("host-provider", [HOST, f"ns.{ZONE}"])
        self.bootstrap = self._make("bootstrap", "127.0.0.1", free_port(), f"ns.{ZONE}",
                                    {f"{ZONE}.": directory / "zone"})
        self.servers = {}

    def _make(self, name, address, dot_port, auth_name, zones):
        server = LabServer("nsd", self.directory / name, free_port(), dot_port, auth_name,
                           address=address)
        server.configure(zones, {"cert": self.certificate, "key": self.key})
        return server

    def start_provider(self, address):
        """Starts a server of the provider on this address. It serves the lab's zone."""
        if address not in self.servers:
            zones = {"lab.example.": self.lab.directory / "zones" / "lab.example.zone"}
            self.servers[address] = self._make(address, address, self.dot_port, HOST, zones)
        self.servers[address].start()
        self.servers[address].wait_until_ready(self.lab.ca_file)

    def publish(self, *addresses, service=""):
        """From now on the name has these addresses and this SVCB record."""
        lines = [f"$ORIGIN {ZONE}.", f"$TTL {TTL}", f"@ SOA ns.{ZONE}. hostmaster 1 60 60 60 1",
                 f"@ NS ns.{ZONE}.", "ns A 127.0.0.1"]
        lines += [f"dns A {address}" for address in addresses]
        lines += [f"_dns.dns SVCB {service}"] if service else []
        (self.directory / "new").write_text("\n".join(lines) + "\n")
        (self.directory / "new").rename(self.directory / "zone")
        if self.bootstrap.running():
            os.kill(self.bootstrap.pid, signal.SIGHUP)

    def start_bootstrap(self):
        self.bootstrap.start()
        self.bootstrap.wait_until_ready(self.lab.ca_file, ZONE)

    def bootstrap_as(self, transport):
        """Returns the argument of `--bootstrap`."""
        if transport == "tls":
            return self.bootstrap.upstream
        return f"{transport}://127.0.0.1:{self.bootstrap.classic_port}"

    def stop(self):
        for server in [self.bootstrap, *self.servers.values()]:
            server.stop(kill=True)
