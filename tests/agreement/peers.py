# SPDX-License-Identifier: Apache-2.0
"""The compared servers, and the server to which all of them forward."""

import multiprocessing
import os
import select
import shutil
import string

import lab.servers
from lab import certificates, zones
from lab.lab import LISTENER_NAME, free_port
from dotcache import Dotcache

HERE = lab.servers.TEMPLATES.parent.parent / "agreement"
UPSTREAM_NAME = "upstream.dns.lab.example"
PEERS = ("unbound", "kresd", "named")


class Server(lab.servers.LabServer):
    """A server of this comparison: like a lab server, with another configuration."""

    def configure_from(self, template, settings, zone_files=None):
        self.directory.mkdir(parents=True, exist_ok=True)
        zone_lines = "\n".join(f'zone "{zone}" {{ type primary; file "{file}"; check-names ignore; }};'
                               for zone, file in (zone_files or {}).items())
        text = string.Template((HERE / "templates" / f"{template}.conf").read_text()).substitute(
            settings, dir=self.directory, classic_port=self.classic_port, dot_port=self.dot_port,
            zones=zone_lines)
        (self.directory / "server.conf").write_text(text)


class Party:
    """The upstream server, dotcache and its peers, each with listeners for UDP, TCP and DoT."""

    def __init__(self, directory, maker):
        self.directory = directory
        self.authority = certificates.CertificateAuthority(directory / "certificates")
        self.ca_file = self.authority.certificate
        self.listener = self.authority.issue("listener", [LISTENER_NAME], ["127.0.0.1"])
        zone_directory = directory / "zones"
        zone_files, _ = zones.build_zones(zone_directory)
        zone_files = dict(maker.write(zone_directory), **zone_files)
        self.upstream = self._server(directory, "named", "upstream")
        settings = {"ca": self.ca_file, "upstream_port": self.upstream.classic_port,
                    "upstream_dot_port": self.upstream.dot_port, "upstream_name": UPSTREAM_NAME}
        self.servers = [self.upstream]
        self._configure(self.upstream, "upstream", settings, zone_files)
        for kind in PEERS:
            self.servers.append(self._server(directory, kind, kind))
            self._configure(self.servers[-1], kind, settings)
        self.dotcache, self.log = None, directory / "dotcache.log"

    @staticmethod
    def _server(directory, kind, name):
        return Server(kind, directory / name, free_port(), free_port(), f"{name}.dns.lab.example")

    def _configure(self, server, template, settings, zone_files=None):
        cert, key = self.authority.issue(template, [server.auth_name])
        server.configure_from(template, dict(settings, cert=cert, key=key), zone_files)

    def start(self):
        for server in self.servers:
            server.start()
            if server is self.upstream:
                server.wait_until_ready(self.ca_file)
        owner = os.pidfd_open(os.getpid())
        multiprocessing.Process(target=self._watch, args=(owner,), daemon=True).start()
        for server in self.servers:
            server.wait_until_ready(self.ca_file)
        self.dotcache = Dotcache(self, self.log, [self.upstream.upstream])
        self.dotcache.wait_until("/ready")

    def stop(self):
        if self.dotcache:
            self.dotcache.kill()
        for server in self.servers:
            server.stop()

    def _watch(self, owner):
        """Runs in its own process and cleans up if the owner was killed."""
        select.select([owner], [], [])
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ports(self, name):
        """Returns (classic port, DoT port, name in the certificate) of "dotcache", a peer or
        "upstream".
        """
        if name == "dotcache":
            return self.dotcache.port, self.dotcache.dot_port, self.dotcache.auth_name
        server = next(server for server in self.servers if server.directory.name == name)
        return server.classic_port, server.dot_port, server.auth_name
